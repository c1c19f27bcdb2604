package dev.filtrate.train;

import dev.filtrate.base.Randomness;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Model;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.DeviceTensors;
import dev.filtrate.runtime.TrainingSession;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
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

  /**
   * Seconds.
   *
   * @param update the part of the median that is the update, which takes the same for any batch
   * @param graphs building and differentiating the graphs
   * @param sessions lowering them and opening the sessions
   */
  record Timing(
      double median,
      double mean,
      double min,
      double max,
      double update,
      double graphs,
      double sessions) {
    /** The median of steps on so many times the examples. */
    double scaled(double factor) {
      return (median - update) * factor + update;
    }
  }

  /**
   * A whole step on random weights: the teacher's forward if there is one, forward and backward,
   * update.
   */
  Timing step(Stage outlined) {
    List<Integer> words = words(outlined.model());
    WordRows rows = WordRows.of(words, outlined.model().config());
    long began = System.nanoTime();
    Graph gradients = outlined.with(rows).gradients();
    double graphs = since(began);
    Stage stage = Outline.withRandomTeacher(outlined);
    Map<String, Tensor> weights = Outline.random(stage.model(), outlined.gradients().parameters());
    began = System.nanoTime();
    try (TrainingSession session =
            engine.training(gradients, stage.settings().optimizer(), rows.gather(weights));
        Frozen teacher = Frozen.of(engine, stage, gradients)) {
      double sessions = since(began);
      Map<String, Tensor> feeds = rows.feeds(feeds(names(gradients), stage.model(), words));
      feeds.put(StageGraphs.GRADIENT_SCALE, Tensor.scalar(1f));
      Map<String, Tensor> asked = feeds(teacher.inputs(), stage.model(), words);
      return time(
          number -> {
            try (DeviceTensors outputs = teacher.outputs(asked)) {
              session.accumulate(feeds, outputs.asMap(), number);
            }
            long accumulated = System.nanoTime();
            session.step(1e-5, number);
            return since(accumulated);
          },
          graphs,
          sessions);
    }
  }

  /** The same on another engine. */
  StepTimer with(Engine other) {
    return new StepTimer(other, batch, length, warmUp, steps);
  }

  /** The logits of a model alone, on random weights. */
  Timing forward(Model model) {
    long began = System.nanoTime();
    Graph graph = StageGraphs.inference("forward", model);
    double graphs = since(began);
    Map<String, Tensor> weights = Outline.random(model, graph.parameters());
    began = System.nanoTime();
    try (ComputeSession session = engine.frozen(graph, weights)) {
      double sessions = since(began);
      Map<String, Tensor> feeds = feeds(session.inputs(), model, words(model));
      return time(
          number -> {
            session.run(feeds);
            return 0;
          },
          graphs,
          sessions);
    }
  }

  private interface Step {
    /** Returns the seconds of the update. */
    double run(long number);
  }

  private Timing time(Step step, double graphs, double sessions) {
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
    return new Timing(median, mean, times[0], times[steps - 1], update, graphs, sessions);
  }

  private static double since(long began) {
    return (System.nanoTime() - began) / 1e9;
  }

  private static List<String> names(Graph graph) {
    return graph.inputs().stream().map(Value::name).toList();
  }

  /** Tokens that make up a made-up task's texts. */
  private static List<Integer> words(Model model) {
    int[] tokens = IntStream.range(0, model.config().common().vocabSize()).toArray();
    Randomness.of(0, "bench/words").shuffle(tokens);
    return Arrays.stream(tokens).limit(WORDS).boxed().toList();
  }

  private Map<String, Tensor> feeds(List<String> wanted, Model model, List<Integer> words) {
    Randomness random = Randomness.of(0, "bench/ids");
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (String input : wanted) {
      switch (input) {
        case "input_ids" -> feeds.put(input, grid(() -> words.get(random.nextInt(words.size()))));
        case "attention_mask" -> feeds.put(input, grid(() -> 1));
        case "token_type_ids" -> feeds.put(input, grid(() -> 0));
        case "labels" ->
            feeds.put(
                input,
                switch (model.config().problemType()) {
                  case SINGLE_LABEL_CLASSIFICATION -> Tensor.zeros(DType.INT64, batch);
                  case REGRESSION -> Tensor.zeros(DType.FLOAT, batch);
                  case MULTI_LABEL_CLASSIFICATION ->
                      Tensor.zeros(DType.FLOAT, batch, model.config().numLabels());
                });
        case "start_positions", "end_positions" ->
            feeds.put(input, Tensor.zeros(DType.INT64, batch));
        default -> {
          // bound, or the teacher's
        }
      }
    }
    return feeds;
  }

  private Tensor grid(LongSupplier value) {
    Tensor t = Tensor.zeros(DType.INT64, batch, length);
    LongBuffer content = t.bytes().asLongBuffer();
    while (content.hasRemaining()) {
      content.put(value.getAsLong());
    }
    return t;
  }
}
