package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.train.Progress;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConsoleProgressTest {
  private static Map<String, Float> losses(Object... namesAndValues) {
    Map<String, Float> losses = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      losses.put((String) namesAndValues[i], (Float) namesAndValues[i + 1]);
    }
    return losses;
  }

  private static String shown(Map<String, Float> losses, double speed, double left) {
    Captured captured = new Captured(0);
    new ConsoleProgress(captured.console)
        .update(new Progress.Update("ted", 1234, 20000, 1, losses, 1e-3, speed, left));
    return captured.err();
  }

  @Test
  void anUpdateShowsLossesSpeedAndTimeLeft() {
    assertEquals(
        "ted  1,234/20,000  6 %  2 min 05 s left  loss 3.5000  pred_loss 0.5000  mse_loss 3.0000"
            + "  321 examples/s\n",
        shown(
            losses("loss", 3.5f, "pred_loss", 0.5f, "mse_loss", 3f, "mse_loss.0", 2f), 321.4, 125));
  }

  @Test
  void aSingleTermIsTheLossItself() {
    assertEquals(
        "ted  1,234/20,000  6 %  loss 0.5000\n",
        shown(losses("loss", 0.5f, "pred_loss", 0.5f), 0, 0));
    assertEquals(
        "ted  1,234/20,000  6 %  loss 0.5000\n",
        shown(losses("loss", 0.5f, "pred_loss", 0.5f, "pred_loss.0", 0.5f), 0, 0));
  }

  @Test
  void stagesBeginGoOnAreEvaluatedAndEnd() {
    Captured captured = new Captured(0);
    ConsoleProgress progress = new ConsoleProgress(captured.console);
    progress.begin(Path.of("run"), "ted", 0, 2000);
    progress.begin(Path.of("run"), "ted", 1000, 2000);
    progress.evaluation("ted", 1500, Map.of("accuracy", 0.5), true);
    progress.evaluation("ted", 2000, Map.of("accuracy", 0.25), false);
    progress.end("ted", 2000, 7830);
    progress.note("by the way");
    assertEquals(
        """
        ted: 2,000 updates
        ted: goes on after update 1,000 of 2,000
        ted  1,500  accuracy 0.5000  (best)
        ted  2,000  accuracy 0.2500
        ted: done in 2 h 10 min
        by the way
        """,
        captured.err());
  }

  @Test
  void anUpdateShowsTheLastMetricThatSelects() {
    Captured captured = new Captured(0);
    ConsoleProgress progress = new ConsoleProgress(captured.console);
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("accuracy", 0.75);
    metrics.put("f1", 0.5);
    progress.begin(Path.of("run"), "kd", 0, 10);
    progress.evaluation("kd", 5, metrics, true);
    progress.update(new Progress.Update("kd", 6, 10, 1, losses("loss", 0.5f), 1e-3, 0, 0));
    progress.begin(Path.of("run"), "ted", 0, 10);
    captured.console.endProgress(); // or the next line comes too soon
    progress.update(new Progress.Update("ted", 1, 10, 0.1, losses("loss", 0.5f), 1e-3, 0, 0));
    assertEquals(
        """
        kd: 10 updates
        kd  5  accuracy 0.7500  f1 0.5000  (best)
        kd  6/10  60 %  loss 0.5000  accuracy 0.7500
        ted: 10 updates
        ted  1/10  10 %  loss 0.5000
        """,
        captured.err());
  }

  @Test
  void stagesThatEndedAreSummedUp() {
    Captured captured = new Captured(0);
    ConsoleProgress progress = new ConsoleProgress(captured.console);
    progress.summary();
    progress.begin(Path.of("run"), "teacher/filters", 0, 1000);
    progress.end("teacher/filters", 1000, 61);
    progress.begin(Path.of("run"), "ted", 0, 2000);
    progress.evaluation("ted", 1000, Map.of("accuracy", 0.75), true);
    progress.evaluation("ted", 2000, Map.of("accuracy", 0.5), false);
    progress.end("ted", 2000, 5);
    progress.summary();
    assertEquals(
        """
        stage            updates  best metric        time
        -------------------------------------------------
        teacher/filters    1,000            -  1 min 01 s
        ted                2,000       0.7500         5 s

        """,
        captured.out());
  }

  @Test
  void timesReadAsPeopleSayThem() {
    assertEquals("0 s", ConsoleProgress.time(0.4));
    assertEquals("59 s", ConsoleProgress.time(59.4));
    assertEquals("1 min 00 s", ConsoleProgress.time(59.6));
    assertEquals("59 min 59 s", ConsoleProgress.time(3599.4));
    assertEquals("1 h 00 min", ConsoleProgress.time(3600));
  }
}
