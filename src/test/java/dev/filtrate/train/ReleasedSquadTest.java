package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.data.squad.SquadTask;
import dev.filtrate.model.Head;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Schedule;
import dev.filtrate.recipe.SchedulerType;
import dev.filtrate.recipe.StageSettings;
import dev.filtrate.recipe.Start;
import dev.filtrate.recipe.Use;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The recipe of the paper's SQuAD row. */
class ReleasedSquadTest {
  @Test
  void itsValuesAreTheReleasedOnes() {
    Recipe recipe = Recipe.read(Path.of("data/recipes/released/squadv2.yaml"), List.of(), Use.PLAN);
    SquadTask task = recipe.squad();
    assertEquals(SquadSettings.released(true), task == null ? null : task.settings());
    assertEquals(Head.QUESTION_ANSWERING, recipe.head());
    assertEquals(384, recipe.tokenizer().maxLength());
    assertEquals(Start.RELEASED, recipe.start());
    same(recipe.teacher().finetune(), 24, 2, 3e-5);
    same(recipe.teacher().learnFilters(), 48, 1, 3e-5);
    same(recipe.student().finetune(), 8, 1, 5e-5);
    same(recipe.student().learnFilters(), 8, 1, 5e-5);
    for (Method method : List.of(Method.KD, Method.LWD, Method.TED)) {
      same(recipe.settings(method).stage(), 8, 1, 5e-5);
      assertEquals(10, recipe.settings(method).objective().klAlpha());
    }
    assertEquals(100, recipe.settings(Method.LWD).objective().mseAlpha());
    assertEquals(5000, recipe.settings(Method.TED).objective().mseAlpha());
    assertEquals(768, recipe.filters().student(768).outputDim());
  }

  private static void same(StageSettings stage, int batch, int accumulation, double rate) {
    assertEquals(batch, stage.trainBatchSize());
    assertEquals(accumulation, stage.gradientAccumulationSteps());
    assertEquals(3, stage.numTrainEpochs());
    assertEquals(new Schedule(SchedulerType.LINEAR, rate, 0), stage.schedule());
  }
}
