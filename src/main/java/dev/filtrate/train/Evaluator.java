package dev.filtrate.train;

import dev.filtrate.runtime.ComputeSession;
import java.util.Map;

/** Validation examples, and the metrics of a model on them. */
public interface Evaluator {
  /** Runs the session over all examples and computes the metrics. */
  Map<String, Double> evaluate(ComputeSession session);

  /** The metric that selects. */
  String selects();
}
