package dev.filtrate.export;

import dev.filtrate.base.Check;
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
record Pass(String name, UnaryOperator<Draft> body, String promise, Predicate<Draft> ensures) {
  /** Does it; throws {@link IllegalStateException} if the promise does not hold then. */
  Draft run(Draft before) {
    Draft after = body.apply(before);
    Check.state(ensures.test(after), "export pass '%s' broke its promise: %s", name, promise);
    return after;
  }

  /** All passes in their order. */
  static Draft run(List<Pass> passes, Draft draft) {
    Draft result = draft;
    for (Pass pass : passes) {
      result = pass.run(result);
    }
    return result;
  }
}
