package dev.filtrate.export;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A student's answer to one text.
 *
 * @param label the class that it finds most probable; null where it scores instead
 * @param score that class's probability, or the score itself
 * @param probabilities of every class in the order of their ids, adding up to 1; empty where it
 *     scores
 */
public record Prediction(@Nullable String label, double score, Map<String, Double> probabilities) {
  /** Copies the map. */
  public Prediction {
    probabilities = Collections.unmodifiableMap(new LinkedHashMap<>(probabilities));
  }
}
