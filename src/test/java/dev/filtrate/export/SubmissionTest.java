package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.data.GlueTask;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The leaderboard's files. */
@Tag("ort")
class SubmissionTest {
  private static final String INFERENCE = labels("contradiction", "entailment", "neutral");
  private static final String TWO = "index\tsentence1\tsentence2\n0\ta\tb\n1\tgood film\tbad\n";

  @TempDir Path folder;

  private static String labels(String... names) {
    StringBuilder id2label = new StringBuilder();
    for (int i = 0; i < names.length; i++) {
      id2label.append(i == 0 ? "" : ", ").append("\"%d\": \"%s\"".formatted(i, names[i]));
    }
    return TinyModels.BERT.replaceFirst(
        "\"id2label\": \\{[^}]*}", "\"id2label\": {" + id2label + "}");
  }

  private Path data() {
    try {
      return Files.createDirectories(folder.resolve("data"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<Path> submit(String config, GlueTask task) {
    Path model = TinyModels.folder(folder.resolve("model"), TinyModels.random(config, 5));
    try (Student student = Student.load(model)) {
      return new Submission(student, task).write(data(), folder.resolve("answers"));
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void inferenceIsAnsweredByNameForEveryTestFile() {
    TinyModels.write(data().resolve("test_matched.tsv"), TWO);
    TinyModels.write(data().resolve("diagnostic.tsv"), TWO);
    List<Path> files = submit(INFERENCE, GlueTask.MNLI);
    assertEquals(
        List.of("MNLI-m.tsv", "AX.tsv"),
        files.stream().map(f -> f.getFileName().toString()).toList());
    List<String> expected = new ArrayList<>(List.of("index\tprediction"));
    try (Student student = Student.load(folder.resolve("model"))) {
      List<Prediction> answers =
          student.classifyPairs(List.of("a", "good film"), List.of("b", "bad"));
      for (int i = 0; i < answers.size(); i++) {
        expected.add(i + "\t" + answers.get(i).label());
      }
    }
    assertEquals(expected, lines(files.get(0)));
  }

  @Test
  void otherClassesAreAnsweredByTheTasksOwnIds() {
    TinyModels.write(data().resolve("test.tsv"), "index\tsentence\n0\tgood film\n");
    String wrongWay = lines(submit(labels("positive", "negative"), GlueTask.SST2).get(0)).get(1);
    String released = lines(submit(labels("0", "1"), GlueTask.SST2).get(0)).get(1);
    assertTrue(wrongWay.matches("0\t[01]"));
    assertEquals(wrongWay.equals("0\t0") ? "0\t1" : "0\t0", released);
  }

  @Test
  void scoresAreKeptWithinTheirRange() {
    String header = "index\tgenre\tsentence1\tsentence2\n";
    TinyModels.write(data().resolve("test.tsv"), header + "0\tnews\ta film\tthe film\n");
    List<String> answers = lines(submit(labels("LABEL_0"), GlueTask.STSB).get(0));
    assertEquals(2, answers.size());
    assertTrue(answers.get(1).matches("0\t[0-5]\\.\\d{3}"), answers.get(1));
  }

  @Test
  void aModelOfAnotherTaskAndAFolderWithoutTestsAreRefused() {
    String where = folder.resolve("model").resolve("config.json").toString();
    assertEquals(
        where
            + ": the model knows [contradiction, entailment, neutral], but sst2 wants one of"
            + " [negative, positive]; answer with a model that was trained for the task",
        TinyModels.refusal(() -> submit(INFERENCE, GlueTask.SST2)));
    assertEquals(
        where + ": expected the labels [negative, positive], found [no, yes]",
        TinyModels.refusal(() -> submit(labels("no", "yes"), GlueTask.SST2)));
    assertEquals(
        where
            + ": the model knows [no, yes], but stsb wants a score; answer with a model that was"
            + " trained for the task",
        TinyModels.refusal(() -> submit(labels("no", "yes"), GlueTask.STSB)));
    assertEquals(
        data() + ": holds no test file of rte; expected test.tsv",
        TinyModels.refusal(() -> submit(labels("0", "1"), GlueTask.RTE)));
  }
}
