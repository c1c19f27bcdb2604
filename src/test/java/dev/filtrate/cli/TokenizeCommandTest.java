package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("tokenizers")
class TokenizeCommandTest {
  @TempDir Path folder;
  private Path input;

  @BeforeEach
  void write() throws IOException {
    Files.writeString(folder.resolve("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\ncaf\u00E9\n");
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"do_lower_case\": false}");
    input = Files.writeString(folder.resolve("texts.jsonl"), "{\"text\": \"the caf\u00E9\"}\n\n");
  }

  @Test
  void idsArePrintedAsLinesOfJson() {
    String[] plain = {"tokenize", "--model", folder.toString(), "--input", input.toString()};
    assertEquals(
        "{\"text\": \"the caf\\u00e9\", \"ids\": [4, 5]}\n", Captured.filtrate(plain).out());
    String vocabulary = folder.resolve("vocab.txt").toString();
    String[] framed = {
      "tokenize", "--tokenizer", vocabulary, "--input", input.toString(), "--special-tokens"
    };
    assertEquals(
        "{\"text\": \"the caf\\u00e9\", \"ids\": [2, 4, 5, 3]}\n", Captured.filtrate(framed).out());
  }

  @Test
  void whatIsMissingOrWrongIsSaid() throws IOException {
    error(
        "--model: expected a folder, or a file as --tokenizer; give one of both",
        "--input",
        input.toString());
    error("--input: missing: give a file with lines of JSON", "--model", folder.toString());
    Files.writeString(input, "{\"text\": \"the\"}\n{\"label\": 1}\n");
    error(
        input + ":2: expected a JSON object with a text under 'text'",
        "--model",
        folder.toString(),
        "--input",
        input.toString());
  }

  private static void error(String message, String... flags) {
    String[] arguments = new String[flags.length + 1];
    arguments[0] = "tokenize";
    System.arraycopy(flags, 0, arguments, 1, flags.length);
    Captured.Outcome outcome = Captured.filtrate(arguments);
    assertEquals(2, outcome.code());
    assertEquals("filtrate: " + message + "\n", outcome.err());
  }
}
