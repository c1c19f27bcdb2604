package dev.filtrate.api;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A student's answer to a text.
 *
 * @param labels the most probable class; where classes do not exclude each other, those that are
 *     more probable than not; none where the student scores
 * @param score the probability of the most probable class, or the score itself
 * @param probabilities of every class, in the order of their ids; empty where the student scores
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
