package dev.filtrate.export;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.weights.HalfPrecision;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The pass to float16: weights, embeddings and products are halves, inputs and outputs stay what
 * they were. Islands of float32 remain where halves would lose the answer: softmax and norms, and
 * whatever is computed with numbers that a half cannot hold, such as the attention mask's
 * −3.4·10³⁸, up to an operator whose result is small again.
 */
final class HalfFloats {
  /** What a half computes or moves well; all other operators stay in float32. */
  private static final Set<OpType> IN_HALF =
      EnumSet.of(
          OpType.MATMUL,
          OpType.ADD,
          OpType.SUB,
          OpType.MUL,
          OpType.DIV,
          OpType.NEG,
          OpType.ABS,
          OpType.MAX,
          OpType.MIN,
          OpType.TANH,
          OpType.ERF,
          OpType.SIGMOID,
          OpType.RELU,
          OpType.WHERE,
          OpType.GATHER,
          OpType.GATHER_ELEMENTS,
          OpType.RESHAPE,
          OpType.TRANSPOSE,
          OpType.EXPAND,
          OpType.SQUEEZE,
          OpType.UNSQUEEZE,
          OpType.SLICE,
          OpType.PAD,
          OpType.CONCAT,
          OpType.IDENTITY);

  /** What delivers numbers of moderate size whatever it reads. */
  private static final Set<OpType> MODERATE =
      EnumSet.of(
          OpType.SOFTMAX, OpType.LAYER_NORMALIZATION, OpType.SIGMOID, OpType.TANH, OpType.ERF);

  private static final float LARGEST = 65504;
  private static final float SMALLEST = 0x1p-24f;

  private final WeightedGraph draft;
  private final GraphBuilder builder;

  /** Values that a half cannot hold. */
  private final Set<Value> unfit = new HashSet<>();

  /** Nodes that compute in halves. */
  private final Set<Node> inHalf = new HashSet<>();

  /** Parameters that are stored as halves. */
  private final Set<Value> stored = new HashSet<>();

  /** Parameters and results of nodes that are halves now. */
  private final Map<Value, Value> halves = new HashMap<>();

  /** The others in halves, and halves in float32, where that was needed. */
  private final Map<Value, Value> narrowed = new HashMap<>();

  private final Map<Value, Value> widened = new HashMap<>();
  private final Map<Value, Tensor> constants = new HashMap<>();

  private HalfFloats(WeightedGraph draft) {
    this.draft = draft;
    this.builder = GraphBuilder.rewriting(draft.graph());
  }

  static WeightedGraph apply(WeightedGraph draft) {
    return new HalfFloats(draft).run();
  }

  /** Whether inputs and outputs are as elsewhere, and every weight of a product is a half. */
  static boolean isHalf(WeightedGraph draft) {
    Graph g = draft.graph();
    Set<Value> parameters = Set.copyOf(g.parameters());
    return draft.isWhole()
        && g.inputs().stream().allMatch(v -> v.type() == DType.INT64)
        && g.outputs().stream().allMatch(v -> v.type() == DType.FLOAT)
        && g.nodes().stream()
            .filter(n -> n.op() == OpType.MATMUL && parameters.contains(n.in(1)))
            .allMatch(n -> n.in(1).type() == DType.FLOAT16);
  }

  private WeightedGraph run() {
    Graph g = draft.graph();
    g.parameters().stream()
        .filter(p -> p.type() == DType.FLOAT && !fits(values(p), false))
        .forEach(unfit::add);
    g.nodes().forEach(this::classify);
    for (Node n : g.nodes()) {
      if (inHalf.contains(n)) {
        n.inputs().stream().filter(g.parameters()::contains).forEach(this::store);
      }
    }
    g.nodes().forEach(this::rewrite);
    for (Value output : g.outputs()) {
      Value half = halves.get(output);
      if (half != null) {
        Map<String, Attr> to = Map.of("to", new Attr.Int(DType.FLOAT.onnx()));
        builder.add(new Node(OpType.CAST, List.of(half), List.of(output), to));
      }
    }
    List<Value> parameters =
        g.parameters().stream().map(p -> stored.contains(p) ? half(p) : p).toList();
    Map<String, Tensor> values = new LinkedHashMap<>(draft.values());
    stored.forEach(p -> values.computeIfPresent(p.name(), (n, t) -> HalfPrecision.toFloat16(t)));
    Graph rewritten = new Graph(g.name(), g.inputs(), parameters, builder.nodes(), g.outputs());
    return new WeightedGraph(rewritten.pruned(), values);
  }

