package dev.filtrate.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShapeTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "[];             [];           []",
        "[];             [2, 3];       [2, 3]",
        "[batch, 3];     [3];          [batch, 3]",
        "[batch, 1];     [1, 3];       [batch, 3]",
        "[batch, s, 8];  [batch, 1, 8]; [batch, s, 8]",
        "[1];            [batch];      [batch]",
        "[h, 1, 2*s-1];  [b, 1, s, 1]; [b, h, s, 2*s-1]"
      })
  void broadcastingStretchesOnesAndAddsAxesInFront(String a, String b, String expected) {
    Shape want = Shape.parse(expected);
    assertEquals(want, Shape.broadcast(Shape.parse(a), Shape.parse(b)));
    assertEquals(want, Shape.broadcast(Shape.parse(b), Shape.parse(a)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "[2, 3];  [2];         cannot broadcast [2, 3] with [2] (3 vs 2)",
        "[batch]; [sequence];  cannot broadcast [batch] with [sequence] (batch vs sequence)",
        "[s];     [2*s];       cannot broadcast [s] with [2*s] (s vs 2*s)"
      })
  void sizesThatDifferAreNamed(String a, String b, String message) {
    assertEquals(
        message,
        assertThrows(
                IllegalArgumentException.class,
                () -> Shape.broadcast(Shape.parse(a), Shape.parse(b)))
            .getMessage());
  }

  @Test
  void axesCountFromEitherEnd() {
    Shape s = Shape.parse("[batch, 3, 4]");
    assertEquals(Dim.of(4), s.dim(-1));
    assertEquals(Dim.named("batch"), s.dim(0));
    assertEquals(Shape.parse("[batch, 5, 4]"), s.with(-2, Dim.of(5)));
    assertEquals(
        "axis 3 of [batch, 3, 4]: out of range",
        assertThrows(IllegalArgumentException.class, () -> s.dim(3)).getMessage());
    assertThrows(IllegalArgumentException.class, () -> s.axis(-4));
  }

  @Test
  void elementsAreTheProductOfSizes() {
    assertEquals(Dim.parse("12*batch"), Shape.parse("[batch, 3, 4]").elements());
    assertEquals(Dim.of(1), Shape.SCALAR.elements());
    assertEquals(Dim.of(0), Shape.of(3, 0).elements());
  }

  @Test
  void theTextFormIsRead() {
    Shape s = Shape.of(Dim.named("batch"), Dim.parse("2*sequence-1"), Dim.of(768));
    assertEquals("[batch, 2*sequence-1, 768]", s.toString());
    assertEquals(s, Shape.parse(s.toString()));
    assertEquals(Shape.SCALAR, Shape.parse("[]"));
    assertEquals(
        "not a shape: '2, 3'",
        assertThrows(IllegalArgumentException.class, () -> Shape.parse("2, 3")).getMessage());
  }

  @Test
  void namedSizesGetValues() {
    Shape s = Shape.parse("[batch, 2*sequence-1]");
    assertFalse(s.isFixed());
    assertArrayEquals(new long[] {2, 9}, s.evaluate(Map.of("batch", 2L, "sequence", 5L)));
    assertTrue(Shape.of(2, 3).isFixed());
    assertArrayEquals(new long[] {2, 3}, Shape.of(2, 3).fixed());
    assertThrows(IllegalStateException.class, s::fixed);
  }
}
