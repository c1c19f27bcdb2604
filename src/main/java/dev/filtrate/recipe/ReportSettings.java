package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Check;

/**
 * What a run leaves for people to look at, besides its page.
 *
 * @param worstExamples how many validation examples the page quotes, the worst ones; 0 = no text
 * @param csv whether {@code metrics.csv} is written beside {@code metrics.jsonl}
 * @param tensorboard whether TensorBoard's event files are
 */
public record ReportSettings(int worstExamples, boolean csv, boolean tensorboard) {
  private static final int WORST = 20;

  /** Checks the number. */
  public ReportSettings {
    Check.argument(worstExamples >= 0, "%d worst examples", worstExamples);
  }

  static ReportSettings read(Config c) {
    return new ReportSettings(
        c.get("worst_examples", Kind.wholeFrom(0), WORST),
        c.get("csv", Kind.FLAG, false),
        c.get("tensorboard", Kind.FLAG, false));
  }

  ObjectNode write() {
    return new Keys()
        .put("worst_examples", worstExamples)
        .put("csv", csv)
        .put("tensorboard", tensorboard)
        .object();
  }
}
