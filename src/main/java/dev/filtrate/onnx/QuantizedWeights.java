package dev.filtrate.onnx;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The pass to int8, dynamic quantization as ONNX Runtime's {@code quantize_dynamic} writes it and
 * Optimum and transformers.js expect it: a product with a weight becomes DynamicQuantizeLinear on
 * what it reads (once for all products that read it), MatMulInteger, and a multiplication with both
 * scales. Rows of tables are taken as bytes and then scaled. The rest stays in float32.
 */
public final class QuantizedWeights {
  private static final int LARGEST = 127;

  /** Of weights of 7 bits: two products with a byte then fit into 16 bits. */
  private static final int REDUCED = 64;

  private final WeightedGraph source;
  private final boolean perChannel;
  private final boolean reduceRange;
  private final GraphBuilder builder;
  private final Set<Value> matrices = new HashSet<>();

  /** Matrices by their transposes. */
  private final Map<Value, Value> transposes = new HashMap<>();

  private final List<Value> parameters;
  private final Map<String, Tensor> values;

  /** What products read, quantized: bytes, scale and zero point. */
  private final Map<Value, List<Value>> activations = new HashMap<>();

  /** Weights and tables, quantized: bytes, scales and zero points. */
  private final Map<Value, List<Value>> weights = new HashMap<>();

  private QuantizedWeights(WeightedGraph source, boolean perChannel, boolean reduceRange) {
    this.source = source;
    this.perChannel = perChannel;
    this.reduceRange = reduceRange;
    this.builder = GraphBuilder.rewriting(source.graph());
    this.parameters = new ArrayList<>(source.graph().parameters());
    this.values = new LinkedHashMap<>(source.values());
    parameters.stream()
        .filter(p -> p.type() == DType.FLOAT && p.rank() == 2)
        .forEach(matrices::add);
    source.graph().nodes().stream()
        .filter(n -> n.op() == OpType.TRANSPOSE && matrices.contains(n.in(0)))
        .forEach(n -> transposes.put(n.output(), n.in(0)));
  }

  public static WeightedGraph apply(WeightedGraph source, boolean perChannel, boolean reduceRange) {
    return new QuantizedWeights(source, perChannel, reduceRange).run();
  }

  /** Whether no product and no table lookup reads a float32 weight. */
  public static boolean isQuantized(WeightedGraph source) {
    QuantizedWeights pass = new QuantizedWeights(source, false, false);
    return source.isWhole()
        && source.graph().nodes().stream().noneMatch(n -> pass.isProduct(n) || pass.isLookup(n));
  }

  private boolean isProduct(Node n) {
    return n.op() == OpType.MATMUL
        && (matrices.contains(n.in(1)) || transposes.containsKey(n.in(1)));
  }

  /** Whether a node takes whole rows of a table. */
  private boolean isLookup(Node n) {
    if (n.op() == OpType.GATHER) {
      return matrices.contains(n.in(0)) && n.integer("axis") == 0;
    }
    return n.op() == OpType.SLICE
        && matrices.contains(n.in(0))
        && n.output().dim(1).equals(n.in(0).dim(1));
  }

  private WeightedGraph run() {
    Graph g = source.graph();
    for (Node n : g.nodes()) {
      if (isProduct(n)) {
        product(n);
      } else if (isLookup(n)) {
        lookup(n);
      } else {
        builder.add(n);
      }
    }
    Graph whole =
        new Graph(g.name(), g.inputs(), parameters, builder.nodes(), g.outputs()).pruned();
    Set<String> kept = new HashSet<>();
    whole.parameters().forEach(p -> kept.add(p.name()));
    values.keySet().retainAll(kept);
    return new WeightedGraph(whole, values);
  }

  private void product(Node n) {
    Ops op = builder.ops().in(n.output().name());
    List<Value> x = activations.computeIfAbsent(n.in(0), this::activation);
    List<Value> w = quantized(n.in(1), reduceRange ? REDUCED : LARGEST);
    List<Value> bytes = List.of(x.get(0), w.get(0), x.get(2), w.get(2));
    Value sums = op.cast(op.emit(OpType.MATMUL_INTEGER, bytes, Map.of()).get(0), DType.FLOAT);
    Value scale = op.mul(x.get(1), w.get(1));
    builder.add(new Node(OpType.MUL, List.of(sums, scale), n.outputs(), Map.of()));
  }

  private List<Value> activation(Value x) {
    return builder.ops().in(x.name()).emit(OpType.DYNAMIC_QUANTIZE_LINEAR, List.of(x), Map.of());
  }

  private void lookup(Node n) {
    List<Value> table = quantized(n.in(0), LARGEST);
    List<Value> inputs = new ArrayList<>(n.inputs());
    inputs.set(0, table.get(0));
    Value rows = new Value(n.output().name() + "_quantized", DType.INT8, n.output().shape());
    builder.add(new Node(n.op(), inputs, List.of(rows), n.attributes()));
    Map<String, Attr> along = perChannel ? Map.of("axis", new Attr.Int(-1)) : Map.of();
    List<Value> scaled = List.of(rows, table.get(1), table.get(2));
    builder.add(new Node(OpType.DEQUANTIZE_LINEAR, scaled, n.outputs(), along));
  }

  /**
   * A parameter, or the transpose of one, as three, under the names that {@code quantize_dynamic}
   * gives them.
   */
  private List<Value> quantized(Value weight, int largest) {
    List<Value> known = weights.get(weight);
    if (known == null) {
      Value parameter = transposes.getOrDefault(weight, weight);
      Tensor tensor = values.get(parameter.name());
      if (tensor == null) {
        throw new IllegalArgumentException("no weights for parameter " + parameter);
      }
      boolean transposed = !parameter.equals(weight);
      Quantized q =
          transposed
              ? Quantized.ofTransposed(tensor, largest, perChannel)
              : Quantized.of(tensor, largest, perChannel);
      String name = transposed ? parameter.name() + ".T" : parameter.name();
      known =
          List.of(
              stored(name + "_quantized", q.bytes()),
              stored(name + "_scale", q.scales()),
              stored(name + "_zero_point", q.zeroPoints()));
      weights.put(weight, known);
    }
    return known;
  }

  private Value stored(String name, Tensor tensor) {
    Value parameter = new Value(name, tensor.type(), Shape.of(tensor.dims()));
    parameters.add(parameter);
    values.put(name, tensor);
    return parameter;
  }
}
