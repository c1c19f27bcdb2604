package dev.filtrate.recipe;

import dev.filtrate.base.Check;

/**
 * When the task's metric is computed on the validation examples, and what follows from it.
 *
 * @param every how often ({@code eval_steps})
 * @param earlyStoppingPatience the stage ends after so many evaluations in a row without a new
 *     best; 0 = it does not end early
 * @param saveBest whether the best model is the stage's result, not the last one
 */
public record Evaluation(Every every, int earlyStoppingPatience, boolean saveBest) {
  /** None at all: filter learning, which the released code does not evaluate. */
  public static final Evaluation NONE = new Evaluation(Every.NEVER, 0, false);

  /** Checks the number. */
  public Evaluation {
    Check.argument(earlyStoppingPatience >= 0, "patience %d", earlyStoppingPatience);
  }
}
