package dev.filtrate.data.tokenize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Shared;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Example;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("tokenizers")
class TokenizerTest {
  /** ids: 0 to 4 special, then words and pieces. */
  private static final String VOCABULARY =
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nplay\n##ing\n##ed\n,\n!\ncafe\nCafé\n";

  @TempDir Path folder;

  private Path write(String name, String text) {
    try {
      return Files.writeString(folder.resolve(name), text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Example text(String text) {
    return new Example(text, null, -1);
  }

  private static Example pair(String text, @Nullable String second) {
    return new Example(text, second, -1);
  }

  @Test
  void aVocabularyBecomesATokenizer() {
    write("vocab.txt", VOCABULARY);
    try (Tokenizer tokenizer = Tokenizer.read(folder, 16)) {
      Encoded encoded =
          tokenizer.encode(List.of(text("The playing, CAFÉ!"), text(""), text("plays xyz")));
      assertArrayEquals(new int[] {2, 5, 6, 7, 9, 11, 10, 3}, encoded.ids(0));
      assertArrayEquals(new int[] {2, 3}, encoded.ids(1));
      assertArrayEquals(new int[] {2, 1, 1, 3}, encoded.ids(2));
      assertEquals(14, encoded.tokens());
      assertEquals(13, tokenizer.vocabularySize());
      assertEquals(0, tokenizer.padId());
      assertEquals("the playing", tokenizer.decode(2, 5, 6, 7, 3, 0));
    }
  }

  @Test
  void caseIsKeptWhereTheConfigSaysSo() {
    write("vocab.txt", VOCABULARY);
    write("tokenizer_config.json", "{\"do_lower_case\": false}");
    try (Tokenizer tokenizer = Tokenizer.read(folder.resolve("vocab.txt"), 16)) {
      assertArrayEquals(
          new int[] {2, 1, 12, 3}, tokenizer.encode(List.of(text("The Café"))).ids(0));
    }
  }

  @Test
  void pairsHaveTypesAndTheLongerTextIsCutFirst() {
    write("vocab.txt", VOCABULARY);
    try (Tokenizer tokenizer = Tokenizer.read(folder, 8)) {
      Encoded encoded =
          tokenizer.encode(
              List.of(pair("the the", "play"), pair("the the the the the the", "play play")));
      assertArrayEquals(new int[] {2, 5, 5, 3, 6, 3}, encoded.ids(0));
      assertArrayEquals(new int[] {0, 0, 0, 0, 1, 1}, encoded.types(0));
      assertArrayEquals(new int[] {2, 5, 5, 5, 3, 6, 6, 3}, encoded.ids(1));
      assertEquals(8, tokenizer.maxLength());
      assertThrows(
          IllegalArgumentException.class,
          () -> tokenizer.encode(List.of(pair("a", "b"), pair("a", null))));
    }
  }

  @Test
  void writtenFilesGiveTheSameTokenizer() throws IOException {
    write("vocab.txt", VOCABULARY);
    Path out = Files.createDirectory(folder.resolve("out"));
    List<Example> texts = List.of(text("The playing, CAFÉ!"), text("played"));
    try (Tokenizer tokenizer = Tokenizer.read(folder, 16)) {
      tokenizer.write(out);
      JsonNode config =
          JsonMapper.builder().build().readTree(out.resolve("tokenizer_config.json").toFile());
      assertEquals("BertTokenizer", config.path("tokenizer_class").asText());
      assertTrue(config.path("do_lower_case").asBoolean());
      assertEquals(16, config.path("model_max_length").asInt());
      assertEquals("[PAD]", config.path("pad_token").asText());
      assertEquals(VOCABULARY, Files.readString(out.resolve("vocab.txt")));
      assertTrue(Files.readString(out.resolve("special_tokens_map.json")).contains("[MASK]"));
      try (Tokenizer again = Tokenizer.read(out, 16);
          Tokenizer file = Tokenizer.read(out.resolve("tokenizer.json"), 16)) {
        assertArrayEquals(tokenizer.encode(texts).ids(0), again.encode(texts).ids(0));
        assertArrayEquals(tokenizer.encode(texts).ids(1), file.encode(texts).ids(1));
        assertEquals(tokenizer.sha256(), again.sha256());
      }
    }
  }

  @Test
  void savedTruncationAndPaddingAreForgottenAndAMissingModelTypeIsFound() throws IOException {
    write("vocab.txt", VOCABULARY);
    Path out = Files.createDirectory(folder.resolve("out"));
    try (Tokenizer tokenizer = Tokenizer.read(folder, 16)) {
      tokenizer.write(out);
    }
    Path file = out.resolve("tokenizer.json");
    JsonMapper json = JsonMapper.builder().build();
    ObjectNode node = (ObjectNode) json.readTree(file.toFile());
    ((ObjectNode) node.get("model")).remove("type");
    node.putObject("truncation")
        .put("max_length", 3)
        .put("strategy", "LongestFirst")
        .put("stride", 0);
    Files.writeString(file, node.toString());
    try (Tokenizer tokenizer = Tokenizer.read(out, 16)) {
      assertArrayEquals(
          new int[] {2, 5, 6, 8, 3}, tokenizer.encode(List.of(text("the played"))).ids(0));
    }
  }

  @Test
  void realVocabulariesGiveTheKnownIds() {
    Path bert = Shared.path("datasets/tokenizers/bert-base-uncased");
    int[] expected = {101, 14477, 20961, 3468, 1010, 15743, 7668, 999, 102};
    List<Example> texts = List.of(text("unaffable, naïve café!"));
    try (Tokenizer json = Tokenizer.read(bert, 128);
        Tokenizer vocabulary = Tokenizer.read(bert.resolve("vocab.txt"), 128)) {
      assertArrayEquals(expected, json.encode(texts).ids(0));
      assertArrayEquals(expected, vocabulary.encode(texts).ids(0));
      assertEquals(30_522, json.vocabularySize());
    }
  }

  @Test
  void whatIsWrongWithTheFilesIsSaid() {
    assertEquals(
        folder.resolve("no") + ": no such file or folder; expected a tokenizer",
        error(folder.resolve("no")));
    assertEquals(
        folder
            + ": holds no tokenizer; expected tokenizer.json, spm.model, vocab.txt, or vocab.json with merges.txt",
        error(folder));
    Path vocabulary = write("vocab.txt", "[PAD]\n[CLS]\n[SEP]\nthe\n");
    assertEquals(
        vocabulary
            + ": holds no unk_token [UNK]; expected a WordPiece vocabulary, a token per line",
        error(folder));
    Path json = write("tokenizer.json", "{\"model\": 3}");
    assertEquals(
        json + ": expected an object under 'model'; is it a Hugging Face tokenizer?",
        error(folder));
    write("tokenizer.json", "{\"model\": ");
    assertTrue(error(folder).startsWith(json + ": is no JSON: "));
    write("tokenizer.json", "{\"model\": {\"type\": \"Sorcery\"}}");
    assertTrue(error(folder).startsWith(folder + ": the tokenizers library cannot load it: "));
    assertEquals("max_length: expected at least 4 tokens, got 2", error(folder, 2));
  }

  private static String error(Path path) {
    return error(path, 16);
  }

  private static String error(Path path, int maxLength) {
    UserError e =
        assertThrows(
            UserError.class,
            () -> {
              try (Tokenizer tokenizer = Tokenizer.read(path, maxLength)) {
                tokenizer.padId();
              }
            });
    return String.valueOf(e.getMessage());
  }
}
