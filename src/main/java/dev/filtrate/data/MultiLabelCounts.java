package dev.filtrate.data;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How often each label is rightly and wrongly given, where a label is given that is more probable
 * than not: the metrics of scikit-learn on indicator matrices.
 */
final class MultiLabelCounts {
  private final double[] hits;
  private final double[] mentions; // given and there: TP + FP and TP + FN
  private double examples;
  private double right;

  /** Counts; labels that are NaN are left out, and so is an example without any. */
  MultiLabelCounts(float[] logits, double[] labels, int width) {
    this.hits = new double[width];
    this.mentions = new double[width];
    for (int start = 0; start < labels.length; start += width) {
      count(logits, labels, start, width);
    }
  }

  private void count(float[] logits, double[] labels, int start, int width) {
    boolean known = false;
    boolean allRight = true;
    for (int k = 0; k < width; k++) {
      double label = labels[start + k];
      if (!Double.isNaN(label)) {
        known = true;
        boolean given = logits[start + k] > 0; // its sigmoid is above 1/2
        boolean there = label == 1;
        hits[k] += given && there ? 1 : 0;
        mentions[k] += (given ? 1 : 0) + (there ? 1 : 0);
        allRight &= given == there;
      }
    }
    examples += known ? 1 : 0;
    right += known && allRight ? 1 : 0;
  }

  /** The metric of that name. */
  double metric(String name) {
    return switch (name) {
      case "f1_micro" -> f1(Arrays.stream(hits).sum(), Arrays.stream(mentions).sum());
      case "f1_macro" ->
          IntStream.range(0, hits.length).mapToDouble(k -> f1(hits[k], mentions[k])).sum()
              / hits.length;
      case "accuracy" -> examples == 0 ? 0 : right / examples; // of whole examples
      default -> throw new IllegalArgumentException("no metric of several labels: " + name);
    };
  }

  private static double f1(double hits, double mentions) {
    return mentions == 0 ? 0 : 2 * hits / mentions;
  }
}
