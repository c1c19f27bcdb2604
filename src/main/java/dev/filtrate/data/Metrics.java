package dev.filtrate.data;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.stat.correlation.PearsonsCorrelation;
import org.apache.commons.math3.stat.correlation.SpearmansCorrelation;

/**
 * What a model is judged by, under the names of Hugging Face's GLUE metrics, with scikit-learn's
 * and SciPy's values. Where a metric is undefined it is 0, as scikit-learn has it for the Matthews
 * correlation: a model that always says the same has found nothing, and selection needs a number
 * that any better model beats.
 */
public final class Metrics {
  /** The metrics of classification. */
  public static final List<String> CLASSIFICATION =
      List.of("accuracy", "f1", "f1_macro", "matthews_correlation");

  /** The metrics of regression. */
  public static final List<String> REGRESSION = List.of("spearmanr", "pearson", "mse");

  /** The metrics of classification into classes that do not exclude each other. */
  public static final List<String> MULTI_LABEL = List.of("f1_micro", "f1_macro", "accuracy");

  private Metrics() {}

  /** The metrics that a kind of labels may have; the usual one first. */
  public static List<String> of(ProblemType type) {
    return switch (type) {
      case SINGLE_LABEL_CLASSIFICATION -> CLASSIFICATION;
      case REGRESSION -> REGRESSION;
      case MULTI_LABEL_CLASSIFICATION -> MULTI_LABEL;
    };
  }

  /** A {@link UserError} unless there is a metric of this name for these labels. */
  public static void check(String name, Labels labels) {
    List<String> known = of(labels.problemType());
    Check.user(
        known.contains(name),
        "metric: expected one of %s for %s, got \"%s\"",
        known,
        labels.problemType().id(),
        name);
    Check.user(
        !name.equals("f1") || labels.count() == 2,
        "metric: f1 is for two classes, this task has %d; use f1_macro",
        labels.count());
  }

  /** Every metric that there is for these labels, the given one first. */
  public static List<String> all(String first, Labels labels) {
    List<String> fitting =
        labels.problemType() == ProblemType.SINGLE_LABEL_CLASSIFICATION
            ? List.of("accuracy", labels.count() == 2 ? "f1" : "f1_macro", "matthews_correlation")
            : of(labels.problemType());
    return Stream.concat(Stream.of(first), fitting.stream()).distinct().toList();
  }

  /** The same values under the names of MNLI's mismatched examples: {@code accuracy_mm}. */
  public static Map<String, Double> mismatched(Map<String, Double> metrics) {
    Map<String, Double> named = new LinkedHashMap<>();
    metrics.forEach((name, value) -> named.put(name + "_mm", value));
    return named;
  }

  /** Whether more is better; all but the mean squared error. */
  public static boolean higherIsBetter(String name) {
    return !name.equals("mse");
  }

  /**
   * A metric over a model's outputs. Examples without a label are left out.
   *
   * @param name one of those {@link #of} the type
   * @param logits {@code [examples, width]}, row by row
   * @param width the number of classes, or 1: a score
   * @param labels class ids, -1 for none; scores, NaN for none; 0 and 1 for every class of every
   *     example, NaN for unknown
   */
  public static double compute(
      String name, ProblemType type, float[] logits, int width, double[] labels) {
    boolean multiple = type == ProblemType.MULTI_LABEL_CLASSIFICATION;
    Check.argument(
        logits.length == labels.length * (multiple ? 1 : width),
        "expected %d x %d logits, got %d",
        labels.length,
        width,
        logits.length);
    if (multiple) {
      return new MultiLabelCounts(logits, labels, width).metric(name);
    }
    if (type == ProblemType.REGRESSION) {
      int[] rows =
          IntStream.range(0, labels.length).filter(i -> !Double.isNaN(labels[i])).toArray();
      double[] scores = Arrays.stream(rows).mapToDouble(i -> logits[i]).toArray();
      double[] expected = Arrays.stream(rows).mapToDouble(i -> labels[i]).toArray();
      return switch (name) {
        case "pearson" -> pearson(scores, expected);
        case "spearmanr" -> spearmanr(scores, expected);
        case "mse" -> mse(scores, expected);
        default -> throw new IllegalArgumentException("no metric of regression: " + name);
      };
    }
    int[] rows = IntStream.range(0, labels.length).filter(i -> labels[i] != Labels.NONE).toArray();
    int[] predicted = Arrays.stream(rows).map(i -> argmax(logits, i * width, width)).toArray();
    int[] expected = Arrays.stream(rows).map(i -> (int) labels[i]).toArray();
    return switch (name) {
      case "accuracy" -> accuracy(predicted, expected);
      case "f1" -> f1(predicted, expected, 1);
      case "f1_macro" -> f1Macro(predicted, expected);
      case "matthews_correlation" -> matthewsCorrelation(predicted, expected);
      default -> throw new IllegalArgumentException("no metric of classification: " + name);
    };
  }

