package dev.filtrate.base;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExcerptTest {
  @Test
  void shortValuesAreShownWhole() {
    assertEquals("a text", Excerpt.of("a text"));
    assertEquals("x".repeat(100), Excerpt.of("x".repeat(100)));
    assertEquals("[a, b]", Excerpt.of(List.of("a", "b")));
    assertEquals("[]", Excerpt.of(List.of()));
  }

  @Test
  void ofLongOnesTheBeginningOnOneLine() {
    assertEquals("a b" + "x".repeat(97) + "…", Excerpt.of("a\nb" + "x".repeat(200)));
    String emoji = "x".repeat(99) + "\uD83D\uDE00";
    assertEquals("x".repeat(99) + "…", Excerpt.of(emoji), "no half of a character");
    assertEquals(
        "[" + "a, ".repeat(20) + "… 1,200 in all]", Excerpt.of(Collections.nCopies(1200, "a")));
  }
}
