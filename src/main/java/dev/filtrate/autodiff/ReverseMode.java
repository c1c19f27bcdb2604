package dev.filtrate.autodiff;

import dev.filtrate.base.Check;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reverse-mode differentiation (backpropagation; Griewank and Walther, <i>Evaluating
 * Derivatives</i>, 2008, chapter 3) of what a builder holds, emitted into that builder.
 */
public final class ReverseMode {
  private final GraphBuilder builder;

  /** By name (unique in a builder), what each value has contributed to the output so far. */
  private final Map<String, Value> adjoints = new HashMap<>();

  /** Names of the values that depend on what is differentiated by. */
  private final Set<String> active = new HashSet<>();

  private ReverseMode(GraphBuilder builder) {
    this.builder = builder;
  }

  /**
   * Emits the backward pass of a scalar: {@code seed · d(output)/d(w)} for every w.
   *
   * @param output the scalar to differentiate
   * @param seed a scalar that every gradient is multiplied by, such as the input {@code
   *     gradient_scale}
   * @param wrt what to differentiate by: inputs, parameters or inner values, floating point
   * @return the gradient of each, shaped like it, in the order of {@code wrt}
   * @throws IllegalArgumentException if the output or seed is no scalar, if the output does not
   *     depend on a value of {@code wrt} (a gradient that is zero by construction is a mistake in
   *     the stage), or if an operator between them cannot be differentiated
   */
  public static Map<Value, Value> gradients(
      GraphBuilder builder, Value output, Value seed, List<Value> wrt) {
    Check.argument(
        output.shape().equals(Shape.SCALAR), "only a scalar is differentiated, got %s", output);
    Check.argument(
        seed.shape().equals(Shape.SCALAR) && seed.type() == output.type(),
        "the seed must be a scalar like %s, got %s",
        output,
        seed);
    return new ReverseMode(builder).run(output, seed, wrt);
  }

  private Map<Value, Value> run(Value output, Value seed, List<Value> wrt) {
    List<Node> nodes = builder.nodes();
    markActive(nodes, wrt);
    adjoints.put(output.name(), seed);
    for (int i = nodes.size() - 1; i >= 0; i--) {
      backward(nodes.get(i));
    }
    Map<Value, Value> gradients = new LinkedHashMap<>();
    for (Value w : wrt) {
      Value gradient = adjoints.get(w.name());
      if (gradient == null) {
        throw new IllegalArgumentException(
            "'%s' does not depend on '%s': its gradient would be zero"
                .formatted(output.name(), w.name()));
      }
      gradients.put(w, gradient);
    }
    return gradients;
  }

  private void markActive(List<Node> nodes, List<Value> wrt) {
    for (Value w : wrt) {
      Check.argument(w.type().isFloatingPoint(), "no gradient by %s: it is not floating point", w);
      active.add(w.name());
    }
    for (Node n : nodes) {
      if (n.inputs().stream().anyMatch(this::isActive)) {
        for (Value v : n.outputs()) {
          if (v.type().isFloatingPoint()) {
            active.add(v.name());
          }
        }
      }
    }
  }

  private boolean isActive(Value v) {
    return active.contains(v.name());
  }

  private void backward(Node n) {
    for (int i = 1; i < n.outputs().size(); i++) {
      Check.argument(
          !adjoints.containsKey(n.out(i).name()) || n.inputs().stream().noneMatch(this::isActive),
          "%s: no gradient flows through output %d of %s",
          n.output().name(),
          i,
          n.op());
    }
    Value dy = adjoints.get(n.output().name());
    if (dy == null || n.inputs().stream().noneMatch(this::isActive)) {
      return;
    }
    Ops op = builder.ops().in("grad." + n.output().name());
    List<@Nullable Value> gradients = GradientRules.of(n.op()).apply(op, n, dy);
    Check.state(gradients.size() == n.inputs().size(), "the rule of %s forgets an input", n.op());
    for (int i = 0; i < gradients.size(); i++) {
      Value dx = gradients.get(i);
      if (dx != null && isActive(n.in(i))) {
        accumulate(op, n.in(i), unbroadcast(op, dx, n.in(i).shape()));
      }
    }
  }

  /** A value used twice gets a sum. */
  private void accumulate(Ops op, Value x, Value dx) {
    Check.state(dx.shape().equals(x.shape()), "%s is no gradient of %s", dx, x);
    Value before = adjoints.get(x.name());
    adjoints.put(x.name(), before == null ? dx : op.add(before, dx));
  }

  /**
   * Sums dx over the axes along which something of this shape was stretched. The one place where it
   * happens.
   */
  private static Value unbroadcast(Ops op, Value dx, Shape shape) {
    if (dx.shape().equals(shape)) {
      return dx;
    }
    int added = dx.rank() - shape.rank();
    List<Integer> gone = new ArrayList<>();
    List<Integer> stretched = new ArrayList<>();
    for (int i = 0; i < dx.rank(); i++) {
      if (i < added) {
        gone.add(i);
      } else if (shape.dim(i - added).is(1) && !dx.dim(i).is(1)) {
        stretched.add(i);
      }
    }
    if (gone.isEmpty()) {
      return op.reduceSum(dx, true, array(stretched));
    }
    if (stretched.isEmpty() && gone.stream().allMatch(i -> dx.dim(i).is(1))) {
      return op.squeeze(dx, array(gone));
    }
    List<Integer> summed = new ArrayList<>(gone);
    summed.addAll(stretched);
    Value sum = op.reduceSum(dx, false, array(summed));
    return stretched.isEmpty()
        ? sum
        : op.unsqueeze(sum, stretched.stream().mapToInt(i -> i - added).toArray());
  }

  private static int[] array(List<Integer> axes) {
    return axes.stream().mapToInt(Integer::intValue).toArray();
  }
}
