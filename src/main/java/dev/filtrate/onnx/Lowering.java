package dev.filtrate.onnx;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The pass that leaves in a graph only what a target runs, and runs well: one table from operator,
 * target and device to the kernel of that name (no entry) or to a {@linkplain Chains chain} of
 * other operators. Inputs, parameters, outputs and the values that survive keep their names; what
 * chains have in common is computed once, and an input that no kernel takes any more is dropped.
 *
 * <p>On a CPU, ONNX Runtime's gradient kernels of Gelu and LayerNormalization and its Dropout run
 * on one thread and lose to chains; its GatherGrad adds the rows of an index in any order, so it
 * gets them added up. SoftmaxGrad, DropoutGrad and AdamOptimizer beat their chains there. On CUDA
 * the kernels stay; its ScatterElements and GatherElementsGrad add in any order, which is
 * repeatable where no two updates meet, as in the losses of this project. What would copy between
 * host and device there is written otherwise: a step reaches each optimizer node as an input of its
 * own, sizes are counted where sums run, and factors of products are repeated to like batches.
 * {@linkplain FusedAttention Attention} that nobody differentiates is one operator there. Where
 * kernels are replayed, none may ask the host or the device for a number: dropout hashes a seed
 * that is fed, and the rows of large tables are added up by ScatterElements.
 */
public final class Lowering {
  /**
   * The input, an int64 scalar, of which dropout is a function in graphs for {@link
   * DeviceKind#CUDA_GRAPH}; a graph without dropout has none.
   */
  public static final String DROPOUT_SEED = "dropout_seed";

  private static final Map<OpType, Chain> PORTABLE =
      new EnumMap<>(
          Map.ofEntries(
              Map.entry(OpType.GELU, Chains::gelu),
              Map.entry(OpType.FUSED_MATMUL, Chains::fusedMatMul),
              Map.entry(OpType.MULTI_HEAD_ATTENTION, Chains::multiHeadAttention),
              Map.entry(OpType.GELU_GRAD, Chains::geluGrad),
              Map.entry(OpType.SOFTMAX_GRAD, Chains::softmaxGrad),
              Map.entry(OpType.LOG_SOFTMAX_GRAD, Chains::logSoftmaxGrad),
              Map.entry(OpType.LAYER_NORMALIZATION_GRAD, Chains::layerNormalizationGrad),
              Map.entry(OpType.GATHER_GRAD, Chains::gatherGrad),
              Map.entry(OpType.GATHER_ELEMENTS_GRAD, Chains::gatherElementsGrad),
              Map.entry(OpType.DROPOUT_GRAD, Chains::dropoutGrad),
              Map.entry(OpType.RELATIVE_SHIFT, Chains::relativeShift),
              Map.entry(OpType.RELATIVE_SHIFT_GRAD, Chains::relativeShiftGrad),
              Map.entry(OpType.ADAM_OPTIMIZER, Chains::adamOptimizer)));

  private static final Map<OpType, Chain> ORT_CPU =
      new EnumMap<>(
          Map.of(
              OpType.GELU_GRAD, Chains::geluGrad,
              OpType.RELATIVE_SHIFT, Chains::relativeShift,
              OpType.RELATIVE_SHIFT_GRAD, Chains::relativeShiftGrad,
              OpType.LAYER_NORMALIZATION_GRAD, Chains::layerNormalizationGrad,
              OpType.GATHER_GRAD, Chains::gatherGradOfLargeTable,
              OpType.GATHER_ELEMENTS_GRAD, Chains::gatherElementsGrad,
              OpType.ADAM_OPTIMIZER, Chains::adamKernel));

