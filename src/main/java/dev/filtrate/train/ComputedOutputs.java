package dev.filtrate.train;

import dev.filtrate.data.batch.Batch;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.QuantizedWeights;
import dev.filtrate.onnx.Target;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.recipe.FrozenDtype;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.DeviceTensors;
import dev.filtrate.runtime.OnnxRuntime;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The graph, weights and session of a stage's frozen model, or nobody's.
 *
 * @param bfloat16 whether the session rounds the graph's products
 */
record ComputedOutputs(
    @Nullable WeightedGraph model, @Nullable ComputeSession session, boolean bfloat16)
    implements FrozenOutputs {
  /** The name of the graph and of its session. */
  static final String NAME = "frozen";

  /** The frozen model as far as the stage's gradients graph takes anything from it. */
  static ComputedOutputs of(Engine engine, Stage stage, Graph gradients) {
    Stage.Frozen f = stage.frozen().orElse(null);
    if (f == null) {
      return new ComputedOutputs(null, null, false);
    }
    Graph graph = StageGraphs.frozen(NAME, f.source(), gradients);
    if (graph.outputs().isEmpty()) {
      return new ComputedOutputs(null, null, false);
    }
    Engine own = f.dtype() == FrozenDtype.BFLOAT16 ? engine.inBFloat16() : engine;
    WeightedGraph model = inForm(f.dtype(), new WeightedGraph(graph, f.weights()), own);
    ComputeSession session = own.frozen(model.graph(), model.values());
    return new ComputedOutputs(model, session, own.multipliesBFloat16());
  }

  /** A frozen model as it computes. */
  static WeightedGraph inForm(FrozenDtype dtype, WeightedGraph model, Engine engine) {
    return switch (dtype) {
      case FLOAT32, BFLOAT16 -> model.with(engine.pass().applyTo(model.graph()));
      case INT8 -> {
        Graph standard = Lowering.lower(model.graph(), Target.PORTABLE, DeviceKind.CPU);
        boolean reduceRange = !OnnxRuntime.addsProductsOfBytesExactly();
        yield QuantizedWeights.apply(model.with(standard), true, reduceRange);
      }
    };
  }

  /** What it takes: not always what the trained model takes. */
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
