package dev.filtrate.train;

import dev.filtrate.base.Randomness;
import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.BatchOptions;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Model;
import dev.filtrate.recipe.FrozenCacheSettings;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.Scalars;
import dev.filtrate.runtime.TrainingSession;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Times the steps of a stage as the trainer makes them, on random ids.
 *
 * @param batch examples of a step
 * @param length tokens of an example, none of them padding
 * @param warmUp repetitions that do not count
 * @param steps repetitions that do
 */
record StepTimer(Engine engine, int batch, int length, int warmUp, int steps) {
  /** The words that a task uses: SST-2 has 14,609 of DeBERTa-v3's 128,000. */
  private static final int WORDS = 16_384;

  private static final List<String> LABELS = List.of("labels", "start_positions", "end_positions");

  /**
   * Seconds, and what was done in them.
   *
   * @param update the part of the median that is the update, which takes the same for any batch; on
   *     a GPU the part in which it is asked for
   * @param flops multiplications and additions of the matrix products
   * @param graphs building and differentiating the graphs
   * @param sessions lowering them and opening the sessions
   */
  record Timing(
      double median,
      double mean,
      double min,
      double max,
      double update,
      double flops,
      double graphs,
      double sessions) {
    /** The median of steps on so many times the examples. */
    double scaled(double factor) {
      return (median - update) * factor + update;
    }
  }

  /**
   * A whole step on random weights: the forward of its frozen model if it has one, forward and
   * backward, update.
   */
  Timing step(Stage outlined) {
    return step(outlined, FrozenCacheSettings.NONE);
  }

  /** The same with the frozen model's outputs from a cache, once the warm-up has filled it. */
  Timing step(Stage outlined, FrozenCacheSettings cache) {
    Stage stage =
        outlined.withFrozen(
            f -> new Stage.Frozen(f.source(), Outline.random(f.source()), f.dtype(), cache));
    EncodedExamples texts = texts(stage.model());
    WordRows rows = WordRows.usedBy(List.of(texts), stage.model().config());
    long began = System.nanoTime();
    Stage kept = stage.with(rows);
    Graph gradients = kept.gradients(engine.pass());
    double graphs = since(began);
    double flops =
        cache.folder() == null
            ? new StepCost(kept, gradients).flops(batch, length)
            : StepCost.flops(gradients, batch, length);
    Map<String, Tensor> weights = Outline.random(stage.model(), outlined.gradients().parameters());
    began = System.nanoTime();
    try (TrainingSession session =
            engine.training(gradients, stage.settings().optimizer(), rows.gather(weights));
        FrozenOutputs frozen = FrozenOutputs.of(engine, stage, gradients, texts)) {
      double sessions = since(began);
      Batch one = batch(texts);
      Map<String, Tensor> feeds = rows.feeds(feeds(one, names(gradients), stage.model()));
      feeds.put(StageGraphs.GRADIENT_SCALE, Tensor.scalar(1f));
      return time(
          number -> {
            Scalars losses;
            try (FrozenOutputs.Given given = frozen.forBatch(one)) {
              Map<String, Tensor> all = new LinkedHashMap<>(feeds);
              all.putAll(given.fed());
              losses = session.accumulate(all, given.onDevice().asMap(), number);
            }
            long accumulated = System.nanoTime();
            if (engine.precision().scalesLoss()) {
              session.gradientNorm(); // whether to skip the update
            }
            session.step(1e-5, number);
            double update = since(accumulated);
            losses.read();
            return update;
          },
          flops,
          graphs,
          sessions);
    }
  }

  /** The same on another engine. */
  StepTimer with(Engine other) {
    return new StepTimer(other, batch, length, warmUp, steps);
  }

  /** The logits of a model alone, on random weights; on a CPU as its export computes them. */
  Timing forward(Model model) {
    Engine engine =
        this.engine.options().device().isCuda() ? this.engine : this.engine.asExported();
    long began = System.nanoTime();
    Graph graph = engine.inference("forward", model);
    double graphs = since(began);
    Map<String, Tensor> weights = Outline.random(model, graph.parameters());
    began = System.nanoTime();
    try (ComputeSession session = engine.frozen(graph, weights)) {
      double sessions = since(began);
      Map<String, Tensor> feeds = feeds(batch(texts(model)), session.inputs(), model);
      return time(
          number -> {
            session.run(feeds);
            return 0;
          },
          StepCost.flops(graph, batch, length),
          graphs,
          sessions);
    }
  }

  private interface Step {
    /** Returns the seconds of the update. */
    double run(long number);
  }

  private Timing time(Step step, double flops, double graphs, double sessions) {
    double[] times = new double[steps];
    double[] updates = new double[steps];
    for (int i = -warmUp; i < steps; i++) {
      long began = System.nanoTime();
      double update = step.run(i + warmUp + 1L);
      if (i >= 0) {
        times[i] = since(began);
        updates[i] = update;
      }
    }
    Arrays.sort(times);
    Arrays.sort(updates);
    double median = times[steps / 2];
    double mean = Arrays.stream(times).sum() / steps;
    double update = Math.min(median, updates[steps / 2]);
    return new Timing(median, mean, times[0], times[steps - 1], update, flops, graphs, sessions);
  }

  private static double since(long began) {
    return (System.nanoTime() - began) / 1e9;
  }

  private static List<String> names(Graph graph) {
    return graph.inputs().stream().map(Value::name).toList();
  }

  /** Texts of random words, none padded: a batch of the length that is timed, and then others. */
  private EncodedExamples texts(Model model) {
    int[] words = IntStream.range(0, model.config().common().vocabSize()).toArray();
    Randomness random = Randomness.of(0, "bench/ids");
    random.shuffle(words);
    int used = Math.min(WORDS, words.length);
    int texts = Math.max(batch, (used + length - 1) / length);
    Encoded.Builder encoded = new Encoded.Builder(texts);
    long[] ids = new long[length];
    for (int text = 0; text < texts; text++) {
      for (int i = 0; i < length; i++) {
        int place = text * length + i; // every word once, then any
        ids[i] = words[place < used ? place : random.nextInt(used)];
      }
      encoded.add(ids, new long[length]);
    }
    List<Example> unlabelled = Collections.nCopies(texts, new Example("", null, Labels.NONE));
    return EncodedExamples.of(
        encoded.build(),
        unlabelled,
        ProblemType.SINGLE_LABEL_CLASSIFICATION,
        model.config().common().padTokenId());
  }

  private Batch batch(EncodedExamples texts) {
    return Batches.evaluation(texts, new BatchOptions(batch, 1, 0, false)).at(0, 0);
  }

  /** A batch, its labels 0, as the inputs that are wanted. */
  private Map<String, Tensor> feeds(Batch one, List<String> wanted, Model model) {
    List<String> tokens = wanted.stream().filter(input -> !LABELS.contains(input)).toList();
    Map<String, Tensor> feeds = new LinkedHashMap<>(Feeds.of(one, tokens));
    for (String input : wanted) {
      if (LABELS.contains(input)) {
        feeds.put(input, labels(input, model));
      }
    }
    return feeds;
  }

  private Tensor labels(String input, Model model) {
    if (!input.equals("labels")) {
      return Tensor.zeros(DType.INT64, batch);
    }
    return switch (model.config().problemType()) {
      case SINGLE_LABEL_CLASSIFICATION -> Tensor.zeros(DType.INT64, batch);
      case REGRESSION -> Tensor.zeros(DType.FLOAT, batch);
      case MULTI_LABEL_CLASSIFICATION ->
          Tensor.zeros(DType.FLOAT, batch, model.config().numLabels());
    };
  }
}
