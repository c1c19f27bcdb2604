package dev.filtrate.data;

import org.jspecify.annotations.Nullable;

/**
 * One text or pair of texts with its label.
 *
 * @param sentence1 the text
 * @param sentence2 the second text of a pair, or null
 * @param label the id of the class, or {@link Labels#NONE}; in regression the score, or NaN
 */
public record Example(String sentence1, @Nullable String sentence2, double label) {
  /** Whether there is a label. */
  public boolean labelled(ProblemType type) {
    return type == ProblemType.REGRESSION ? !Double.isNaN(label) : label != Labels.NONE;
  }
}
