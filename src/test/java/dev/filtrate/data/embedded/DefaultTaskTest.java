package dev.filtrate.data.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.data.Example;
import dev.filtrate.data.FileFormat;
import dev.filtrate.data.Layout;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.TaskData;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.data.tokenize.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class DefaultTaskTest {
  private static final Path FOLDER = Path.of("data/default");

  private static TaskData read() {
    return TaskData.read(
        TaskSpec.of(
            "default",
            FOLDER.resolve("train.tsv"),
            FOLDER.resolve("dev.tsv"),
            Layout.of(FileFormat.TSV, "sentence", null, "label"),
            ProblemType.SINGLE_LABEL_CLASSIFICATION,
            List.of("negative", "positive"),
            "accuracy"),
        0);
  }

  @Test
  void theFilesAreWhatTheGeneratorMakes() throws IOException {
    Path fresh = Path.of("target/default-task");
    Files.createDirectories(fresh);
    boolean same = true;
    for (Map.Entry<String, String> file : DefaultTask.files().entrySet()) {
      Files.writeString(fresh.resolve(file.getKey()), file.getValue());
      Path kept = FOLDER.resolve(file.getKey());
      same &= Files.exists(kept) && Files.readString(kept).equals(file.getValue());
    }
    assertTrue(
        same,
        "data/default differs from what its generator makes; if that is wanted: cp "
            + fresh
            + "/* "
            + FOLDER
            + "/");
  }

  @Test
  void classesAreEvenAndNoReviewOccursTwice() {
    TaskData data = read();
    assertEquals(8000, data.train().size());
    assertEquals(1000, data.validation().size());
    assertEquals(4000, data.train().stream().filter(e -> e.label() == 1).count());
    assertEquals(500, data.validation().stream().filter(e -> e.label() == 1).count());
    Set<String> texts = new HashSet<>();
    data.train().forEach(e -> texts.add(e.sentence1()));
    data.validation().forEach(e -> texts.add(e.sentence1()));
    assertEquals(9000, texts.size());
  }

  @Test
  @Tag("tokenizers")
  void theVocabularyCoversTheReviewsAndSpellsTheRest() {
    TaskData data = read();
    try (Tokenizer tokenizer = Tokenizer.read(FOLDER, 64)) {
      Encoded dev = tokenizer.encode(data.validation());
      int unknown = 0;
      int longest = 0;
      for (int text = 0; text < dev.size(); text++) {
        longest = Math.max(longest, dev.length(text));
        for (int i = 0; i < dev.length(text); i++) {
          unknown += dev.id(text, i) == 1 ? 1 : 0;
        }
      }
      assertEquals(0, unknown);
      assertTrue(longest <= 64, "longest review: " + longest);
      Encoded typed = tokenizer.encode(List.of(new Example("Zebras, 3 of them!", null, -1)));
      for (int i = 0; i < typed.length(0); i++) {
        assertTrue(typed.id(0, i) != 1, "position " + i + " is unknown");
      }
    }
  }
}
