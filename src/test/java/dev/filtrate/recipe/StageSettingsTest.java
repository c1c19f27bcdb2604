package dev.filtrate.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class StageSettingsTest {
  private static StageSettings training(String... settings) {
    List<Setting> all =
        List.of(settings).stream().map(s -> Setting.assignment("training." + s)).toList();
    String recipe = "student: {model_name_or_path: .}";
    return Recipe.parse(recipe, "r.yaml", Path.of(""), withModel(all), Use.PREDICT).training();
  }

  private static List<Setting> withModel(List<Setting> settings) {
    List<Setting> all = new java.util.ArrayList<>(settings);
    all.add(Setting.assignment("student.config={model_type: bert}"));
    return all;
  }

  @Test
  void defaultsAreTheReleasedOnes() {
    assertEquals(StageSettings.RELEASED, training());
    assertEquals(3, training().numTrainEpochs());
    assertEquals(8, training().trainBatchSize());
    assertEquals(new Schedule(SchedulerType.LINEAR, 5e-5, 0), training().schedule());
    assertEquals(0, training().optimizer().weightDecay());
    assertTrue(training().optimizer().maxGradNorm().isEmpty());
  }

  @Test
  void countsUpdates() {
    StageSettings stage =
        training("per_device_train_batch_size=8", "gradient_accumulation_steps=2");
    assertEquals(7, stage.updatesPerEpoch(100)); // 13 micro-batches, the last update has one
    assertEquals(21, stage.updates(100));
    assertEquals(5, training("max_train_steps=5").updates(100));
  }

  @Test
  void noEpochsMeansThatTheStageIsLeftOut() {
    assertTrue(training("num_train_epochs=0").isSkipped());
    assertFalse(training("num_train_epochs=0", "max_train_steps=3").isSkipped());
  }

  @Test
  void knowsWhenSomethingIsDue() {
    assertTrue(Every.updates(10).due(20, 7));
    assertFalse(Every.updates(10).due(21, 7));
    assertTrue(Every.EPOCH.due(21, 7));
    assertFalse(Every.NEVER.due(21, 7));
  }
}
