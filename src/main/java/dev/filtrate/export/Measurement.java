package dev.filtrate.export;

import dev.filtrate.recipe.Precision;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a student's file in one precision does, measured on the file as written. Differences are
 * those to the trained model's answers.
 *
 * @param precision which one
 * @param bytes its size, data beside it included
 * @param largestDifference between two logits; infinite where one is not a number
 * @param meanDifference the mean over all logits
 * @param agreement the part of the validation examples that is answered alike; none of scores
 * @param metrics on the validation examples; empty without a task
 * @param drop points that the metric which selects has lost; none without a task
 * @param latencyMs median milliseconds of a run, by the number of examples in it
 * @param refusal why the file was not kept, in words
 */
public record Measurement(
    Precision precision,
    long bytes,
    double largestDifference,
    double meanDifference,
    OptionalDouble agreement,
    Map<String, Double> metrics,
    OptionalDouble drop,
    Map<Integer, Double> latencyMs,
    Optional<String> refusal) {
  /** Copies the maps. */
  public Measurement {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
    latencyMs = Collections.unmodifiableMap(new LinkedHashMap<>(latencyMs));
  }

  /** A file that could not be run. */
  static Measurement unusable(Precision precision, long bytes, String why) {
    return new Measurement(
        precision,
        bytes,
        Double.NaN,
        Double.NaN,
        OptionalDouble.empty(),
        Map.of(),
        OptionalDouble.empty(),
        Map.of(),
        Optional.of(why));
  }

  /** Whether the file is part of the export. */
  public boolean kept() {
    return refusal.isEmpty();
  }
}
