package dev.filtrate.autodiff;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Mixed precision (Micikevicius et al. 2018) as a pass over a forward graph, before it is
 * differentiated: matrix products take and deliver 16 bits, and what only moves their results on,
 * adds a bias or a score to them, or is a pointwise operator of a network keeps them. Everything
 * else stays in float32: parameters, embeddings, LayerNorm, Softmax, reductions, losses, and the
 * sums of residual connections. Inputs, parameters and outputs keep their types.
 *
 * <p>The backward pass follows, since the gradient of a product is products of its type, and that
 * of a cast is the cast back: gradients arrive at the parameters in float32.
 */
public enum MixedPrecision {
  /** Everything in float32. */
  NO(DType.FLOAT, EnumSet.noneOf(OpType.class)),
  /** IEEE half precision: a short range, so the loss is scaled. */
  FP16(
      DType.FLOAT16,
      EnumSet.of(
          OpType.ADD,
          OpType.GELU,
          OpType.DROPOUT,
          OpType.IDENTITY,
          OpType.RESHAPE,
          OpType.TRANSPOSE,
          OpType.SQUEEZE,
          OpType.UNSQUEEZE,
          OpType.SLICE,
          OpType.RELATIVE_SHIFT,
          OpType.CONCAT,
          OpType.GATHER,
          OpType.GATHER_ELEMENTS)),
  /** The range of float32 with 8 bits of precision. CUDA has no GeluGrad and no Pad in it. */
  BF16(
      DType.BFLOAT16,
      without(FP16.kept, OpType.GELU, OpType.SLICE, OpType.RELATIVE_SHIFT, OpType.CONCAT));

  private static final Set<OpType> PRODUCTS = EnumSet.of(OpType.MATMUL, OpType.FUSED_MATMUL);

  /** Operators of which every input is data; of the others the first one is. */
  private static final Set<OpType> SEVERAL = EnumSet.of(OpType.ADD, OpType.CONCAT);

  private final DType type;
  private final Set<OpType> kept;

  MixedPrecision(DType type, Set<OpType> kept) {
    this.type = type;
    this.kept = kept;
  }

  private static Set<OpType> without(Set<OpType> all, OpType... some) {
    Set<OpType> rest = EnumSet.copyOf(all);
    rest.removeAll(List.of(some));
    return rest;
  }

  /** What products are computed in. */
  public DType type() {
    return type;
  }

  /** Whether gradients can fall below what the type holds, so that the loss must be scaled. */
  public boolean scalesLoss() {
    return this == FP16;
  }

  /** The forward graph in this precision, with the same inputs, parameters and outputs. */
  public Graph applyTo(Graph forward) {
    return this == NO ? forward : new Pass(forward).run();
  }

  private final class Pass {
    private final Graph forward;
    private final GraphBuilder builder;
    private final Set<Value> parameters;

    /** The value in 16 bits that stands for a float32 one of the forward graph. */
    private final Map<Value, Value> halves = new HashMap<>();

    /** Values of the forward graph that are computed in 16 bits. */
    private final Set<Value> computed = new HashSet<>();

    /** Those of them that nobody has asked for in float32 yet. */
    private final Set<Value> absent = new HashSet<>();

    Pass(Graph forward) {
      this.forward = forward;
      this.builder = GraphBuilder.rewriting(forward);
      this.parameters = Set.copyOf(forward.parameters());
    }

    Graph run() {
      forward.nodes().forEach(this::take);
      forward.outputs().forEach(this::whole);
      return new Graph(
              forward.name(),
              forward.inputs(),
              forward.parameters(),
              builder.nodes(),
              forward.outputs())
          .pruned();
    }

    private void take(Node n) {
      if (PRODUCTS.contains(n.op()) ? n.output().type() == DType.FLOAT : keeps(n)) {
        halved(n);
      } else {
        n.inputs().forEach(this::whole);
        builder.add(n);
      }
    }

    /** Whether a half comes in, and beside it only halves and parameters, which become such. */
    private boolean keeps(Node n) {
      if (!kept.contains(n.op())) {
        return false;
      }
      List<Value> data = data(n);
      return data.stream().anyMatch(computed::contains)
          && data.stream().allMatch(v -> computed.contains(v) || parameters.contains(v));
    }

    private List<Value> data(Node n) {
      return SEVERAL.contains(n.op()) || PRODUCTS.contains(n.op())
          ? n.inputs()
          : n.inputs().subList(0, 1);
    }

    /** The node in 16 bits. */
    private void halved(Node n) {
      int data = data(n).size();
      List<Value> inputs = new ArrayList<>();
      for (int i = 0; i < n.inputs().size(); i++) {
        inputs.add(i < data ? half(n.in(i)) : whole(n.in(i)));
      }
      List<Value> outputs = new ArrayList<>();
      for (Value v : n.outputs()) {
        outputs.add(v.type() == DType.FLOAT ? twin(v) : v);
      }
      builder.add(new Node(n.op(), inputs, outputs, n.attributes()));
    }

    private Value twin(Value v) {
      Value twin = new Value(v.name() + "." + type, type, v.shape());
      halves.put(v, twin);
      computed.add(v);
      absent.add(v);
      return twin;
    }

    private Value half(Value v) {
      Check.argument(v.type() == DType.FLOAT, "%s is not float32", v);
      return halves.computeIfAbsent(v, x -> builder.ops().in(x.name()).cast(x, type));
    }

    /** Sees to it that a value is there as the forward graph has it. */
    private Value whole(Value v) {
      if (absent.remove(v)) {
        Map<String, Attr> to = Map.of("to", new Attr.Int(v.type().onnx()));
        Value half = halves.getOrDefault(v, v);
        builder.add(new Node(OpType.CAST, List.of(half), List.of(v), to));
      }
      return v;
    }
  }
}
