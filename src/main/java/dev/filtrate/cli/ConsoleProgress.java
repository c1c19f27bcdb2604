package dev.filtrate.cli;

import dev.filtrate.train.Progress;
import java.util.Map;
import java.util.StringJoiner;

/** Shows a run on the console: a line that follows each stage, and one for every evaluation. */
final class ConsoleProgress implements Progress {
  private final Console console;

  ConsoleProgress(Console console) {
    this.console = console;
  }

  @Override
  public void begin(String stage, int step, int steps) {
    console.note(
        step == 0
            ? "%s: %,d updates".formatted(stage, steps)
            : "%s: goes on after update %,d of %,d".formatted(stage, step, steps));
  }

  @Override
  public void update(
      String stage,
      int step,
      int steps,
      Map<String, Float> losses,
      double examplesPerSecond,
      double secondsLeft) {
    StringJoiner terms = new StringJoiner("  ");
    losses.forEach(
        (name, value) -> {
          if (losses.size() != 2 || name.equals("loss")) { // a single term is the loss itself
            terms.add("%s %.4f".formatted(name, value));
          }
        });
    boolean timed = examplesPerSecond > 0; // not before the second update
    console.progress(
        "%s  %,d/%,d  %s%s"
            .formatted(
                stage,
                step,
                steps,
                terms,
                timed
                    ? "  %.0f examples/s  %s left".formatted(examplesPerSecond, time(secondsLeft))
                    : ""));
  }

  @Override
  public void evaluation(String stage, int step, Map<String, Double> metrics, boolean best) {
    StringJoiner values = new StringJoiner("  ");
    metrics.forEach((name, value) -> values.add("%s %.4f".formatted(name, value)));
    console.note("%s  %,d  %s%s".formatted(stage, step, values, best ? "  (best)" : ""));
  }

  @Override
  public void end(String stage, int step, double seconds) {
    console.note("%s: done in %s".formatted(stage, time(seconds)));
    console.endProgress();
  }

  @Override
  public void note(String text) {
    console.note(text);
  }

  /** A duration as people say it: {@code 12 s}, {@code 3 min 05 s}, {@code 2 h 10 min}. */
  static String time(double seconds) {
    long s = Math.round(seconds);
    if (s < 60) {
      return s + " s";
    }
    return s < 3600
        ? "%d min %02d s".formatted(s / 60, s % 60)
        : "%d h %02d min".formatted(s / 3600, s / 60 % 60);
  }
}
