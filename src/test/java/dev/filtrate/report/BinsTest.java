package dev.filtrate.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class BinsTest {
  @Test
  void aShortCurveKeepsEveryUpdate() {
    Bins bins = new Bins();
    bins.add(3, "loss", 0.5);
    bins.add(1, "loss", 2);
    bins.add(1, "loss", 4); // another seed
    assertEquals(List.of(1.0, 2.0, 3.0), bins.steps());
    List<Bins.Bin> loss = bins.curve("loss");
    assertEquals(3, loss.get(0).mean());
    assertEquals(2, loss.get(0).low());
    assertEquals(4, loss.get(0).high());
    assertTrue(Double.isNaN(loss.get(1).mean()));
    assertEquals(0.5, loss.get(2).mean());
  }

  @Test
  void aLongCurveIsPutTogetherFromNeighbours() {
    Bins bins = new Bins();
    int updates = 4 * Bins.LIMIT - 1;
    for (int step = 1; step <= updates; step++) {
      bins.add(step, "step", step);
    }
    assertEquals(Bins.LIMIT, bins.steps().size());
    assertEquals(bins.steps(), bins.curve("step").stream().map(Bins.Bin::mean).toList());
    assertEquals(2.5, bins.steps().get(0));
    assertEquals(1, bins.curve("step").get(0).low());
    assertEquals(4, bins.curve("step").get(0).high());
    assertEquals(updates - 1, bins.steps().get(Bins.LIMIT - 1)); // of three
  }

  @Test
  void curvesThatBeginLateOrEndEarlyAreAsLongAsTheOthers() {
    Bins bins = new Bins();
    bins.add(1, "early", 1);
    for (int step = 1; step <= 3 * Bins.LIMIT; step++) {
      bins.add(step, "all", 1);
    }
    bins.add(3 * Bins.LIMIT, "late", 7);
    int size = bins.steps().size();
    for (String name : List.of("early", "all", "late")) {
      assertEquals(size, bins.curve(name).size(), name);
    }
    assertEquals(7, bins.curve("late").get(size - 1).mean());
    assertTrue(Double.isNaN(bins.curve("late").get(0).mean()));
  }

  @Test
  void whatIsNotFiniteIsLeftOut() {
    Bins bins = new Bins();
    bins.add(1, "loss", Double.NaN);
    bins.add(1, "loss", Double.POSITIVE_INFINITY);
    bins.add(1, "loss", 1);
    assertEquals(1, bins.curve("loss").get(0).mean());
  }
}