  /** The place of the largest of {@code width} values, relative to {@code start}; the first one. */
  public static int argmax(float[] values, int start, int width) {
    int best = 0;
    for (int i = 1; i < width; i++) {
      if (values[start + i] > values[start + best]) {
        best = i;
      }
    }
    return best;
  }

  /** The part of the examples that is right; 0 without examples. */
  public static double accuracy(int[] predicted, int[] labels) {
    same(predicted.length, labels.length);
    double right = IntStream.range(0, labels.length).filter(i -> predicted[i] == labels[i]).count();
    return ratio(right, labels.length);
  }

  /**
   * The harmonic mean of precision and recall of one class: 2 TP / (2 TP + FP + FN); 0 where the
   * class is neither there nor predicted. GLUE's {@code f1} is that of class 1.
   */
  public static double f1(int[] predicted, int[] labels, int positive) {
    same(predicted.length, labels.length);
    double hits = 0;
    double mentions = 0; // TP + FP and TP + FN
    for (int i = 0; i < labels.length; i++) {
      boolean said = predicted[i] == positive;
      boolean is = labels[i] == positive;
      hits += said && is ? 1 : 0;
      mentions += (said ? 1 : 0) + (is ? 1 : 0);
    }
    return ratio(2 * hits, mentions);
  }

  /** The mean of {@link #f1} over the classes that are there or predicted. */
  public static double f1Macro(int[] predicted, int[] labels) {
    same(predicted.length, labels.length);
    return IntStream.concat(Arrays.stream(predicted), Arrays.stream(labels))
        .distinct()
        .mapToDouble(c -> f1(predicted, labels, c))
        .average()
        .orElse(0);
  }

  /**
   * The correlation of predicted and true classes, for any number of classes (Gorodkin 2004): with
   * s examples, c right ones, and p and t examples predicted as and of class k,
   *
   * <pre>(c s − Σ p t) / √((s² − Σ p²)(s² − Σ t²))</pre>
   *
   * 0 where either side has one class only.
   */
  public static double matthewsCorrelation(int[] predicted, int[] labels) {
    same(predicted.length, labels.length);
    int classes =
        1 + IntStream.concat(Arrays.stream(predicted), Arrays.stream(labels)).max().orElse(0);
    double[] p = new double[classes];
    double[] t = new double[classes];
    double right = 0;
    for (int i = 0; i < labels.length; i++) {
      p[predicted[i]]++;
      t[labels[i]]++;
      right += predicted[i] == labels[i] ? 1 : 0;
    }
    double s = labels.length;
    double pt = 0;
    double pp = 0;
    double tt = 0;
    for (int k = 0; k < classes; k++) {
      pt += p[k] * t[k];
      pp += p[k] * p[k];
      tt += t[k] * t[k];
    }
    return ratio(right * s - pt, Math.sqrt((s * s - pp) * (s * s - tt)));
  }

  /**
   * Pearson's correlation coefficient; 0 where either side is constant or there are fewer than two
   * examples; NaN where a value is NaN.
   */
  public static double pearson(double[] predicted, double[] labels) {
    same(predicted.length, labels.length);
    if (holdsNaN(predicted) || holdsNaN(labels)) {
      return Double.NaN;
    }
    return isConstant(predicted) || isConstant(labels)
        ? 0
        : finite(new PearsonsCorrelation().correlation(predicted, labels));
  }

  /**
   * Spearman's rank correlation, equal values sharing the mean of their ranks; undefined cases as
   * {@link #pearson}.
   */
  public static double spearmanr(double[] predicted, double[] labels) {
    same(predicted.length, labels.length);
    if (holdsNaN(predicted) || holdsNaN(labels)) {
      return Double.NaN;
    }
    return isConstant(predicted) || isConstant(labels)
        ? 0
        : new SpearmansCorrelation().correlation(predicted, labels);
  }

  /** The mean squared error; 0 without examples. */
  public static double mse(double[] predicted, double[] labels) {
    same(predicted.length, labels.length);
    return IntStream.range(0, labels.length)
        .mapToDouble(i -> (predicted[i] - labels[i]) * (predicted[i] - labels[i]))
        .average()
        .orElse(0);
  }

  private static void same(int predictions, int labels) {
    Check.argument(predictions == labels, "%d predictions for %d labels", predictions, labels);
  }

  private static double ratio(double numerator, double denominator) {
    return denominator == 0 ? 0 : numerator / denominator;
  }

  /** Values so close that their variance vanishes count as constant. */
  private static double finite(double correlation) {
    return Double.isFinite(correlation) ? correlation : 0;
  }

  private static boolean holdsNaN(double[] values) {
    return Arrays.stream(values).anyMatch(Double::isNaN);
  }

  private static boolean isConstant(double[] values) {
    return Arrays.stream(values).distinct().count() < 2;
  }
}
