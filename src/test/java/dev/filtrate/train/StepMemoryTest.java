package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.Graph;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StepMemoryTest {
  @TempDir Path folder;

  private Stage ted() {
    Recipe recipe = new TinyTask(folder).recipe(Use.PLAN, folder.resolve("out"));
    return new Outline(recipe).distil(Method.TED);
  }

  @Test
  void activationsGrowWithTheBatchAndFasterWithTheLength() {
    Stage stage = ted();
    StepMemory memory = new StepMemory(stage, stage.gradients());
    long one = memory.activations(64, 16);
    assertEquals(2.0, (double) memory.activations(128, 16) / one, 0.05);
    assertTrue(memory.activations(64, 32) > 2.1 * one);
  }

  @Test
  void weightsGradientsAndMomentsAreCounted() {
    Stage stage = ted();
    Graph gradients = stage.gradients();
    StepMemory memory = new StepMemory(stage, gradients);
    long teacher =
        StageGraphs.teacher("teacher", stage.teacher().orElseThrow().teacher(), gradients)
            .parameterCount();
    long expected = 4 * (4 * gradients.parameterCount() + teacher);
    assertEquals(expected, memory.bytes(4, 8) - memory.activations(4, 8));
  }

  @Test
  void anUpdateTakesTheSameForAnyBatch() {
    StepTimer.Timing timing = new StepTimer.Timing(3, 3, 2, 4, 1, 0, 0);
    assertEquals(17, timing.scaled(8));
    assertEquals(3, timing.scaled(1));
  }
}
