package dev.filtrate.export;

import dev.filtrate.data.Metrics;
import dev.filtrate.model.ModelConfig;
import java.util.ArrayList;
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

  /**
   * What a row of logits means.
   *
   * @param config of the model; its labels are as many as the row has logits
   * @param start where the row begins
   */
  static Prediction of(ModelConfig config, float[] logits, int start) {
    List<String> names = config.common().labels();
    return switch (config.problemType()) {
      case REGRESSION -> new Prediction(List.of(), logits[start], Map.of());
      case SINGLE_LABEL_CLASSIFICATION -> oneOf(names, logits, start);
      case MULTI_LABEL_CLASSIFICATION -> anyOf(names, logits, start);
    };
  }

  private static Prediction anyOf(List<String> names, float[] logits, int start) {
    Map<String, Double> probabilities = new LinkedHashMap<>();
    List<String> given = new ArrayList<>();
    double highest = 0;
    for (int i = 0; i < names.size(); i++) {
      double probability = 1 / (1 + Math.exp(-logits[start + i]));
      probabilities.put(names.get(i), probability);
      highest = Math.max(highest, probability);
      if (logits[start + i] > 0) {
        given.add(names.get(i));
      }
    }
    return new Prediction(given, highest, probabilities);
  }

  private static Prediction oneOf(List<String> names, float[] logits, int start) {
    int best = Metrics.argmax(logits, start, names.size());
    double sum = 0;
    for (int i = 0; i < names.size(); i++) {
      sum += Math.exp((double) logits[start + i] - logits[start + best]);
    }
    Map<String, Double> probabilities = new LinkedHashMap<>();
    for (int i = 0; i < names.size(); i++) {
      double odds = Math.exp((double) logits[start + i] - logits[start + best]);
      probabilities.put(names.get(i), odds / sum);
    }
    return new Prediction(List.of(names.get(best)), 1 / sum, probabilities);
  }
}
