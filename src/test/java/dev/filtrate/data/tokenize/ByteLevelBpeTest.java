package dev.filtrate.data.tokenize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.filtrate.base.Shared;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Example;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("tokenizers")
class ByteLevelBpeTest {
  private static final String VOCABULARY =
      """
      {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "\u0120": 6, "ab": 7,
       "\u0120ab": 8, "<mask>": 9}
      """;
  private static final String MERGES = "#version: 0.2\na b\n\u0120 ab\n";

  @TempDir private Path folder;

  private void write(String name, String text) {
    try {
      Files.writeString(folder.resolve(name), text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void read() {
    try (Tokenizer tokenizer = Tokenizer.read(folder, 16)) {
      throw new AssertionError(tokenizer.vocabularySize());
    }
  }

  private static int[] ids(Tokenizer tokenizer, String text, @Nullable String second) {
    return tokenizer.encode(List.of(new Example(text, second, -1))).ids(0);
  }

  @Test
  void mergesMakePiecesAndASpaceBelongsToItsWord() {
    write("vocab.json", VOCABULARY);
    write("merges.txt", MERGES);
    try (Tokenizer tokenizer = Tokenizer.read(folder, 16)) {
      assertArrayEquals(new int[] {0, 7, 8, 2}, ids(tokenizer, "ab ab", null));
      assertArrayEquals(new int[] {0, 5, 4, 2, 2, 7, 2}, ids(tokenizer, "ba", "ab"));
      assertArrayEquals(new int[] {0, 4, 9, 2}, ids(tokenizer, "a <mask>", null));
      assertEquals(1, tokenizer.padId());
      assertEquals(10, tokenizer.vocabularySize());
      assertEquals("ab ab", tokenizer.decode(0, 7, 8, 2));
    }
  }

  @Test
  void theWrittenFolderIsTheSameTokenizer() {
    write("vocab.json", VOCABULARY);
    write("merges.txt", MERGES);
    write("tokenizer_config.json", "{\"add_prefix_space\": true}");
    Path copy = folder.resolve("copy");
    try (Tokenizer tokenizer = Tokenizer.read(folder.resolve("vocab.json"), 16)) {
      Files.createDirectory(copy);
      tokenizer.write(copy);
      try (Tokenizer again = Tokenizer.read(copy, 16)) {
        assertArrayEquals(new int[] {0, 8, 2}, ids(again, "ab", null));
        assertEquals(tokenizer.sha256(), again.sha256());
        assertEquals(1, again.padId());
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "a b c, 'merges.txt:1: expected two pieces with a space between them, found ''a b c'''",
    "a a, 'merges.txt:1: ''aa'' is not in vocab.json; the two files must belong together'",
    "'', 'merges.txt: no such file; expected the merges that belong to vocab.json'"
  })
  void mergesThatDoNotFitAreRefused(String merges, String expected) {
    write("vocab.json", VOCABULARY);
    if (!merges.isEmpty()) {
      write("merges.txt", merges);
    }
    UserError error = assertThrows(UserError.class, this::read);
    assertEquals(folder.resolve(expected).toString(), error.getMessage());
  }

  @Test
  void aVocabularyWithoutItsSpecialTokensIsRefused() {
    write("vocab.json", "{\"<unk>\": 0, \"a\": 1}");
    write("merges.txt", "");
    UserError error = assertThrows(UserError.class, this::read);
    assertEquals(
        folder.resolve("vocab.json")
            + ": holds no sep_token </s>; expected RoBERTa's vocabulary, ids by piece",
        error.getMessage());
  }

  /** What transformers' RobertaTokenizer makes of the same files. */
  @Test
  void realFilesGiveTheReferencesIds() {
    Path model = Shared.path("datasets/tokenizers/roberta-base");
    Map<String, int[]> expected =
        Map.of(
            "Hello world",
            new int[] {0, 31414, 232, 2},
            "  two  spaces ",
            new int[] {0, 1437, 80, 1437, 5938, 1437, 2},
            "it's the student's caf\u00e9, isn't it?",
            new int[] {0, 405, 18, 5, 1294, 18, 26059, 6, 965, 75, 24, 116, 2},
            "na\u00efve \ud83d\ude00 \u65e5\u672c\u8a9e \t tab",
            new int[] {
              0, 2133, 48350, 17841, 7471, 47416, 6800, 8210, 44636, 11582, 48537, 17772, 1437,
              50117, 12207, 2
            },
            "<s> not special</s>",
            new int[] {0, 0, 45, 780, 2, 2},
            "1234.56 e-mail@x.org\nnew line",
            new int[] {
              0, 1092, 3079, 4, 4419, 364, 12, 6380, 1039, 1178, 4, 1957, 50118, 4651, 516, 2
            },
            "",
            new int[] {0, 2});
    try (Tokenizer tokenizer = Tokenizer.read(model, 64)) {
      expected.forEach(
          (text, ids) -> assertArrayEquals(ids, ids(tokenizer, text, null), "'" + text + "'"));
      assertEquals(50265, tokenizer.vocabularySize());
    }
  }
}
