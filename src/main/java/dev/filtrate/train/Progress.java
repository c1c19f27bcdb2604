package dev.filtrate.train;

import java.util.Map;

/** Watches a run: what a terminal shows while it trains. Every method returns at once. */
public interface Progress {
  /** A stage begins, at an update above 0 when it goes on from a checkpoint. */
  void begin(String stage, int step, int steps);

  /**
   * An update was made.
   *
   * @param step updates done
   * @param losses its loss terms, {@code loss} among them
   * @param examplesPerSecond the speed of late
   * @param secondsLeft how long the stage will go on
   */
  void update(
      String stage,
      int step,
      int steps,
      Map<String, Float> losses,
      double examplesPerSecond,
      double secondsLeft);

  /** The validation examples were evaluated. */
  void evaluation(String stage, int step, Map<String, Double> metrics, boolean best);

  /** A stage ended. */
  void end(String stage, int step, double seconds);

  /** Something that the user should know. */
  void note(String text);

  /** Watches without a word. */
  Progress SILENT =
      new Progress() {
        @Override
        public void begin(String stage, int step, int steps) {}

        @Override
        public void update(
            String stage,
            int step,
            int steps,
            Map<String, Float> losses,
            double examplesPerSecond,
            double secondsLeft) {}

        @Override
        public void evaluation(String stage, int step, Map<String, Double> metrics, boolean best) {}

        @Override
        public void end(String stage, int step, double seconds) {}

        @Override
        public void note(String text) {}
      };
}
