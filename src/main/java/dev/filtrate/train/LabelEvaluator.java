package dev.filtrate.train;

import dev.filtrate.data.Metrics;
import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.BatchStream;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.graph.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Examples with labels, and the metrics of a model's answers to them. */
public final class LabelEvaluator implements Evaluator {
  private final Batches examples;
  private final List<String> metrics;

  /**
   * Evaluates these examples.
   *
   * @param metrics names that {@link Metrics} knows
   */
  public LabelEvaluator(Batches examples, List<String> metrics) {
    this.examples = examples;
    this.metrics = List.copyOf(metrics);
  }

  /** The logits of all examples, row by row in their order. */
  public float[] logits(Answering model) {
    float[] all = new float[0];
    try (BatchStream stream = examples.stream(0, 0)) {
      while (stream.hasNext()) {
        Batch batch = stream.next();
        Tensor logits = model.apply(batch).get("logits");
        if (logits == null) {
          throw new IllegalStateException("the model has no logits");
        }
        int width = (int) logits.dims()[1];
        if (all.length == 0) {
          all = new float[examples.data().size() * width];
        }
        float[] rows = logits.toFloats();
        int[] places = batch.examples();
        for (int i = 0; i < places.length; i++) {
          System.arraycopy(rows, i * width, all, places[i] * width, width);
        }
      }
    }
    return all;
  }

  /** The metrics of these logits. */
  public Map<String, Double> metrics(float[] logits) {
    EncodedExamples data = examples.data();
    int width = logits.length / data.size();
    double[] labels = data.labels();
    Map<String, Double> values = new LinkedHashMap<>();
    for (String metric : metrics) {
      values.put(metric, Metrics.compute(metric, data.problemType(), logits, width, labels));
    }
    return values;
  }

  @Override
  public Map<String, Double> evaluate(Answering model) {
    return metrics(logits(model));
  }

  @Override
  public EncodedExamples examples() {
    return examples.data();
  }

  @Override
  public String selects() {
    return metrics.get(0);
  }
}
