package dev.filtrate.train;

import com.google.errorprone.annotations.MustBeClosed;
import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.BatchOptions;
import dev.filtrate.data.batch.BatchStream;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.ComputeSession;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** What a finished model does: its metrics and its speed. */
public final class Models {
  private static final int WARM_UP = 10;
  private static final int TIMED = 100;
  private static final long LONGEST_NANOS = 5_000_000_000L;

  private Models() {}

  /** The metrics of a model. */
  public static Map<String, Double> evaluate(Engine engine, Weights weights, Evaluator evaluator) {
    try (ComputeSession session =
        engine.frozen(engine.inference("evaluation", weights.model()), weights.parameters())) {
      return evaluator.evaluate(Evaluator.Answering.of(session));
    }
  }

  /** A finished model at work as its export. */
  @MustBeClosed
  static ComputeSession finished(Engine engine, Weights weights) {
    return engine
        .asExported()
        .frozen(
            StageGraphs.inference("finished", weights.model().withoutFilters()),
            weights.parameters());
  }

  /**
   * Median milliseconds for a batch of examples as they come, padded to the longest of them. It is
   * timed a hundred times, or less often where that would take long.
   */
  public static double latencyMs(ComputeSession session, EncodedExamples examples, int batchSize) {
    Batches batches = Batches.evaluation(examples, new BatchOptions(batchSize, 1, 0, false));
    List<Double> times = new ArrayList<>();
    long end = System.nanoTime() + LONGEST_NANOS;
    try (BatchStream stream = batches.stream(0, 0)) {
      for (int i = 0; i < WARM_UP + TIMED && stream.hasNext(); i++) {
        Batch batch = stream.next();
        Map<String, Tensor> feeds = Feeds.of(batch, session.inputs());
        long began = System.nanoTime();
        session.run(feeds);
        times.add((System.nanoTime() - began) / 1e6);
        if (times.size() >= 2 * WARM_UP && System.nanoTime() > end) {
          break;
        }
      }
    }
    List<Double> timed =
        new ArrayList<>(times.subList(Math.min(WARM_UP, times.size() / 2), times.size()));
    Collections.sort(timed);
    return timed.get(timed.size() / 2);
  }
}
