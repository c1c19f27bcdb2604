package dev.filtrate.train;

import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Value;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * An estimate of the memory that a stage needs, from its graphs alone: parameters, gradients and
 * Adam's two moments, and the values that are alive at once while a step runs, most of which the
 * backward pass waits for. What the runtime fuses or writes in place makes the truth smaller; what
 * its allocator keeps in reserve makes it larger.
 */
final class StepMemory {
  /** Operators whose output is their input under another shape. */
  private static final Set<OpType> VIEWS =
      EnumSet.of(OpType.RESHAPE, OpType.SQUEEZE, OpType.UNSQUEEZE, OpType.IDENTITY);

  private final Graph gradients;
  private final long fixed;

  /** What a view is a view of. */
  private final Map<Value, Value> sources = new HashMap<>();

  /** Where each stored value is used last. */
  private final Map<Value, Integer> lastUse;

  /** Of a stage with its gradients graph. */
  StepMemory(Stage stage, Graph gradients) {
    this.gradients = gradients;
    this.lastUse = lastUse();
    long teacher =
        stage
            .teacher()
            .map(t -> StageGraphs.teacher("teacher", t.teacher(), gradients).parameterCount())
            .orElse(0L);
    long trained =
        StageGraphs.trained(gradients).stream()
            .mapToLong(value -> value.shape().elements().fixed())
            .sum();
    this.fixed = Float.BYTES * (gradients.parameterCount() + teacher + 3 * trained);
  }

  /** Bytes of a step on so many examples of so many tokens. */
  long bytes(int batch, int length) {
    return fixed + activations(batch, length);
  }

  /** Bytes of the values that are alive at once, at their most; parameters and inputs apart. */
  long activations(int batch, int length) {
    Map<String, Long> sizes = Map.of("batch", (long) batch, "sequence", (long) length);
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
