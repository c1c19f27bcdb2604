package dev.filtrate.export;

import dev.filtrate.base.Check;
import dev.filtrate.onnx.WeightedGraph;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * One step of an export, and what holds after it.
 *
 * @param name as errors name it
 * @param body what it does
 * @param promise what holds afterwards, in words
 * @param ensures the same, checked
 */
record Pass(
    String name,
    UnaryOperator<WeightedGraph> body,
    String promise,
    Predicate<WeightedGraph> ensures) {
  /** Does it; throws {@link IllegalStateException} if the promise does not hold then. */
  WeightedGraph run(WeightedGraph before) {
    WeightedGraph after = body.apply(before);
    Check.state(ensures.test(after), "export pass '%s' broke its promise: %s", name, promise);
    return after;
  }

  /** All passes in their order. */
  static WeightedGraph run(List<Pass> passes, WeightedGraph draft) {
    WeightedGraph result = draft;
    for (Pass pass : passes) {
      result = pass.run(result);
    }
    return result;
  }
}
