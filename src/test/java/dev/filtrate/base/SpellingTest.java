package dev.filtrate.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import org.junit.jupiter.api.Test;

class SpellingTest {
  private static final List<String> KNOWN = List.of("kl_alpha", "mse_alpha", "seed", "set");

  @Test
  void findsTheNearestWord() {
    assertEquals("kl_alpha", Spelling.nearest("kl_alhpa", KNOWN)); // a swap is one edit
    assertEquals("kl_alpha", Spelling.nearest("KL-Alpha", KNOWN));
    assertEquals("mse_alpha", Spelling.nearest("mse_alfa", KNOWN));
    assertEquals("seed", Spelling.nearest("seeds", KNOWN));
    assertEquals("set", Spelling.nearest("st", KNOWN));
  }

  @Test
  void staysSilentWhenNothingIsNear() {
    assertNull(Spelling.nearest("learning_rate", KNOWN));
    assertNull(Spelling.nearest("x", KNOWN));
    assertEquals("", Spelling.suggestion("zebra", KNOWN));
  }

  @Test
  void wordsTheSuggestion() {
    assertEquals("; did you mean 'seed'?", Spelling.suggestion("sede", KNOWN));
  }
}
