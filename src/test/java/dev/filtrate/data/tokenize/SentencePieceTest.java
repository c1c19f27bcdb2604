package dev.filtrate.data.tokenize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.filtrate.base.Shared;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Example;
import dev.filtrate.data.tokenize.proto.SentencePieceProto.ModelProto;
import dev.filtrate.data.tokenize.proto.SentencePieceProto.NormalizerSpec;
import dev.filtrate.data.tokenize.proto.SentencePieceProto.TrainerSpec;
import dev.filtrate.data.tokenize.proto.SentencePieceProto.TrainerSpec.ModelType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("tokenizers")
class SentencePieceTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** The first piece of a text, after 4 special ones and 256 bytes. */
  private static final int FIRST = 260;

  private static final List<String> PIECES =
      List.of(
          "\u2581", "\u2581the", "\u2581play", "ing", "ed", "\u2581pl", "ay", "p", "\uD83D\uDE00");

  @TempDir Path folder;

  /** A model of a few pieces, the likelier the earlier; bytes for everything else. */
  private static ModelProto.Builder model() {
    ModelProto.Builder model = ModelProto.newBuilder();
    add(model, "[PAD]", 0, ModelProto.SentencePiece.Type.CONTROL);
    add(model, "[CLS]", 0, ModelProto.SentencePiece.Type.CONTROL);
    add(model, "[SEP]", 0, ModelProto.SentencePiece.Type.CONTROL);
    add(model, "[UNK]", 0, ModelProto.SentencePiece.Type.UNKNOWN);
    for (int b = 0; b < 256; b++) {
      add(model, "<0x%02X>".formatted(b), 0, ModelProto.SentencePiece.Type.BYTE);
    }
    for (int i = 0; i < PIECES.size(); i++) {
      add(model, PIECES.get(i), -1 - i, ModelProto.SentencePiece.Type.NORMAL);
    }
    model.setTrainerSpec(TrainerSpec.newBuilder().setByteFallback(true));
    model.setNormalizerSpec(NormalizerSpec.getDefaultInstance());
    return model;
  }

  private static void add(
      ModelProto.Builder model, String piece, float score, ModelProto.SentencePiece.Type type) {
    model.addPieces(
        ModelProto.SentencePiece.newBuilder().setPiece(piece).setScore(score).setType(type));
  }

  private Path write(ModelProto.Builder model) {
    return write("spm.model", model.build().toByteArray());
  }

  private Path write(String name, byte[] content) {
    try {
      return Files.write(folder.resolve(name), content);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static long[] ids(Path path, String text) {
    try (Tokenizer tokenizer = Tokenizer.read(path, Tokenizer.UNLIMITED)) {
      return tokenizer.ids(List.of(text), false).get(0);
    }
  }

  @Test
  void aModelBecomesATokenizerThatTakesTheLikeliestPieces() {
    write(model());
    assertArrayEquals(new long[] {FIRST + 1, FIRST + 2, FIRST + 3}, ids(folder, "the playing"));
    assertArrayEquals(new long[] {FIRST + 5, FIRST + 4}, ids(folder, "pled"));
    assertArrayEquals(new long[] {FIRST, FIRST + 8}, ids(folder, "\uD83D\uDE00"));
    assertArrayEquals(new long[] {}, ids(folder, ""));
  }

  @Test
  void spacesAtTheEndsAndInARowDoNotCount() {
    write(model());
    assertArrayEquals(ids(folder, "the play"), ids(folder, "  the   play "));
  }

  @Test
  void whatHasNoPieceBecomesItsBytes() {
    write(model());
    assertArrayEquals(
        new long[] {FIRST + 1, 4 + 0xC3, 4 + 0xA9, FIRST + 7}, ids(folder, "the\u00E9p"));
    assertArrayEquals(new long[] {FIRST, 4, FIRST + 7}, ids(folder, "\0p"));
  }

  @Test
  void withoutBytesItIsUnknown() {
    write(model().setTrainerSpec(TrainerSpec.getDefaultInstance()));
    assertArrayEquals(new long[] {FIRST + 1, 3, FIRST + 7}, ids(folder, "the\u00E9\u00E8p"));
  }

  @Test
  void specialTokensFrameTextsAndPairsAndTheMaskFollowsTheLastPiece() {
    write(model());
    try (Tokenizer tokenizer = Tokenizer.read(folder, 16)) {
      Encoded encoded = tokenizer.encode(List.of(new Example("the", "play", -1)));
      assertArrayEquals(new int[] {1, FIRST + 1, 2, FIRST + 2, 2}, encoded.ids(0));
      assertArrayEquals(new int[] {0, 0, 0, 1, 1}, encoded.types(0));
      assertEquals(FIRST + PIECES.size() + 1, tokenizer.vocabularySize());
      assertEquals(0, tokenizer.padId());
      assertEquals("the playing", tokenizer.decode(1, FIRST + 1, FIRST + 2, FIRST + 3, 2));
      assertEquals("\u00E9", tokenizer.decode(FIRST, 4 + 0xC3, 4 + 0xA9));
    }
    assertArrayEquals(new long[] {FIRST + PIECES.size()}, ids(folder, "[MASK]"));
  }

  @Test
  void addedTokensKeepTheirIdsAndTheConfigIsHeeded() {
    write(model());
    write(
        "added_tokens.json", "{\"<new>\": 270, \"[MASK]\": 269}".getBytes(StandardCharsets.UTF_8));
    write("tokenizer_config.json", "{\"do_lower_case\": true}".getBytes(StandardCharsets.UTF_8));
    assertArrayEquals(new long[] {FIRST + 1, 270, 269}, ids(folder, "THE<new>[MASK]"));
  }

  @Test
  void itIsWrittenWithTheModelItWasMadeOf() throws IOException {
    Path file = write(model());
    Path out = Files.createDirectory(folder.resolve("out"));
    try (Tokenizer tokenizer = Tokenizer.read(file, 16)) {
      tokenizer.write(out);
      JsonNode config = JSON.readTree(out.resolve("tokenizer_config.json").toFile());
      assertEquals("PreTrainedTokenizerFast", config.path("tokenizer_class").asText());
      assertEquals("[MASK]", config.path("mask_token").asText());
      assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(out.resolve("spm.model")));
      try (Tokenizer again = Tokenizer.read(out, 16)) {
        assertEquals(tokenizer.sha256(), again.sha256());
      }
      Files.delete(out.resolve("tokenizer.json"));
      try (Tokenizer again = Tokenizer.read(out, 16)) {
        assertEquals(tokenizer.sha256(), again.sha256());
      }
    }
  }

  @Test
  void whatIsWrongWithTheModelIsSaid() {
    Path file =
        write(
            "spm.model",
            "version https://git-lfs.github.com/spec/v1\n".getBytes(StandardCharsets.UTF_8));
    assertTrue(error().startsWith(file + ": is no SentencePiece model, or a damaged one"), error());
    write(ModelProto.newBuilder());
    assertEquals(
        file
            + ": is no SentencePiece model, or a damaged one: it has no pieces; copy the file again",
        error());
    write(model().setTrainerSpec(TrainerSpec.newBuilder().setModelType(ModelType.BPE)));
    assertEquals(
        file
            + ": expected a unigram model, found one of type bpe; put the tokenizer.json that"
            + " belongs to it beside it",
        error());
    ModelProto.Builder certain = model();
    certain.getPiecesBuilder(3).setType(ModelProto.SentencePiece.Type.NORMAL);
    write(certain);
    assertEquals(file + ": has no piece for what is unknown", error());
    write(model());
    write("added_tokens.json", "{\"[MASK]\": 7}".getBytes(StandardCharsets.UTF_8));
    assertEquals(
        folder.resolve("added_tokens.json")
            + ": gives \"[MASK]\" the id 7; expected ids that follow the 269 pieces of spm.model without a gap",
        error());
  }

  private String error() {
    UserError e = assertThrows(UserError.class, () -> ids(folder, "the"));
    return String.valueOf(e.getMessage());
  }

  @Test
  void deBertaV3HasTheIdsOfTheSentencePieceLibrary() throws IOException {
    Path expected = Shared.path("fixtures/tokenizers/deberta-v3-base.jsonl");
    Path model = Shared.path("datasets/tokenizers/deberta-v3-base");
    List<String> lines = Files.readAllLines(expected);
    assertEquals(78, lines.size());
    try (Tokenizer tokenizer = Tokenizer.read(model, Tokenizer.UNLIMITED)) {
      for (String line : lines) {
        JsonNode json = JSON.readTree(line);
        long[] wanted = new long[json.path("ids").size()];
        for (int i = 0; i < wanted.length; i++) {
          wanted[i] = json.path("ids").get(i).asLong();
        }
        String text = json.path("text").asText();
        assertArrayEquals(wanted, tokenizer.ids(List.of(text), false).get(0), line);
      }
      assertEquals(128_001, tokenizer.vocabularySize());
      assertArrayEquals(new long[] {1, 1249, 2}, tokenizer.ids(List.of(" leading"), true).get(0));
    }
  }
}
