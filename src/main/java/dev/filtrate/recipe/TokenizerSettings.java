package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Check;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How texts become ids.
 *
 * @param path a folder, a {@code tokenizer.json} or a {@code vocab.txt}; null = the student's
 *     folder, else the teacher's
 * @param maxLength texts are cut to so many tokens
 * @param padToMaxLength whether every batch has that length, not its longest text's
 * @param padToMultipleOf batches are padded to a multiple of so many tokens
 */
public record TokenizerSettings(
    @Nullable Path path, int maxLength, boolean padToMaxLength, int padToMultipleOf) {
  /** Checks the numbers. */
  public TokenizerSettings {
    Check.argument(maxLength >= 4 && padToMultipleOf >= 1, "%d, %d", maxLength, padToMultipleOf);
  }

  /** The released default of {@code max_length}. */
  static final int RELEASED_LENGTH = 128;

  /**
   * Reads the block.
   *
   * @param usualLength {@code max_length} where the recipe does not say it
   */
  static TokenizerSettings read(Config c, int usualLength) {
    return new TokenizerSettings(
        c.find("path", Kind.MODEL_PATH),
        c.get("max_length", Kind.wholeFrom(4), usualLength),
        c.get("pad_to_max_length", Kind.FLAG, false),
        c.get("pad_to_multiple_of", Kind.wholeFrom(1), 1));
  }

  ObjectNode write() {
    return new Keys()
        .put("path", path)
        .put("max_length", maxLength)
        .put("pad_to_max_length", padToMaxLength)
        .put("pad_to_multiple_of", padToMultipleOf)
        .object();
  }
}
