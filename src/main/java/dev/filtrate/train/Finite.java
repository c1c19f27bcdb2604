package dev.filtrate.train;

import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import java.nio.FloatBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Training that has run away ends with a sentence that says where and by what. */
final class Finite {
  /** Where a loss scale is so small that the gradients themselves must be at fault. */
  private static final float SMALLEST_SCALE = 0x1p-14f;

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

  /** Refuses to skip one update after the other. */
  static void requireScale(String stage, int step, LossScale lossScale) {
    if (lossScale.scale() < SMALLEST_SCALE) {
      throw new UserError(
          "stage '%s' step %d: gradients are not finite, however small the loss scale; lower"
                  .formatted(stage, step)
              + " learning_rate, or set mixed_precision to bf16 or no");
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
