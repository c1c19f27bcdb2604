package dev.filtrate.data;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One text or pair of texts with its label.
 *
 * @param sentence1 the text
 * @param sentence2 the second text of a pair, or null
 * @param targets what {@link Labels} makes of the label: a class's id, a score, or 0 and 1
 */
public record Example(String sentence1, @Nullable String sentence2, List<Double> targets) {
  /** Copies the list. */
  public Example {
    targets = List.copyOf(targets);
  }

  /** An example with one target: a class's id, {@link Labels#NONE}, or a score. */
  public Example(String sentence1, @Nullable String sentence2, double label) {
    this(sentence1, sentence2, List.of(label));
  }

  /** The id of the class, {@link Labels#NONE}, or the score. */
  public double label() {
    return targets.get(0);
  }

  /** Whether there is a label. */
  public boolean labelled(ProblemType type) {
    return type == ProblemType.SINGLE_LABEL_CLASSIFICATION
        ? label() != Labels.NONE
        : targets.stream().anyMatch(target -> !Double.isNaN(target));
  }
}
