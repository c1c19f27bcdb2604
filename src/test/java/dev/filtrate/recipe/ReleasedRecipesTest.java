package dev.filtrate.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.model.AdamW;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.train.StageGraphs;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The values of the released scripts. */
class ReleasedRecipesTest {
  /** The full-size job that has a name of its own. */
  @Test
  void debertaV3BaseToXsmallIsTheReleasedSst2() {
    List<Setting> named =
        List.of(Setting.assignment("name=x"), Setting.assignment("output_dir=runs/x"));
    Path recipes = Path.of("data/recipes");
    assertEquals(
        Recipe.read(recipes.resolve("released/sst2.yaml"), named, Use.PLAN),
        Recipe.read(recipes.resolve("deberta-v3-base-to-xsmall.yaml"), named, Use.PLAN));
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "mnli, 64, 256, 3, 2e-5, 1500, 7e-5, 1500, 5, 5, 100, 5, 7500",
    "qqp, 64, 256, 8, 2e-5, 5000, 6e-5, 5000, 20, 20, 20, 20, 1000",
    "qnli, 32, 256, 3, 1e-5, 500, 5e-5, 500, 20, 20, 10, 20, 100",
    "sst2, 32, 256, 6, 2e-5, 0, 4e-5, 0, 20, 20, 20, 20, 20",
    "rte, 16, 256, 6, 3e-5, 0, 6e-5, 0, 20, 20, 20, 20, 50",
    "cola, 32, 256, 6, 2e-5, 100, 6e-5, 0, 20, 0, 5, 0, 10",
    "mrpc, 32, 256, 6, 3e-5, 0, 7e-5, 0, 20, 20, 5, 20, 100",
    "stsb, 16, 128, 6, 2e-5, 100, 1e-4, 100, 20, 20, 5, 20, 50",
  })
  void theirValuesAreTheReleasedOnes(
      String task,
      int batch,
      int length,
      int epochs,
      double teacherRate,
      int teacherWarmUp,
      double studentRate,
      int studentWarmUp,
      double klOfKd,
      double klOfLwd,
      double mseOfLwd,
      double klOfTed,
      double mseOfTed) {
    Recipe recipe =
        Recipe.read(Path.of("data/recipes/released", task + ".yaml"), List.of(), Use.PLAN);
    assertEquals(task, recipe.requireTask().name());
    assertEquals(List.of(42L), recipe.seeds());
    assertEquals(Start.RELEASED, recipe.start());
    assertEquals(length, recipe.tokenizer().maxLength());
    double dropout = task.equals("rte") ? 0 : 0.1;
    double cls = task.equals("cola") ? 0 : dropout;
    same(recipe.teacher().finetune(), batch, epochs, teacherRate, teacherWarmUp, dropout, dropout);
    same(
        recipe.teacher().learnFilters(),
        batch,
        epochs,
        teacherRate,
        teacherWarmUp,
        dropout,
        dropout);
    same(recipe.student().finetune(), batch, epochs, studentRate, studentWarmUp, dropout, cls);
    int stageOne = task.equals("rte") ? 32 : batch;
    same(
        recipe.student().learnFilters(),
        stageOne,
        epochs,
        studentRate,
        studentWarmUp,
        dropout,
        cls);
    alphas(recipe, Method.KD, klOfKd, 0);
    alphas(recipe, Method.LWD, klOfLwd, mseOfLwd);
    alphas(recipe, Method.TED, klOfTed, mseOfTed);
    for (Method method : List.of(Method.KD, Method.LWD, Method.TED)) {
      StageSettings stage = recipe.settings(method).stage();
      same(stage, batch, epochs, studentRate, studentWarmUp, dropout, cls);
      assertTrue(stage.evaluation().saveBest());
      assertEquals(2, recipe.settings(method).objective().temperature());
    }
    assertEquals(768, recipe.filters().student(768).outputDim());
    assertEquals(12, recipe.teacherConfig().orElseThrow().numHiddenLayers());
    assertEquals(384, recipe.studentConfig().orElseThrow().hiddenSize());
    assertEquals(184_000_000, millions(recipe.teacherConfig().orElseThrow()));
    assertEquals(70_000_000, millions(recipe.studentConfig().orElseThrow()));
  }

  @Test
  void thoseOfSquadAreTheReleasedOnes() {
    Recipe recipe = Recipe.read(Path.of("data/recipes/released/squadv2.yaml"), List.of(), Use.PLAN);
    assertEquals(SquadSettings.released(true), Objects.requireNonNull(recipe.squad()).settings());
    assertEquals(384, recipe.tokenizer().maxLength());
    rates(recipe.teacher().finetune(), 24, 2, 3e-5);
    rates(recipe.teacher().learnFilters(), 48, 1, 3e-5);
    rates(recipe.student().finetune(), 8, 1, 5e-5);
    rates(recipe.student().learnFilters(), 8, 1, 5e-5);
    rates(recipe.settings(Method.TED).stage(), 8, 1, 5e-5);
    alphas(recipe, Method.KD, 10, 0);
    alphas(recipe, Method.LWD, 10, 100);
    alphas(recipe, Method.TED, 10, 5000);
  }

  private static void rates(StageSettings stage, int batch, int accumulated, double rate) {
    assertEquals(batch, stage.trainBatchSize());
    assertEquals(accumulated, stage.gradientAccumulationSteps());
    assertEquals(new Schedule(SchedulerType.LINEAR, rate, 0), stage.schedule());
    assertEquals(3, stage.numTrainEpochs());
    assertEquals(Dropouts.OF_CONFIG, stage.dropouts());
  }

  private static long millions(ModelConfig config) {
    Model model = new Model(config, Head.SEQUENCE_CLASSIFICATION, Optional.empty());
    return StageGraphs.inference("parameters", model).parameterCount() / 1_000_000 * 1_000_000;
  }

  private static void same(
      StageSettings stage,
      int batch,
      int epochs,
      double rate,
      int warmUp,
      double dropout,
      double clsDropout) {
    assertEquals(batch, stage.trainBatchSize());
    assertEquals(epochs, stage.numTrainEpochs());
    assertEquals(new Schedule(SchedulerType.LINEAR, rate, warmUp), stage.schedule());
    assertEquals(AdamW.with(0, OptionalDouble.empty()), stage.optimizer());
    assertEquals(
        new Dropouts(
            OptionalDouble.of(clsDropout), OptionalDouble.of(dropout), OptionalDouble.of(dropout)),
        stage.dropouts());
    assertFalse(stage.groupByLength());
  }

  private static void alphas(Recipe recipe, Method method, double kl, double mse) {
    assertEquals(kl, recipe.settings(method).objective().klAlpha());
    assertEquals(mse, recipe.settings(method).objective().mseAlpha());
  }
}
