package dev.filtrate.train;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Watches a run: what a terminal shows while it trains, and what is written for others to look at.
 * Every method returns soon.
 */
public interface Progress {
  /**
   * An update that was made.
   *
   * @param stage the stage's name
   * @param step updates done
   * @param steps how many there will be
   * @param epoch passes over the examples done
   * @param losses its loss terms, {@code loss} first, then each term, then those of single layers
   *     ({@code mse_loss.0})
   * @param learningRate its rate
   * @param examplesPerSecond the speed of late; 0 = not known yet
   * @param secondsLeft how long the stage will go on
   */
  record Update(
      String stage,
      int step,
      int steps,
      double epoch,
      Map<String, Float> losses,
      double learningRate,
      double examplesPerSecond,
      double secondsLeft) {
    /** Copies the map. */
    public Update {
      losses = Collections.unmodifiableMap(new LinkedHashMap<>(losses));
    }
  }

  /**
   * A stage begins, at an update above 0 when it goes on from a checkpoint.
   *
   * @param folder of the seed's models and metrics
   */
  void begin(Path folder, String stage, int step, int steps);

  /** An update was made. */
  void update(Update update);

  /** The validation examples were evaluated. */
  void evaluation(String stage, int step, Map<String, Double> metrics, boolean best);

  /** A stage ended; its lines in {@code metrics.jsonl} are written. */
  void end(String stage, int step, double seconds);

  /** Something that the user should know. */
  void note(String text);

  /** Watches without a word. */
  Progress SILENT = all(List.of());

  /** Tells several watchers, in their order. */
  static Progress all(List<Progress> watchers) {
    List<Progress> all = List.copyOf(watchers);
    return new Progress() {
      @Override
      public void begin(Path folder, String stage, int step, int steps) {
        all.forEach(watcher -> watcher.begin(folder, stage, step, steps));
      }

      @Override
      public void update(Update update) {
        all.forEach(watcher -> watcher.update(update));
      }

      @Override
      public void evaluation(String stage, int step, Map<String, Double> metrics, boolean best) {
        all.forEach(watcher -> watcher.evaluation(stage, step, metrics, best));
      }

      @Override
      public void end(String stage, int step, double seconds) {
        all.forEach(watcher -> watcher.end(stage, step, seconds));
      }

      @Override
      public void note(String text) {
        all.forEach(watcher -> watcher.note(text));
      }
    };
  }
}
