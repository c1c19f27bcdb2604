package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
    new ConsoleProgress(captured.console).update("ted", 1234, 20000, losses, speed, left);
    return captured.err();
  }

  @Test
  void anUpdateShowsLossesSpeedAndTimeLeft() {
    assertEquals(
        "ted  1,234/20,000  loss 3.5000  pred_loss 0.5000  kl_loss 3.0000  321 examples/s"
            + "  2 min 05 s left\n",
        shown(losses("loss", 3.5f, "pred_loss", 0.5f, "kl_loss", 3f), 321.4, 125));
  }

  @Test
  void aSingleTermIsTheLossItself() {
    assertEquals(
        "ted  1,234/20,000  loss 0.5000\n", shown(losses("loss", 0.5f, "pred_loss", 0.5f), 0, 0));
  }

  @Test
  void stagesBeginGoOnAreEvaluatedAndEnd() {
    Captured captured = new Captured(0);
    ConsoleProgress progress = new ConsoleProgress(captured.console);
    progress.begin("ted", 0, 2000);
    progress.begin("ted", 1000, 2000);
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
  void timesReadAsPeopleSayThem() {
    assertEquals("0 s", ConsoleProgress.time(0.4));
    assertEquals("59 s", ConsoleProgress.time(59.4));
    assertEquals("1 min 00 s", ConsoleProgress.time(59.6));
    assertEquals("59 min 59 s", ConsoleProgress.time(3599.4));
    assertEquals("1 h 00 min", ConsoleProgress.time(3600));
  }
}
