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
import dev.filtrate.runtime.OnnxRuntime;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.runtime.RuntimeOptions.CpuKernels;
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

  /** An engine in this precision, with the best kernels that there are. */
  public static Engine of(Target target, RuntimeOptions options, MixedPrecision precision) {
    return new Engine(target, options.withCpuKernels(best(target, options, precision)), precision);
  }

  private static CpuKernels best(Target target, RuntimeOptions options, MixedPrecision precision) {
    if (target != Target.ORT || options.device().isCuda() || !OnnxRuntime.hasOwnKernels()) {
      return CpuKernels.ORT;
    }
    return precision == MixedPrecision.BF16 && OnnxRuntime.multipliesBFloat16()
        ? CpuKernels.OWN_BFLOAT16
        : CpuKernels.OWN;
  }

  /** The same in bfloat16. */
  Engine inBFloat16() {
    return of(target, options, MixedPrecision.BF16);
  }

  /** The same in float32, with the kernels that exports meet everywhere. */
  public Engine asExported() {
    return new Engine(target, options.withCpuKernels(CpuKernels.ORT));
  }

  /** The same with other options. */
  Engine with(RuntimeOptions other) {
    return new Engine(target, other, precision);
  }

  /** A graph as the runtime takes it, parameters among the inputs. */
  public byte[] onnx(Graph graph) {
    return OnnxCodec.encode(lowered(graph));
  }

  /**
   * What is done to a forward graph before it is differentiated. With the processor's own products
   * it stays as it is, since they take and deliver float32.
   */
  MixedPrecision pass() {
    return multipliesBFloat16() ? MixedPrecision.NO : precision;
  }

  /** Whether products round their factors to bfloat16, in a kernel that takes float32. */
  boolean multipliesBFloat16() {
    return options.cpuKernels() == CpuKernels.OWN_BFLOAT16;
  }

  /** The inference graph of a model without filters, in this precision. */
  Graph inference(String name, Model model) {
    return pass().applyTo(StageGraphs.inference(name, model.withoutFilters()));
  }

  private Graph lowered(Graph graph) {
    return Lowering.toOnnx(graph, target, kind());
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

  private DeviceKind kind() {
    if (options.device().isCuda()) {
      return options.cudaGraphs() ? DeviceKind.CUDA_GRAPH : DeviceKind.CUDA;
    }
    return switch (options.cpuKernels()) {
      case ORT -> DeviceKind.CPU;
      case OWN -> DeviceKind.CPU_ONEDNN;
      case OWN_BFLOAT16 -> DeviceKind.CPU_BFLOAT16;
    };
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
