package dev.filtrate.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DimTest {
  private static final Dim B = Dim.named("batch");
  private static final Dim S = Dim.named("sequence");

  @Test
  void equalSizesAreEqualHoweverTheyWereComputed() {
    assertEquals(B.times(S), S.times(B));
    assertEquals(S.times(2).plus(-1), S.plus(S).minus(Dim.of(1)));
    assertEquals(S.plus(1).times(S.minus(Dim.of(1))), S.times(S).plus(-1));
    assertEquals(Dim.of(0), B.minus(B));
    assertEquals(B.times(S).hashCode(), S.times(B).hashCode());
    assertNotEquals(B, S);
    assertNotEquals(B, Dim.of(1));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "768, 768",
    "-3, -3",
    "batch, batch",
    "sequence*batch, batch*sequence",
    "2*sequence-1, 2*sequence-1",
    "-1+2*sequence, 2*sequence-1",
    "batch+batch, 2*batch",
    "batch-batch, 0",
    "sequence*sequence-sequence, sequence*sequence-sequence",
    "-batch+4, -batch+4",
    "3+4, 7"
  })
  void theTextFormIsReadAndWrittenCanonically(String text, String canonical) {
    assertEquals(canonical, Dim.parse(text).toString());
    assertEquals(Dim.parse(text), Dim.parse(canonical));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "batch sequence", "2x", "batch*", "*2", "a.b", "1/2", "batch-"})
  void whatIsNoDimIsRefused(String text) {
    assertEquals(
        "not a dim: '" + text + "'",
        assertThrows(IllegalArgumentException.class, () -> Dim.parse(text)).getMessage());
  }

  @Test
  void whatIsNoNameIsRefused() {
    assertEquals(
        "not a name of a dim: '2b'",
        assertThrows(IllegalArgumentException.class, () -> Dim.named("2b")).getMessage());
  }

  @Test
  void arithmeticIsThatOfTheNumbersItStandsFor() {
    long seed = TestSeed.get();
    Randomness random = Randomness.of(seed, "dims");
    for (int trial = 0; trial < 200; trial++) {
      Map<String, Long> sizes =
          Map.of("a", 1L + random.nextInt(9), "b", 1L + random.nextInt(9), "c", 1L);
      Dim x = random(random, 3);
      Dim y = random(random, 3);
      long vx = x.evaluate(sizes);
      long vy = y.evaluate(sizes);
      String hint = x + " and " + y + " at " + sizes + TestSeed.hint(seed);
      assertEquals(vx + vy, x.plus(y).evaluate(sizes), hint);
      assertEquals(vx - vy, x.minus(y).evaluate(sizes), hint);
      assertEquals(vx * vy, x.times(y).evaluate(sizes), hint);
      assertEquals(x, Dim.parse(x.toString()), hint);
      assertEquals(x, x.plus(y).minus(y), hint);
    }
  }

  private static Dim random(Randomness random, int depth) {
    if (depth == 0 || random.nextInt(4) == 0) {
      return random.nextInt(2) == 0
          ? Dim.of(random.nextInt(7) - 3)
          : Dim.named(List.of("a", "b", "c").get(random.nextInt(3)));
    }
    Dim left = random(random, depth - 1);
    Dim right = random(random, depth - 1);
    return switch (random.nextInt(3)) {
      case 0 -> left.plus(right);
      case 1 -> left.minus(right);
      default -> left.times(right);
    };
  }

  @Test
  void fixedOnesAndNamesAreToldApart() {
    assertTrue(Dim.of(3).isFixed());
    assertTrue(Dim.of(0).isFixed());
    assertTrue(Dim.of(3).is(3));
    assertFalse(B.is(1));
    assertTrue(B.isName());
    assertFalse(B.times(2).isName());
    assertFalse(B.times(S).isName());
    assertFalse(Dim.of(1).isName());
    assertEquals(Set.of("batch", "sequence"), B.times(S).plus(S).names());
    assertEquals(3, Dim.of(3).fixed());
    assertEquals(
        "dim 2*sequence-1 is not fixed",
        assertThrows(IllegalStateException.class, S.times(2).plus(-1)::fixed).getMessage());
  }

  @Test
  void aNameWithoutASizeIsNamed() {
    assertEquals(
        "no size given for dim 'sequence'",
        assertThrows(IllegalArgumentException.class, () -> B.times(S).evaluate(Map.of("batch", 2L)))
            .getMessage());
  }
}
