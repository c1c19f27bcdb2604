package dev.filtrate.export;

import dev.filtrate.base.Check;
import dev.filtrate.data.Metrics;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.BatchStream;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.squad.AnsweredQuestion;
import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.Feeds;
import dev.filtrate.train.SpanEvaluator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * Holds an export against the model that it was made from: on the same examples, the same logits
 * and the same metrics. The trained model answers first, so that only one of both is in memory.
 */
final class Proof {
  /**
   * How far the scores of answers to questions may differ, as a part of 1, besides one question:
   * rounding decides between places of a text that are as good as each other.
   */
  private static final double SPAN_TOLERANCE = 2e-3;

  private final Batches examples;
  private final Optional<? extends ValidationSet> task;

  private final List<Answer> expected;
  private final Map<String, Double> metrics;

  /** The outputs of a batch, and which examples its rows are. */
  record Answer(List<Integer> rows, Map<String, Tensor> outputs) {}

  /**
   * How the answers of a file differ from the trained model's.
   *
   * @param largest difference between two logits; infinite where one is not a number
   * @param mean of the differences
   * @param agreement the part of the examples that is answered alike; none of scores, nor without a
   *     task
   * @param metrics of the file; empty without a task
   */
  record Comparison(
      double largest, double mean, OptionalDouble agreement, Map<String, Double> metrics) {}

  /** The trained model's answers to a task's validation examples, or to made up ones. */
  Proof(ComputeSession trained, Batches examples, Optional<? extends ValidationSet> task) {
    this.examples = examples;
    this.task = task;
    this.expected = answers(trained);
    this.metrics = task.isEmpty() ? Map.of() : measure(task.get(), expected);
  }

  /** What a session answers to the examples. */
  List<Answer> answers(ComputeSession session) {
    List<Answer> all = new ArrayList<>();
    try (BatchStream stream = examples.stream(0, 0)) {
      while (stream.hasNext()) {
        Batch batch = stream.next();
        List<Integer> rows = Arrays.stream(batch.examples()).boxed().toList();
        all.add(new Answer(rows, session.run(Feeds.of(batch, session.inputs()))));
      }
    }
    return all;
  }

  /** The trained model's metrics; empty without a task. */
  Map<String, Double> metrics() {
    return metrics;
  }

  /** The examples. */
  EncodedExamples examples() {
    return examples.data();
  }

  /** Compares answers that need not be the same; throws UserError where outputs are missing. */
  Comparison compare(String file, List<Answer> actual) {
    double largest = 0;
    double sum = 0;
    long count = 0;
    for (int i = 0; i < expected.size(); i++) {
      Answer answer = expected.get(i);
      for (Map.Entry<String, Tensor> output : answer.outputs().entrySet()) {
        float[] wanted = output.getValue().toFloats();
        float[] got = floats(file, actual.get(i).outputs(), output.getKey(), wanted.length);
        int width = wanted.length / answer.rows().size();
        boolean tokens = !output.getKey().equals("logits");
        for (int j = 0; j < wanted.length; j++) {
          int row = answer.rows().get(j / width);
          if (tokens && j % width >= examples.data().texts().length(row)) {
            continue; // padding
          }
          double apart = Math.abs((double) wanted[j] - got[j]);
          largest = Math.max(largest, Double.isNaN(apart) ? Double.POSITIVE_INFINITY : apart);
          sum += apart;
          count++;
        }
      }
    }
    Map<String, Double> found = task.isEmpty() ? Map.of() : measure(task.get(), actual);
    return new Comparison(largest, sum / count, agreement(actual), found);
  }

  /** The part of the task's examples that both answer alike. */
  private OptionalDouble agreement(List<Answer> actual) {
    if (task.isEmpty()) {
      return OptionalDouble.empty();
    }
    if (task.get() instanceof SquadSet squad) {
      return squadAgreement(squad, actual);
    }
    DevSet set = (DevSet) task.get();
    float[] wanted = logits(set, expected);
    float[] got = logits(set, actual);
    int width = wanted.length / set.size();
    int same = 0;
    for (int start = 0; start < wanted.length; start += width) {
      same += alike(set.examples().problemType(), wanted, got, start, width) ? 1 : 0;
    }
    return set.examples().problemType() == ProblemType.REGRESSION
        ? OptionalDouble.empty()
        : OptionalDouble.of((double) same / set.size());
  }

  private static boolean alike(
      ProblemType type, float[] wanted, float[] got, int start, int width) {
    if (type == ProblemType.MULTI_LABEL_CLASSIFICATION) {
      return IntStream.range(start, start + width).allMatch(i -> wanted[i] > 0 == got[i] > 0);
    }
    return Metrics.argmax(wanted, start, width) == Metrics.argmax(got, start, width);
  }

  private OptionalDouble squadAgreement(SquadSet squad, List<Answer> actual) {
    List<AnsweredQuestion> wanted = spans(squad, expected);
    List<AnsweredQuestion> got = spans(squad, actual);
    boolean none = squad.settings().version2WithNegative();
    double threshold = squad.settings().nullScoreDiffThreshold();
    long same =
        IntStream.range(0, wanted.size())
            .filter(
                i -> wanted.get(i).text(none, threshold).equals(got.get(i).text(none, threshold)))
            .count();
    return OptionalDouble.of((double) same / wanted.size());
  }

