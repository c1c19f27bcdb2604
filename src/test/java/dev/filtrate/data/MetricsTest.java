package dev.filtrate.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The expected figures were computed with NumPy by other formulas (covariances, rank lists). */
class MetricsTest {
  private static final double EPS = 1e-12;
  private static final ProblemType CLASSES = ProblemType.SINGLE_LABEL_CLASSIFICATION;
  private static final int[] P3 = {0, 1, 2, 2, 1, 0, 2, 1, 0, 0};
  private static final int[] T3 = {0, 1, 2, 1, 1, 0, 0, 2, 0, 1};
  private static final int[] P2 = {1, 0, 1, 1, 0, 1, 0, 0};
  private static final int[] T2 = {1, 0, 0, 1, 0, 1, 1, 0};
  private static final double[] X = {1.2, 0.4, 3.3, 3.3, 2.0, 5.1, 0.4};
  private static final double[] Y = {1.0, 0.0, 2.5, 4.0, 2.5, 5.0, 1.0};

  @Test
  void classificationMetricsMatchIndependentFigures() {
    assertEquals(0.6, Metrics.accuracy(P3, T3), EPS);
    assertEquals(0.75, Metrics.f1(P3, T3, 0), EPS);
    assertEquals(0.5714285714285715, Metrics.f1(P3, T3, 1), EPS);
    assertEquals(0.5738095238095239, Metrics.f1Macro(P3, T3), EPS);
    assertEquals(0.40004734568283146, Metrics.matthewsCorrelation(P3, T3), EPS);
    assertEquals(0.5, Metrics.matthewsCorrelation(P2, T2), EPS);
  }

  @Test
  void correlationsMatchIndependentFigures() {
    assertEquals(0.948137507759636, Metrics.pearson(X, Y), EPS);
    assertEquals(0.9444444444444446, Metrics.spearmanr(X, Y), EPS);
    assertEquals(0.2785714285714285, Metrics.mse(X, Y), EPS);
  }

  @Test
  void undefinedCasesAreZero() {
    int[] ones = {1, 1, 1};
    int[] mixed = {0, 1, 0};
    assertEquals(0, Metrics.matthewsCorrelation(ones, mixed));
    assertEquals(0, Metrics.matthewsCorrelation(mixed, ones));
    assertEquals(0, Metrics.f1(new int[] {0, 0}, new int[] {0, 0}, 1));
    assertEquals(0, Metrics.accuracy(new int[0], new int[0]));
    assertEquals(0, Metrics.pearson(new double[] {2, 2, 2}, new double[] {1, 2, 3}));
    assertEquals(0, Metrics.spearmanr(new double[] {1, 2, 3}, new double[] {4, 4, 4}));
    assertEquals(0, Metrics.pearson(new double[] {2}, new double[] {1}));
    assertTrue(Double.isNaN(Metrics.spearmanr(new double[] {1, Double.NaN}, new double[] {1, 2})));
  }

  @Test
  void logitsAreComparedAndExamplesWithoutLabelLeftOut() {
    float[] logits = {2, 1, 0, 1, 5, 4, 1, 3};
    double[] labels = {0, 1, -1, 1};
    assertEquals(1, Metrics.compute("accuracy", CLASSES, logits, 2, labels), EPS);
    assertEquals(1, Metrics.compute("f1", CLASSES, logits, 2, labels), EPS);
    assertEquals(1, Metrics.compute("f1_macro", CLASSES, logits, 2, labels), EPS);
    assertEquals(1, Metrics.compute("matthews_correlation", CLASSES, logits, 2, labels), EPS);
    float[] scores = {1, 2, 9, 4};
    double[] expected = {1, 2, Double.NaN, 5};
    assertEquals(1 / 3.0, Metrics.compute("mse", ProblemType.REGRESSION, scores, 1, expected), EPS);
    assertEquals(1, Metrics.compute("spearmanr", ProblemType.REGRESSION, scores, 1, expected), EPS);
    assertEquals(
        Metrics.pearson(new double[] {1, 2, 4}, new double[] {1, 2, 5}),
        Metrics.compute("pearson", ProblemType.REGRESSION, scores, 1, expected),
        EPS);
    assertEquals(0, Metrics.argmax(new float[] {3, 3, 1}, 0, 3), "the first of equals");
    assertThrows(
        IllegalArgumentException.class,
        () -> Metrics.compute("accuracy", CLASSES, logits, 3, labels));
  }

  @Test
  void metricsOfSeveralLabelsMatchIndependentFigures() {
    ProblemType several = ProblemType.MULTI_LABEL_CLASSIFICATION;
    float[] logits = {1, -1, -1, -1, 2, -1, 3, 1, -1, -1, -1, -1, 1, 1, -1};
    double[] labels = {1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0};
    assertEquals(0.7272727272727273, Metrics.compute("f1_micro", several, logits, 3, labels), EPS);
    assertEquals(0.5333333333333333, Metrics.compute("f1_macro", several, logits, 3, labels), EPS);
    assertEquals(0.6, Metrics.compute("accuracy", several, logits, 3, labels), EPS);
    double[] unknown = {1, 0, 0, Double.NaN, Double.NaN, Double.NaN};
    float[] two = {1, -1, -1, 1, 1, 1};
    assertEquals(1, Metrics.compute("accuracy", several, two, 3, unknown), EPS);
    assertEquals(1, Metrics.compute("f1_micro", several, two, 3, unknown), EPS);
    assertEquals(0, Metrics.compute("f1_micro", several, new float[] {-1}, 1, new double[] {0}));
  }

  @Test
  void namesAreCheckedAgainstTheTask() {
    Labels two = Labels.classes(List.of("a", "b"));
    Labels three = Labels.classes(List.of("a", "b", "c"));
    Metrics.check("f1", two);
    Metrics.check("f1_macro", three);
    Metrics.check("spearmanr", Labels.scores());
    assertEquals(
        "metric: expected one of [accuracy, f1, f1_macro, matthews_correlation] for"
            + " single_label_classification, got \"mse\"",
        assertThrows(UserError.class, () -> Metrics.check("mse", two)).getMessage());
    assertEquals(
        "metric: f1 is for two classes, this task has 3; use f1_macro",
        assertThrows(UserError.class, () -> Metrics.check("f1", three)).getMessage());
    assertEquals(
        "metric: expected one of [spearmanr, pearson, mse] for regression, got \"f1\"",
        assertThrows(UserError.class, () -> Metrics.check("f1", Labels.scores())).getMessage());
    assertTrue(Metrics.higherIsBetter("accuracy"));
    assertFalse(Metrics.higherIsBetter("mse"));
  }
}
