package dev.filtrate.train;

import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.AdamW;
import dev.filtrate.model.Model;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Parameters;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.runtime.TrainingSession;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * From graphs to sessions: which operators are used, where they run, and how precisely models are
 * trained.
 *
 * @param target the operators
 * @param options device, threads, memory
 * @param precision of a stage's forward and backward pass, its teacher and its evaluation
 */
public record Engine(Target target, RuntimeOptions options, MixedPrecision precision) {
  /** An engine in float32. */
  public Engine(Target target, RuntimeOptions options) {
    this(target, options, MixedPrecision.NO);
  }

  /** The same with other options. */
  Engine with(RuntimeOptions other) {
    return new Engine(target, other, precision);
  }

  /** A graph as the runtime takes it, parameters among the inputs. */
  public byte[] onnx(Graph graph) {
    return OnnxCodec.encode(lowered(graph));
  }

  /** The inference graph of a model without filters, in this precision. */
  Graph inference(String name, Model model) {
    return precision.applyTo(StageGraphs.inference(name, model.withoutFilters()));
  }

  private Graph lowered(Graph graph) {
    return Lowering.toOnnx(graph, target, kind());
  }

  private DeviceKind kind() {
    if (!options.device().isCuda()) {
      return DeviceKind.CPU;
    }
    return options.cudaGraphs() ? DeviceKind.CUDA_GRAPH : DeviceKind.CUDA;
  }

  /**
   * A session whose parameters are constant: the runtime folds and fuses them. They are not packed
   * a second time into the kernels' layout, which takes their size again and was no faster.
   */
  public ComputeSession frozen(Graph graph, Map<String, Tensor> weights) {
    byte[] model = OnnxCodec.encode(lowered(graph), Parameters.declared(), Map.of());
    return ComputeSession.open(
        graph.name(), model, only(graph.parameters(), weights), options.withPrepacking(false));
  }

  /** A session whose parameters are inputs, to be bound. */
  public ComputeSession open(Graph graph) {
    return ComputeSession.open(graph.name(), onnx(graph), options);
  }

  /** The two graphs of a step, with their state on the device. */
  public TrainingSession training(Graph gradients, AdamW optimizer, Map<String, Tensor> weights) {
    Graph update = update(gradients.name() + "_update", optimizer, gradients);
    // Of standard operators, Dropout is one that a replay would repeat.
    boolean replays = options.cudaGraphs() && target == Target.ORT;
    return TrainingSession.open(
        onnx(gradients),
        onnx(update),
        only(gradients.parameters(), weights),
        options.withCudaGraphs(replays));
  }

  /** The update of what a gradients graph trains. */
  Graph update(String name, AdamW optimizer, Graph gradients) {
    List<Value> trained = StageGraphs.trained(gradients);
    return precision.scalesLoss()
        ? optimizer.scaledGraph(name, trained)
        : optimizer.graph(name, trained);
  }

  private static Map<String, Tensor> only(List<Value> parameters, Map<String, Tensor> weights) {
    Map<String, Tensor> chosen = new LinkedHashMap<>();
    for (Value p : parameters) {
      Tensor tensor = weights.get(p.name());
      if (tensor == null) {
        throw new IllegalArgumentException("no weights for parameter " + p);
      }
      chosen.put(p.name(), tensor);
    }
    return chosen;
  }
}
