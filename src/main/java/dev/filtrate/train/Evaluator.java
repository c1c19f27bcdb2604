package dev.filtrate.train;

import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.ComputeSession;
import java.util.Map;
import java.util.function.Function;

/** Validation examples, and the metrics of a model on them. */
public interface Evaluator {
  /** A model at work: the outputs for a batch, by name. */
  interface Answering extends Function<Batch, Map<String, Tensor>> {
    /** The model of a session. */
    static Answering of(ComputeSession session) {
      return batch -> session.run(Feeds.of(batch, session.inputs()));
    }
  }

  /** Asks the model about all examples and computes the metrics. */
  Map<String, Double> evaluate(Answering model);

  /** The examples. */
  EncodedExamples examples();

  /** The metric that selects. */
  String selects();
}
