package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Randomness;
import dev.filtrate.cli.Captured.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InitCommandTest {
  @TempDir private Path folder;

  private Outcome init(String data, String... flags) {
    List<String> all = new ArrayList<>(List.of("init", "--data", data));
    all.addAll(List.of("--output", recipe().toString()));
    all.addAll(List.of(flags));
    return Captured.filtrate(all.toArray(String[]::new));
  }

  private Path recipe() {
    return folder.resolve("my.yaml");
  }

  private String csv() throws IOException {
    Randomness random = Randomness.of(3, "init");
    List<String> good = List.of("good", "fine", "nice");
    List<String> bad = List.of("bad", "poor", "dull");
    List<String> other = List.of("the", "film", "was", "a", "plot", "and");
    StringBuilder text = new StringBuilder("id,review,verdict\n");
    for (int i = 0; i < 60; i++) {
      text.append(i).append(",\"").append((i % 2 == 0 ? good : bad).get(random.nextInt(3)));
      for (int w = 0; w <= random.nextInt(6); w++) {
        text.append(' ').append(other.get(random.nextInt(6)));
      }
      text.append(", \"\"so\"\"\",").append(i % 2 == 0 ? "yes" : "no").append('\n');
    }
    Path file = folder.resolve("re views.csv");
    Files.writeString(file, text);
    return file.toString();
  }

  @Test
  void theRecipeSaysWhatWasAssumedAndIsRight() throws IOException {
    Outcome outcome = init(csv());
    assertEquals(0, outcome.code(), outcome.err());
    assertTrue(outcome.out().contains("\n- 'verdict' is the label: it has 2 different values\n"));
    assertTrue(outcome.out().contains("\n- 'review' is the text: by its name\n"), outcome.out());
    String yaml = Files.readString(recipe());
    assertTrue(yaml.contains("\n  train_file: re views.csv\n"), yaml);
    assertTrue(yaml.contains("\n  labels: [\"no\", \"yes\"]"), yaml);
    assertTrue(yaml.contains("\n  # examples of each: no: 30, yes: 30\n"), yaml);
    assertTrue(yaml.contains("\n# - 'review' is the text: by its name\n"), yaml);
    Outcome resolved = Captured.filtrate("recipe", recipe().toString());
    assertEquals(0, resolved.code(), resolved.err());
    assertTrue(resolved.out().contains("sentence1_key: review"), resolved.out());
    List<String> vocabulary = Files.readAllLines(folder.resolve("my-vocab.txt"));
    assertEquals("[PAD]", vocabulary.get(0));
    assertTrue(resolved.out().contains("vocab_size: " + vocabulary.size()), resolved.out());
  }

  @Test
  @Tag("ort")
  void theRecipeRunsAtOnce() throws IOException {
    assertEquals(0, init(csv()).code());
    Path out = folder.resolve("run");
    String small =
        "{model_type: bert, vocab_size: 200, hidden_size: 8, num_hidden_layers: %d,"
            + " num_attention_heads: 2, intermediate_size: 8, max_position_embeddings: 32}";
    Outcome run =
        Captured.filtrate(
            "run",
            recipe().toString(),
            "--quiet",
            "--threads=1",
            "--output_dir=" + out,
            "--set=training.max_train_steps=3",
            "--set=teacher.config=" + small.formatted(2),
            "--set=student.config=" + small.formatted(1),
            "--set=compare=[ted]");
    assertEquals(0, run.code(), run.err());
    assertTrue(Files.exists(out.resolve("export/model.onnx")));
    Outcome answer =
        Captured.filtrate(
            "predict", "--model_name_or_path", out.resolve("export").toString(), "a fine film");
    assertTrue(answer.out().contains("yes") || answer.out().contains("no"), answer.out());
  }

  @Test
  void parquetIsReadAsOtherFilesAre() throws IOException {
    Path data = Path.of("src/test/resources/parquet/reviews.parquet").toAbsolutePath();
    Outcome outcome = init(data.toString());
    assertEquals(0, outcome.code(), outcome.err());
    assertTrue(Files.readString(recipe()).contains("\n  labels: [neg, pos]"));
    Outcome resolved = Captured.filtrate("recipe", recipe().toString());
    assertTrue(resolved.out().contains("format: parquet"), resolved.out() + resolved.err());
  }

  @Test
  void whatIsThereIsNotReplacedUnasked() throws IOException {
    Files.writeString(recipe(), "mine");
    Outcome outcome = init(csv());
    assertEquals(2, outcome.code());
    assertEquals(
        "filtrate: " + recipe() + ": exists already; choose another --output, or say --force\n",
        outcome.err());
    assertFalse(Files.exists(folder.resolve("my-vocab.txt")));
    assertEquals(0, init(csv(), "--force").code());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--label_key=verdikt | no column 'verdikt'; known: id, review, verdict",
        "--problem_type=ranking | problem_type: expected one of [single_label_classification,",
        "--problem_type=regression | expected a number, got \"yes\"; where the guess is wrong, say",
        "--model_name_or_path=x | --teacher_model_name_or_path: missing: a student without",
        "--teacher_model_name_or_path=x | expected a Hugging Face folder at",
      })
  void whatCannotBeIsToldInASentence(String flag, String message) throws IOException {
    Outcome outcome = init(csv(), flag);
    assertEquals(2, outcome.code());
    assertTrue(outcome.err().contains(message), outcome.err());
    assertFalse(Files.exists(recipe()));
  }

  @Test
  void aDataFileIsNeeded() {
    assertEquals(
        "filtrate: expected one data file, got none; give it as --data FILE\n",
        Captured.filtrate("init").err());
  }
}
