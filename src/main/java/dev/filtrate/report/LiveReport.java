package dev.filtrate.report;

import dev.filtrate.base.UserError;
import dev.filtrate.train.Progress;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Keeps a run's page up to date: made anew after every stage. A page that cannot be written is told
 * and does not stop the training.
 */
final class LiveReport implements Progress {
  private final Path run;
  private final Consumer<String> tell;
  private boolean begun;

  /**
   * Watches a run.
   *
   * @param run the run's folder
   * @param tell what is told when a page cannot be written
   */
  LiveReport(Path run, Consumer<String> tell) {
    this.run = run;
    this.tell = tell;
  }

  /** Whether a stage began, so that there is something to show. */
  boolean hasBegun() {
    return begun;
  }

  /** Makes the page. */
  void write() {
    try {
      Report.write(run);
    } catch (UserError e) {
      tell.accept("no report: " + e.getMessage());
    }
  }

  @Override
  public void begin(Path folder, String stage, int step, int steps) {
    begun = true;
  }

  @Override
  public void update(Update update) {}

  @Override
  public void evaluation(String stage, int step, Map<String, Double> metrics, boolean best) {}

  @Override
  public void end(String stage, int step, double seconds) {
    write();
  }

  @Override
  public void note(String text) {}
}
