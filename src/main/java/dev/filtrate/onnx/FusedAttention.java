package dev.filtrate.onnx;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The pass that makes one operator of attention where nothing but its result is wanted: where there
 * is no dropout, and no gradient that reads the probabilities. Its CUDA kernels compute in tiles
 * and leave scores and probabilities out of memory, if the length is a multiple of 8 (in float32 of
 * 16); else they take less of it than the parts. On a CPU the parts are faster.
 *
 * <p>What is added to the scores is one input: the mask, which all layers share, or the sum of
 * position scores and mask. The mask is cut off at a number that is as good as −∞ and finite in any
 * type, so that no row becomes NaN.
 */
final class FusedAttention {
  /** eˣ is 0 far above it, and scores may be added to it in fp16, which ends at 65,504. */
  private static final double MASKED = -30_000;

  private static final List<Long> APART = List.of(0L, 2L, 1L, 3L);

  private final Graph graph;
  private final GraphBuilder builder;

  /** How often each value is read. */
  private final Map<Value, Integer> reads = new HashMap<>();

  private FusedAttention(Graph graph) {
    this.graph = graph;
    this.builder = GraphBuilder.rewriting(graph);
    graph.nodes().forEach(n -> n.inputs().forEach(v -> reads.merge(v, 1, Integer::sum)));
    graph.outputs().forEach(v -> reads.merge(v, 1, Integer::sum));
  }

  /** The graph with fused attention; inputs, parameters and outputs stay as they are. */
  static Graph of(Graph graph) {
    return new FusedAttention(graph).run();
  }

  private Graph run() {
    for (Node n : graph.nodes()) {
      builder.add(attention(n).map(a -> fused(n, a)).orElse(n));
    }
    return new Graph(
            graph.name(), graph.inputs(), graph.parameters(), builder.nodes(), graph.outputs())
        .pruned();
  }

  /**
   * The parts of attention.
   *
   * @param query {@code [B, S, H]}, as key and value
   * @param mask added to all heads and queries, {@code [B, 1, 1, S]}
   * @param others what else is added, {@code [B, h, S, S]} each
   * @param scale of the products
   */
  private record Attention(
      Value query, Value key, Value value, Value mask, List<Value> others, float scale) {}

  /** The attention whose heads a node puts side by side, if it is such a node. */
  private Optional<Attention> attention(Node n) {
    Node merged = n.op() == OpType.RESHAPE ? producer(n.in(0), OpType.TRANSPOSE) : null;
    Node context =
        merged != null && merged.ints("perm").equals(APART)
            ? producer(merged.in(0), OpType.MATMUL)
            : null;
    if (context == null || n.output().rank() != 3) {
      return Optional.empty();
    }
    Value probabilities = context.in(0);
    Node softmax = producer(uncast(probabilities), OpType.SOFTMAX);
    Node masked =
        softmax != null && softmax.integer("axis") == -1 && readOnce(probabilities, softmax)
            ? producer(softmax.in(0), OpType.ADD)
            : null;
    if (masked == null || !isMask(masked.in(1))) {
      return Optional.empty();
    }
    List<Value> others = new ArrayList<>();
    Value scores = uncast(masked.in(0));
    for (Node sum = producer(scores, OpType.ADD); sum != null; sum = producer(scores, OpType.ADD)) {
      others.add(0, sum.in(1));
      scores = uncast(sum.in(0));
    }
    Node product = producer(scores, OpType.FUSED_MATMUL);
    if (product == null || product.integer("transA", 0) != 0 || product.integer("transB", 0) != 1) {
      return Optional.empty();
    }
    Value query = sideBySide(product.in(0));
    Value key = sideBySide(product.in(1));
    Value value = sideBySide(context.in(1));
    return query == null || key == null || value == null
        ? Optional.empty()
        : Optional.of(
            new Attention(query, key, value, masked.in(1), others, product.real("alpha", 1)));
  }

  private boolean readOnce(Value probabilities, Node softmax) {
    return reads.getOrDefault(probabilities, 0) == 1
        && reads.getOrDefault(softmax.output(), 0) == 1;
  }

  private static boolean isMask(Value v) {
    return v.rank() == 4 && v.dim(1).is(1) && v.dim(2).is(1);
  }

  private @Nullable Node producer(Value v, OpType op) {
    return builder.producer(v).filter(n -> n.op() == op).orElse(null);
  }

  /** The same in another type, before it was cast. */
  private Value uncast(Value v) {
    Node cast = producer(v, OpType.CAST);
    return cast == null ? v : cast.in(0);
  }

  /** {@code [B, S, H]} before its heads were set apart as {@code [B, h, S, d]}; else null. */
  private @Nullable Value sideBySide(Value heads) {
    Node apart = producer(heads, OpType.TRANSPOSE);
    Node split =
        apart != null && apart.ints("perm").equals(APART)
            ? producer(apart.in(0), OpType.RESHAPE)
            : null;
    return split != null && split.in(0).rank() == 3 ? split.in(0) : null;
  }

  private Node fused(Node n, Attention a) {
    Ops op = builder.ops().in(n.output().name());
    Value bias = op.cast(op.max(a.mask, op.constant(MASKED)), a.query.type()); // (B, 1, 1, S)
    if (a.others.isEmpty()) {
      Dim length = a.query.dim(1);
      bias = op.expand(bias, Shape.of(a.mask.dim(0), Dim.of(1), length, a.mask.dim(3)));
    } else {
      // They may be in 16 bits or in float32: added up as they are where all are alike.
      DType type = a.others.get(0).type();
      boolean alike = a.others.stream().allMatch(v -> v.type() == type);
      Value sum = bias;
      for (int i = 0; i < a.others.size(); i++) {
        Value other = op.cast(a.others.get(i), alike ? type : DType.FLOAT);
        sum = i == 0 ? other : op.add(sum, other);
      }
      bias = op.add(op.cast(sum, a.query.type()), bias); // (B, h, S, S)
    }
    long heads = n.in(0).dim(2).fixed(); // (B, S, h, d)
    return new Node(
        OpType.MULTI_HEAD_ATTENTION,
        List.of(a.query, a.key, a.value, Value.NONE, Value.NONE, bias),
        List.of(n.output()),
        Map.of("num_heads", new Attr.Int(heads), "scale", new Attr.Real(a.scale)));
  }
}
