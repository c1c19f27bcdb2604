package dev.filtrate.export;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the proof of an export found: the written file against the model that it was made from.
 *
 * @param examples how many were compared
 * @param largestDifference between two logits
 * @param bound what was allowed: {@value #TOLERANCE}, times the largest logit where that is above 1
 * @param metrics of the written file on the task's validation examples; empty without a task
 */
public record Agreement(
    int examples, double largestDifference, double bound, Map<String, Double> metrics) {
  /** How far logits of the size of 1 may differ. */
  public static final double TOLERANCE = 1e-4;

  /**
   * How far metrics of the size of 1 may differ: sums of floats in another order, and ranks of
   * scores that are as good as equal.
   */
  static final double METRIC_TOLERANCE = 1e-3;

  /** Copies the map. */
  public Agreement {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
  }

  /** Throws {@link UserError} unless the logits agree. */
  void requireSameLogits(String file) {
    Check.user(
        largestDifference <= bound, // not so for NaN
        "%s: refused: its logits differ from those of the trained model by up to %.3g over %d"
            + " examples, and %.3g is the bound; the weights are not finite, or the runtime's"
            + " kernels differ: check the model with 'filtrate evaluate'",
        file,
        largestDifference,
        examples,
        bound);
  }
}
