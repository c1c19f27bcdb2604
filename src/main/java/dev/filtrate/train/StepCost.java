package dev.filtrate.train;

import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Value;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a step of a stage costs, from its graphs alone. Arithmetic is that of the matrix products.
 * Memory is an estimate: parameters, gradients and Adam's two moments, and the values that are
 * alive at once while a step runs, most of which the backward pass waits for; what the runtime
 * fuses or writes in place makes the truth smaller, what its allocator keeps in reserve larger.
 */
final class StepCost {
  /** Operators whose output is their input under another shape. */
  private static final Set<OpType> VIEWS =
      EnumSet.of(OpType.RESHAPE, OpType.SQUEEZE, OpType.UNSQUEEZE, OpType.IDENTITY);

  private static final Set<OpType> PRODUCTS = EnumSet.of(OpType.MATMUL, OpType.FUSED_MATMUL);

  private final Graph gradients;
  private final Optional<Graph> frozen;
  private final long fixed;

  /** What a view is a view of. */
  private final Map<Value, Value> sources = new HashMap<>();

  /** Where each stored value is used last. */
  private final Map<Value, Integer> lastUse;

  /** Of a stage with its gradients graph. */
  StepCost(Stage stage, Graph gradients) {
    this.gradients = gradients;
    this.lastUse = lastUse();
    this.frozen =
        stage.frozen().map(f -> StageGraphs.frozen(ComputedOutputs.NAME, f.source(), gradients));
    long trained =
        StageGraphs.trained(gradients).stream()
            .mapToLong(value -> value.shape().elements().fixed())
            .sum();
    long constant = frozen.map(Graph::parameterCount).orElse(0L);
    this.fixed = Float.BYTES * (gradients.parameterCount() + constant + 3 * trained);
  }

  /** Multiplications and additions of a step's matrix products, the frozen model's included. */
  double flops(int batch, int length) {
    Map<String, Long> sizes = sizes(batch, length);
    return flops(gradients, sizes) + frozen.map(graph -> flops(graph, sizes)).orElse(0.0);
  }

  /** The same of any graph. */
  static double flops(Graph graph, int batch, int length) {
    return flops(graph, sizes(batch, length));
  }

  private static double flops(Graph graph, Map<String, Long> sizes) {
    return graph.nodes().stream()
        .filter(node -> PRODUCTS.contains(node.op()))
        .mapToDouble(node -> flops(node, sizes))
        .sum();
  }

  private static double flops(Node product, Map<String, Long> sizes) {
    int inner = product.integer("transA", 0) == 1 ? -2 : -1;
    return 2.0
        * product.output().shape().elements().evaluate(sizes)
        * product.in(0).dim(inner).evaluate(sizes);
  }

  private static Map<String, Long> sizes(int batch, int length) {
    return Map.of("batch", (long) batch, "sequence", (long) length);
  }

  /** Bytes of a step on so many examples of so many tokens. */
  long bytes(int batch, int length) {
    return fixed + activations(batch, length);
  }

  /** Bytes of the values that are alive at once, at their most; parameters and inputs apart. */
  long activations(int batch, int length) {
    Map<String, Long> sizes = sizes(batch, length);
    Map<Value, Long> alive = new HashMap<>();
    long now = 0;
    long most = 0;
    for (int i = 0; i < gradients.nodes().size(); i++) {
      Node node = gradients.nodes().get(i);
      for (Value output : node.outputs()) {
        if (isStored(node) && lastUse.containsKey(output)) {
          long bytes = output.type().bytes() * output.shape().elements().evaluate(sizes);
          alive.put(output, bytes);
          now += bytes;
        }
      }
      most = Math.max(most, now);
      int at = i;
      for (Value input : Set.copyOf(node.inputs())) {
        Value source = sources.getOrDefault(input, input);
        if (lastUse.getOrDefault(source, -1) == at) {
          Long freed = alive.remove(source);
          now -= freed == null ? 0 : freed;
        }
      }
    }
    return most;
  }

  private static boolean isStored(Node node) {
    return !VIEWS.contains(node.op()) && node.op() != OpType.CONSTANT;
  }

  /** Where each value is used last, through whatever views of it; outputs never. */
  private Map<Value, Integer> lastUse() {
    Map<Value, Integer> last = new HashMap<>();
    for (int i = 0; i < gradients.nodes().size(); i++) {
      Node node = gradients.nodes().get(i);
      for (Value input : node.inputs()) {
        last.put(sources.getOrDefault(input, input), i);
      }
      if (VIEWS.contains(node.op())) {
        sources.put(node.output(), sources.getOrDefault(node.in(0), node.in(0)));
      }
    }
    gradients
        .outputs()
        .forEach(output -> last.put(sources.getOrDefault(output, output), Integer.MAX_VALUE));
    return last;
  }
}