  private Tensor values(Value parameter) {
    Tensor tensor = draft.values().get(parameter.name());
    if (tensor == null) {
      throw new IllegalArgumentException("no weights for parameter " + parameter);
    }
    return tensor;
  }

  /** Whether halves hold these numbers; {@code exactly} also none that would become 0. */
  private static boolean fits(Tensor tensor, boolean exactly) {
    for (int i = 0; i < tensor.size(); i++) {
      double size = Math.abs(tensor.get(i));
      if (!(size <= LARGEST) || (exactly && size > 0 && size < SMALLEST)) {
        return false;
      }
    }
    return true;
  }

  private void classify(Node n) {
    if (n.op() == OpType.CONSTANT && isFloat(n.output())) {
      Tensor content = n.attribute("value", Attr.Content.class).value();
      constants.put(n.output(), content);
      if (!fits(content, true)) {
        unfit.add(n.output());
      }
      return;
    }
    boolean moderate = n.inputs().stream().noneMatch(unfit::contains);
    boolean floats = n.inputs().stream().anyMatch(HalfFloats::isFloat);
    if (floats && moderate && IN_HALF.contains(n.op())) {
      inHalf.add(n);
    } else if (!moderate && !MODERATE.contains(n.op())) {
      n.outputs().stream().filter(HalfFloats::isFloat).forEach(unfit::add);
    }
  }

  private static boolean isFloat(Value v) {
    return v.type() == DType.FLOAT && !v.equals(Value.NONE);
  }

  private static Value retyped(Value v, String name) {
    return new Value(name, DType.FLOAT16, v.shape());
  }

  private void store(Value parameter) {
    if (isFloat(parameter) && stored.add(parameter)) {
      halves.put(parameter, retyped(parameter, parameter.name()));
    }
  }

  private void rewrite(Node n) {
    if (!inHalf.contains(n)) {
      List<Value> inputs = n.inputs().stream().map(this::wide).toList();
      builder.add(new Node(n.op(), inputs, n.outputs(), n.attributes()));
      return;
    }
    List<Value> inputs = n.inputs().stream().map(v -> isFloat(v) ? half(v) : v).toList();
    for (Value v : n.outputs()) {
      if (isFloat(v)) {
        boolean output = draft.graph().outputs().contains(v);
        halves.put(v, retyped(v, output ? v.name() + "/half" : v.name()));
      }
    }
    List<Value> outputs = n.outputs().stream().map(v -> halves.getOrDefault(v, v)).toList();
    builder.add(new Node(n.op(), inputs, outputs, n.attributes()));
  }

  /** A float32 value as a half: what is one, a rounded constant, or a Cast. */
  private Value half(Value v) {
    Value known = halves.getOrDefault(v, narrowed.get(v));
    if (known == null) {
      Tensor constant = constants.get(v);
      known =
          constant == null
              ? builder.ops().in(v.name()).cast(v, DType.FLOAT16)
              : builder.ops().constant(HalfPrecision.toFloat16(constant));
      narrowed.put(v, known);
    }
    return known;
  }

  /** A value in float32, where it has become a half through a Cast. */
  private Value wide(Value v) {
    Value half = halves.get(v);
    if (half == null) {
      return v;
    }
    return widened.computeIfAbsent(v, w -> builder.ops().in(w.name()).cast(half, DType.FLOAT));
  }
}
