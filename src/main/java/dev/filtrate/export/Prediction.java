package dev.filtrate.export;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A student's answer to one text.
 *
 * @param labels the class that it finds most probable; where classes do not exclude each other,
 *     those that it finds more probable than not, in the order of their ids; none where it scores
 * @param score the probability of the most probable class, or the score itself
 * @param probabilities of every class in the order of their ids; they add up to 1 where classes
 *     exclude each other; empty where it scores
 */
public record Prediction(List<String> labels, double score, Map<String, Double> probabilities) {
  /** Copies list and map. */
  public Prediction {
    labels = List.copyOf(labels);
    probabilities = Collections.unmodifiableMap(new LinkedHashMap<>(probabilities));
  }

  /** The class, or the first of several; null where there is none. */
  public @Nullable String label() {
    return labels.isEmpty() ? null : labels.get(0);
  }
}