  private static List<AnsweredQuestion> spans(SquadSet squad, List<Answer> answers) {
    SpanEvaluator.Logits logits = squad.evaluator(1).logits();
    answers.forEach(answer -> logits.add(answer.rows(), answer.outputs()));
    return logits.answers();
  }

  /** Throws {@link dev.filtrate.base.UserError} unless an export's answers are the same. */
  Agreement check(String file, List<Answer> actual) {
    double difference = 0;
    double largest = 1;
    for (int i = 0; i < expected.size(); i++) {
      for (Map.Entry<String, Tensor> output : expected.get(i).outputs().entrySet()) {
        float[] wanted = output.getValue().toFloats();
        float[] got = floats(file, actual.get(i).outputs(), output.getKey(), wanted.length);
        for (int j = 0; j < wanted.length; j++) {
          double apart = Math.abs((double) wanted[j] - got[j]);
          difference = Math.max(difference, Double.isNaN(apart) ? Double.POSITIVE_INFINITY : apart);
          largest = Math.max(largest, Float.isFinite(wanted[j]) ? Math.abs(wanted[j]) : 0);
        }
      }
    }
    Agreement logits =
        new Agreement(examples.data().size(), difference, Agreement.TOLERANCE * largest, Map.of());
    logits.requireSameLogits(file);
    return withMetrics(file, logits, actual);
  }

  private static float[] floats(String file, Map<String, Tensor> answers, String name, int size) {
    Tensor tensor = answers.get(name);
    Check.user(
        tensor != null && tensor.size() == size,
        "%s: refused: expected %d numbers of output '%s', got %s",
        file,
        size,
        name,
        tensor);
    return tensor == null ? new float[0] : tensor.toFloats();
  }

  private Agreement withMetrics(String file, Agreement logits, List<Answer> actual) {
    if (task.isEmpty()) {
      return logits;
    }
    ValidationSet set = task.get();
    Map<String, Double> found =
        set instanceof DevSet labelled
            ? withTiesSettled(labelled, logits, actual)
            : measure(set, actual);
    metrics.forEach(
        (metric, value) -> {
          double other = found.getOrDefault(metric, Double.NaN);
          double allowed = allowed(set, value);
          Check.user(
              Math.abs(value - other) <= allowed || (value.isNaN() && Double.isNaN(other)),
              "%s: refused: its %s is %s, that of the trained model %s",
              file,
              metric,
              other,
              value);
        });
    return new Agreement(logits.examples(), logits.largestDifference(), logits.bound(), found);
  }

  /** How far another value of a metric may be from this one. */
  private static double allowed(ValidationSet set, double value) {
    if (set instanceof SquadSet) {
      return 100 * (SPAN_TOLERANCE + 1.0 / set.size());
    }
    boolean scores =
        set instanceof DevSet labelled
            && labelled.examples().problemType() == ProblemType.REGRESSION;
    return scores ? Agreement.METRIC_TOLERANCE * Math.max(1, Math.abs(value)) : 0;
  }

  private static Map<String, Double> measure(ValidationSet set, List<Answer> answers) {
    if (set instanceof SquadSet squad) {
      Map<String, Double> scores = squad.evaluator(1).scores(spans(squad, answers));
      scores.keySet().retainAll(squad.metrics()); // thresholds may jump
      return scores;
    }
    return ((DevSet) set).metrics(logits(set, answers));
  }

  private Map<String, Double> withTiesSettled(DevSet set, Agreement agreed, List<Answer> actual) {
    float[] wanted = logits(set, expected);
    float[] got = logits(set, actual);
    if (set.examples().problemType() == ProblemType.MULTI_LABEL_CLASSIFICATION) {
      settleSigns(wanted, got, agreed.bound());
    } else {
      settleTies(wanted, got, wanted.length / agreed.examples(), agreed.bound());
    }
    return set.metrics(got);
  }

  /**
   * Where the trained model's two best classes are closer than logits may differ, rounding decides
   * between them; such a row counts as the trained model decided it.
   */
  private static void settleTies(float[] wanted, float[] got, int width, double bound) {
    for (int start = 0; width > 1 && start < wanted.length; start += width) {
      int best = Metrics.argmax(wanted, start, width);
      int other = Metrics.argmax(got, start, width);
      if (wanted[start + best] - wanted[start + other] <= 2 * bound) {
        System.arraycopy(wanted, start, got, start, width);
      }
    }
  }

  /** The same for logits about 0, where rounding decides whether a label is given. */
  private static void settleSigns(float[] wanted, float[] got, double bound) {
    for (int i = 0; i < wanted.length; i++) {
      if (Math.abs(wanted[i]) <= bound) {
        got[i] = wanted[i];
      }
    }
  }

  /** All logits in the order of the examples. */
  private static float[] logits(ValidationSet set, List<Answer> answers) {
    float[] all = new float[0];
    for (Answer answer : answers) {
      Tensor tensor = answer.outputs().get("logits");
      if (tensor == null) {
        throw new IllegalStateException("no logits among " + answer.outputs().keySet());
      }
      float[] values = tensor.toFloats();
      int width = values.length / answer.rows().size();
      if (all.length == 0) {
        all = new float[set.size() * width];
      }
      for (int i = 0; i < answer.rows().size(); i++) {
        System.arraycopy(values, i * width, all, answer.rows().get(i) * width, width);
      }
    }
    return all;
  }
}
