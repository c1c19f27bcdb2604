package dev.filtrate.train;

import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import java.nio.FloatBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Training that has run away ends with a sentence that says where and by what. */
final class Finite {
  private Finite() {}

  /** Refuses losses that are infinite or NaN: names the first such term rather than their sum. */
  static void requireLosses(String stage, int step, Map<String, Float> losses) {
    String culprit = null;
    for (Map.Entry<String, Float> term : losses.entrySet()) {
      boolean told = culprit != null && !culprit.equals("loss");
      if (!Float.isFinite(term.getValue()) && !told) {
        culprit = term.getKey();
      }
    }
    if (culprit != null) {
      throw new UserError(
          "stage '%s' step %d: %s is %s; all terms: %s; lower learning_rate or the term's weight"
              .formatted(stage, step, culprit, losses.get(culprit), losses));
    }
  }

  /** The same for what the last update made, which no loss shows. */
  static void requireParameters(String stage, int step, Map<String, Tensor> parameters) {
    parameters.forEach(
        (name, tensor) -> {
          Float stray = stray(tensor.floats());
          if (stray != null) {
            throw new UserError(
                "stage '%s' step %d: parameter %s holds %s; lower learning_rate"
                    .formatted(stage, step, name, stray));
          }
        });
  }

  private static @Nullable Float stray(FloatBuffer values) {
    while (values.hasRemaining()) {
      float value = values.get();
      if (!Float.isFinite(value)) {
        return value;
      }
    }
    return null;
  }
}