  /** What this project's own kernels change in it. */
  private static final Map<OpType, Chain> OWN_CPU =
      Map.of(
          OpType.GELU,
              Chains.own(
                  OpType.GELU_ONEDNN, (op, n) -> op.emit(OpType.GELU, n.inputs(), n.attributes())),
          OpType.GELU_GRAD, Chains.own(OpType.GELU_GRAD_ONEDNN, Chains::geluGrad),
          OpType.GATHER_GRAD, Chains::ownGatherGrad,
          OpType.RELATIVE_SHIFT, Chains.own(OpType.RELATIVE_SHIFT, Chains::relativeShift),
          OpType.RELATIVE_SHIFT_GRAD,
              Chains.own(OpType.RELATIVE_SHIFT_GRAD, Chains::relativeShiftGrad));

  private static final Map<OpType, Chain> ORT_CUDA =
      new EnumMap<>(
          Map.of(
              OpType.DIM, Chains::countedSize,
              OpType.MATMUL, Chains::alikeBatches,
              OpType.FUSED_MATMUL, Chains::alikeBatches,
              OpType.GATHER_GRAD, Chains::gatherGradOfSmallTable,
              OpType.RELATIVE_SHIFT, Chains::relativeShift,
              OpType.RELATIVE_SHIFT_GRAD, Chains::relativeShiftGrad,
              OpType.ADAM_OPTIMIZER, Chains::adamKernelOfFedStep));

  /** Operators with outputs that a schema lets us leave out at the end. */
  private static final Set<OpType> OPTIONAL_OUTPUTS =
      Set.of(OpType.LAYER_NORMALIZATION, OpType.DROPOUT);

  private final Graph graph;
  private final GraphBuilder builder;
  private final Map<OpType, Chain> table;

  /** What stands for a value of the graph after its node has become a chain. */
  private final Map<Value, Value> replaced = new HashMap<>();

  /** Results of chains, back to the names they stand for. */
  private final Map<Value, Value> renamed = new HashMap<>();

  private Lowering(Graph graph, Map<OpType, Chain> table) {
    this.graph = graph;
    this.builder = GraphBuilder.rewriting(graph);
    this.table = table;
  }

  /** The graph as {@link OnnxCodec} writes it for a target: lowered, with operands as inputs. */
  public static Graph toOnnx(Graph graph, Target target, DeviceKind device) {
    return Operands.asInputs(lower(graph, target, device));
  }

  /** The graph with chains in place of what the target does not run, or not well. */
  public static Graph lower(Graph graph, Target target, DeviceKind device) {
    boolean onCuda = target == Target.ORT && device.isCuda();
    Graph known = onCuda ? FusedAttention.of(graph) : FloatIslands.of(graph);
    Graph lowered = new Lowering(known, table(known, target, device)).run();
    requireRunnable(lowered, target);
    if (device == DeviceKind.CUDA_GRAPH && target == Target.ORT) {
      requireReplayable(lowered);
    }
    return lowered;
  }

  private static Map<OpType, Chain> table(Graph graph, Target target, DeviceKind device) {
    if (target == Target.PORTABLE) {
      return PORTABLE;
    }
    Map<OpType, Chain> table = new EnumMap<>(device.isCuda() ? ORT_CUDA : ORT_CPU);
    if (!device.isCuda()) { // words are shared within a graph
      table.put(OpType.DROPOUT, new DropoutMasks(new DrawnWords())::emit);
    }
    switch (device) {
      case CPU, CUDA -> {}
      case CPU_ONEDNN -> table.putAll(OWN_CPU);
      case CPU_BFLOAT16 -> {
        table.putAll(OWN_CPU);
        table.put(OpType.MATMUL, Chains::productInBFloat16);
        table.put(OpType.FUSED_MATMUL, Chains::productInBFloat16);
      }
      case CUDA_GRAPH -> {
        table.put(OpType.DROPOUT, new DropoutMasks(new SeededWords(graph))::emit);
        table.put(OpType.GATHER_GRAD, Chains::gatherGradOfAnyTable);
      }
    }
    return table;
  }

