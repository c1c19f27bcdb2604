package dev.filtrate.train.verify;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Compares what was computed with the reference, quantity by quantity. The tolerances are some ten
 * times what another implementation's float32 differs by from its own float64.
 */
final class Comparison {
  /** Hidden states and logits, absolute. */
  static final double STATES = 1e-5;

  /** Parameters at the end of a trajectory, absolute. */
  static final double PARAMETERS = 1e-4;

  private final List<Quantity> quantities = new ArrayList<>();

  /** What was compared so far. */
  List<Quantity> quantities() {
    return List.copyOf(quantities);
  }

  /** A state or logits: the entries that count, by their position in memory. */
  void state(String name, Tensor expected, Tensor actual, IntPredicate counts) {
    tensor(name, expected, actual, STATES, counts);
  }

  /** A gradient: 5e-5 of the reference's largest entry, and 1e-7 for rounding around zero. */
  void gradient(String name, Tensor expected, Tensor actual) {
    double largest = 0;
    for (int i = 0; i < expected.size(); i++) {
      largest = Math.max(largest, Math.abs(expected.get(i)));
    }
    tensor(name, expected, actual, 5e-5 * largest + 1e-7, i -> true);
  }

  /** A parameter at the end: the entries that the reference does not mark as NaN. */
  void parameter(String name, Tensor expected, Tensor actual) {
    tensor(name, expected, actual, PARAMETERS, i -> !Double.isNaN(expected.get(i)));
  }

  /** A loss: 2e-5 of the reference and 1e-6. */
  void loss(String name, double expected, double actual) {
    quantities.add(new Quantity(name, Math.abs(actual - expected), lossTolerance(expected), ""));
  }

  /**
   * A loss over several steps: the step that comes closest to its tolerance, or exceeds it most.
   */
  void losses(String name, List<Double> expected, List<Double> actual) {
    Check.argument(expected.size() == actual.size(), "%s: %s and %s", name, expected, actual);
    Quantity worst = null;
    for (int i = 0; i < expected.size(); i++) {
      double difference = Math.abs(actual.get(i) - expected.get(i));
      Quantity here = new Quantity(name, difference, lossTolerance(expected.get(i)), "step " + i);
      if (worst == null || Double.isNaN(difference) || share(here) > share(worst)) {
        worst = here;
      }
      if (Double.isNaN(difference)) {
        break;
      }
    }
    if (worst != null) {
      quantities.add(worst);
    }
  }

  private static double share(Quantity q) {
    return q.difference() / q.tolerance();
  }

  private static double lossTolerance(double expected) {
    return 2e-5 * Math.abs(expected) + 1e-6;
  }

  private void tensor(
      String name, Tensor expected, Tensor actual, double tolerance, IntPredicate counts) {
    Check.argument(
        Arrays.equals(expected.dims(), actual.dims()), "%s: %s and %s", name, expected, actual);
    double largest = 0;
    int at = -1;
    for (int i = 0; i < expected.size() && !Double.isNaN(largest); i++) {
      if (counts.test(i)) {
        double difference = Math.abs(actual.get(i) - expected.get(i));
        if (at < 0 || Double.isNaN(difference) || difference > largest) {
          largest = difference;
          at = i;
        }
      }
    }
    quantities.add(new Quantity(name, largest, tolerance, at < 0 ? "none" : at(expected, at)));
  }

  private static String at(Tensor tensor, int position) {
    long[] dims = tensor.dims();
    long[] index = new long[dims.length];
    long rest = position;
    for (int axis = dims.length - 1; axis >= 0; axis--) {
      index[axis] = rest % dims[axis];
      rest /= dims[axis];
    }
    return Arrays.toString(index);
  }
}
