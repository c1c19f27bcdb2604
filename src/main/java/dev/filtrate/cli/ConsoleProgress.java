package dev.filtrate.cli;

import dev.filtrate.model.Objective;
import dev.filtrate.train.Progress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** Shows a run on the console: a line that follows each stage, and one for every evaluation. */
final class ConsoleProgress implements Progress {
  private final Console console;
  private final List<List<String>> ended = new ArrayList<>();

  /** The metric that selects, as the stage's last evaluation has it; and the best one. */
  private String metric = "";

  private String best = "";

  ConsoleProgress(Console console) {
    this.console = console;
  }

  @Override
  public void begin(Path folder, String stage, int step, int steps) {
    metric = "";
    best = "";
    console.note(
        stage,
        step == 0
            ? ": %,d updates".formatted(steps)
            : ": goes on after update %,d of %,d".formatted(step, steps));
  }

  @Override
  public void update(Update update) {
    StringJoiner line = new StringJoiner("  ", "  ", "");
    line.add("%,d/%,d".formatted(update.step(), update.steps()));
    line.add("%d %%".formatted(100L * update.step() / update.steps()));
    if (update.examplesPerSecond() > 0) { // not before the second update
      line.add(time(update.secondsLeft()) + " left");
    }
    Map<String, Float> terms = new LinkedHashMap<>(update.losses());
    terms.keySet().removeIf(Objective::isLayer);
    boolean single = terms.size() == 2; // the one term is the loss itself
    terms.forEach(
        (name, value) -> {
          if (!single || name.equals("loss")) {
            line.add("%s %.4f".formatted(name, value));
          }
        });
    if (!metric.isEmpty()) {
      line.add(metric);
    }
    if (update.examplesPerSecond() > 0) {
      line.add("%.0f examples/s".formatted(update.examplesPerSecond()));
    }
    console.progress(update.stage(), line.toString());
  }

  @Override
  public void evaluation(String stage, int step, Map<String, Double> metrics, boolean isBest) {
    StringJoiner values = new StringJoiner("  ");
    metrics.forEach((name, value) -> values.add("%s %.4f".formatted(name, value)));
    metrics.entrySet().stream()
        .findFirst() // the one that selects
        .ifPresent(
            first -> {
              metric = "%s %.4f".formatted(first.getKey(), first.getValue());
              best = isBest ? "%.4f".formatted(first.getValue()) : best;
            });
    console.note(stage, "  %,d  %s%s".formatted(step, values, isBest ? "  (best)" : ""));
  }

  @Override
  public void end(String stage, int step, double seconds) {
    console.note(stage, ": done in " + time(seconds));
    console.endProgress();
    ended.add(List.of(stage, "%,d".formatted(step), best.isEmpty() ? "-" : best, time(seconds)));
  }

  @Override
  public void note(String text) {
    console.note(text);
  }

  /** A table of the stages that ended under its eyes. */
  void summary() {
    if (!ended.isEmpty()) {
      console.table(List.of("stage", "updates", "best metric", "time"), ended);
      console.print("");
    }
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
