package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.Graph;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StepCostTest {
  @TempDir Path folder;

  private Stage ted() {
    Recipe recipe = new TinyTask(folder).recipe(Use.PLAN, folder.resolve("out"));
    return new Outline(recipe).distil(Method.TED);
  }

  @Test
  void activationsGrowWithTheBatchAndFasterWithTheLength() {
    Stage stage = ted();
    StepCost cost = new StepCost(stage, stage.gradients());
    long one = cost.activations(64, 16);
    assertEquals(2.0, (double) cost.activations(128, 16) / one, 0.05);
    assertTrue(cost.activations(64, 32) > 2.1 * one);
  }

  @Test
  void weightsGradientsAndMomentsAreCounted() {
    Stage stage = ted();
    Graph gradients = stage.gradients();
    StepCost cost = new StepCost(stage, gradients);
    long teacher =
        StageGraphs.frozen("teacher", stage.frozen().orElseThrow().source(), gradients)
            .parameterCount();
    long expected = 4 * (4 * gradients.parameterCount() + teacher);
    assertEquals(expected, cost.bytes(4, 8) - cost.activations(4, 8));
  }

  @Test
  void everyDenseLayerCostsTwoOperationsAWeightAndTokenForwardAndFourBackward() {
    Stage stage = ted();
    StepCost cost = new StepCost(stage, stage.gradients());
    double tokens = 8 * 2;
    // student: 4 H·H + 2 H·I a layer, filter H·F; teacher: two layers of the same, two filters
    double student = 6 * tokens * (4 * 64 + 2 * 8 * 16 + 8 * 16);
    double teacher = 2 * tokens * 2 * (4 * 256 + 2 * 16 * 32);
    double filters = 2 * tokens * 16 * 16;
    double flops = cost.flops(8, 2);
    assertTrue(flops > student + teacher + filters, () -> "got " + flops);
    assertTrue(flops < 1.25 * (student + teacher + filters), () -> "got " + flops);
  }

  @Test
  void anUpdateTakesTheSameForAnyBatch() {
    StepTimer.Timing timing = new StepTimer.Timing(3, 3, 2, 4, 1, 0, 0, 0);
    assertEquals(17, timing.scaled(8));
    assertEquals(3, timing.scaled(1));
  }
}