  /** What must hold after the pass; the error names node, operator and reason. */
  static void requireRunnable(Graph graph, Target target) {
    Set<Value> always = new HashSet<>();
    for (Node n : graph.nodes()) {
      if (n.op() == OpType.CONSTANT && isTrue(n.attribute("value", Attr.Content.class).value())) {
        always.add(n.output());
      }
      Check.state(
          n.op() != OpType.DROPOUT_GRAD || always.contains(n.in(3)),
          "%s: ONNX Runtime's DropoutGrad takes training for granted, but its flag is not constant",
          n.output().name());
      Check.state(
          target != Target.PORTABLE || n.op().domain().isEmpty() || n.op() == OpType.DIM,
          "%s: %s of %s is not a standard operator; give it a chain in Lowering's table",
          n.output().name(),
          n.op(),
          n.op().domain());
    }
  }

  private static void requireReplayable(Graph graph) {
    for (Node n : graph.nodes()) {
      Check.state(
          n.op() != OpType.DROPOUT,
          "%s: a replay of Dropout would repeat its mask; of rank 1, or with a ratio or flag that is"
              + " not constant, it cannot be replayed",
          n.output().name());
    }
  }

  private static boolean isTrue(Tensor value) {
    return value.type() == DType.BOOL && value.size() == 1 && value.scalarValue() != 0;
  }

  private Graph run() {
    graph.nodes().forEach(this::replace);
    List<Node> nodes = new ArrayList<>(builder.nodes());
    for (Value output : graph.outputs()) {
      Value standIn = replaced.get(output);
      if (standIn != null && !output.equals(renamed.get(standIn))) {
        nodes.add(new Node(OpType.IDENTITY, List.of(standIn), List.of(output), Map.of()));
      }
    }
    List<Node> named = nodes.stream().map(this::named).toList();
    Graph whole =
        new Graph(graph.name(), builder.inputs(), graph.parameters(), named, graph.outputs());
    Graph pruned = Merging.of(whole.pruned());
    return new Graph(
        graph.name(), pruned.inputs(), graph.parameters(), trimmed(pruned), graph.outputs());
  }

  private void replace(Node n) {
    Node node =
        new Node(
            n.op(),
            n.inputs().stream().map(v -> replaced.getOrDefault(v, v)).toList(),
            n.outputs(),
            n.attributes());
    Chain chain = table.get(n.op());
    if (chain == null) {
      builder.add(node);
      return;
    }
    String name = n.output().name();
    int before = builder.nodes().size();
    List<Value> results = chain.emit(builder.ops().in(name), node);
    Set<Value> made = new HashSet<>();
    List<Node> nodes = builder.nodes();
    nodes.subList(before, nodes.size()).forEach(m -> made.addAll(m.outputs()));
    for (int i = 0; i < n.outputs().size(); i++) {
      Value was = n.out(i);
      Value is = results.get(i);
      Check.state(
          is.type() == was.type() && is.shape().equals(was.shape()),
          "the chain of %s delivers %s for %s",
          n.op(),
          is,
          was);
      replaced.put(was, is);
      if (made.contains(is)) {
        renamed.putIfAbsent(is, was);
      }
    }
  }

  private Node named(Node n) {
    return new Node(
        n.op(),
        n.inputs().stream().map(v -> renamed.getOrDefault(v, v)).toList(),
        n.outputs().stream().map(v -> renamed.getOrDefault(v, v)).toList(),
        n.attributes());
  }

  /** Nodes without trailing outputs that nobody reads: the runtime need not compute them. */
  private static List<Node> trimmed(Graph graph) {
    Set<Value> read = new HashSet<>(graph.outputs());
    graph.nodes().forEach(n -> read.addAll(n.inputs()));
    return graph.nodes().stream()
        .map(
            n -> {
              int count = n.outputs().size();
              while (OPTIONAL_OUTPUTS.contains(n.op())
                  && count > 1
                  && !read.contains(n.out(count - 1))) {
                count--;
              }
              return new Node(n.op(), n.inputs(), n.outputs().subList(0, count), n.attributes());
            })
        .toList();
  }
}
