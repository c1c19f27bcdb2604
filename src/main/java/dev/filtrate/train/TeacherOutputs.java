package dev.filtrate.train;

import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.DeviceTensors;
import java.util.Map;

/**
 * What a stage's teacher says of its batches: computed, or from a cache where the stage has one.
 */
interface TeacherOutputs extends AutoCloseable {
  /**
   * The outputs for a batch, to be closed after the step.
   *
   * @param fed those that come from the host
   * @param onDevice those that the teacher left on the device
   */
  record Given(Map<String, Tensor> fed, DeviceTensors onDevice) implements AutoCloseable {
    @Override
    public void close() {
      onDevice.close();
    }
  }

  /** The teacher as far as the stage's gradients graph takes anything from it. */
  static TeacherOutputs of(Engine engine, Stage stage, Graph gradients, EncodedExamples data) {
    Frozen frozen = Frozen.of(engine, stage, gradients);
    return stage
        .teacher()
        .<TeacherOutputs>map(teacher -> CachedTeacher.where(teacher, frozen, data))
        .orElse(frozen);
  }

  /** The outputs for a batch; they are good until the next one is asked for. */
  Given forBatch(Batch batch);

  @Override
  void close();
}
