package dev.filtrate.train;

import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.DeviceTensors;
import java.util.Map;

/**
 * What a stage's frozen model says of its batches: computed, or from a cache where there is one.
 */
interface FrozenOutputs extends AutoCloseable {
  /**
   * The outputs for a batch, to be closed after the step.
   *
   * @param fed those that come from the host
   * @param onDevice those that the frozen model left on the device
   */
  record Given(Map<String, Tensor> fed, DeviceTensors onDevice) implements AutoCloseable {
    @Override
    public void close() {
      onDevice.close();
    }
  }

  /** The frozen model as far as the stage's gradients graph takes anything from it. */
  static FrozenOutputs of(Engine engine, Stage stage, Graph gradients, EncodedExamples data) {
    ComputedOutputs computed = ComputedOutputs.of(engine, stage, gradients);
    return stage
        .frozen()
        .<FrozenOutputs>map(frozen -> CachedOutputs.where(frozen, computed, data))
        .orElse(computed);
  }

  /** The outputs for a batch; they are good until the next one is asked for. */
  Given forBatch(Batch batch);

  @Override
  void close();
}
