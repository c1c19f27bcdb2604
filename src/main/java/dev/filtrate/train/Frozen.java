package dev.filtrate.train;

import dev.filtrate.data.batch.Batch;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.DeviceTensors;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The graph and session of a stage's teacher, or nobody's. */
record Frozen(@Nullable Graph graph, @Nullable ComputeSession session) implements TeacherOutputs {
  /** The teacher as far as the stage's gradients graph takes anything from it. */
  static Frozen of(Engine engine, Stage stage, Graph gradients) {
    Stage.FrozenTeacher t = stage.teacher().orElse(null);
    if (t == null) {
      return new Frozen(null, null);
    }
    Graph graph =
        engine.precision().applyTo(StageGraphs.teacher("teacher", t.teacher(), gradients));
    return graph.outputs().isEmpty()
        ? new Frozen(null, null)
        : new Frozen(graph, engine.frozen(graph, t.weights()));
  }

  /** What it takes: not always what the student takes. */
  List<String> inputs() {
    return session == null ? List.of() : session.inputs();
  }

  /** Its outputs for a batch, left on the device; the caller closes them. */
  DeviceTensors outputs(Map<String, Tensor> feeds) {
    return session == null ? DeviceTensors.empty() : session.runOnDevice(feeds);
  }

  @Override
  public Given forBatch(Batch batch) {
    return new Given(Map.of(), outputs(Feeds.of(batch, inputs())));
  }

  /** The same, fetched to the host. */
  Map<String, Tensor> fetched(Map<String, Tensor> feeds) {
    return session == null ? Map.of() : session.run(feeds);
  }

  @Override
  public void close() {
    if (session != null) {
      session.close();
    }
  }
}
