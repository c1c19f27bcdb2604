package dev.filtrate.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.filtrate.base.Shared;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TaskDataTest {
  @TempDir Path folder;

  private Path file(String name, String text) {
    try {
      return Files.writeString(folder.resolve(name), text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static TaskSpec spec(Path train, Path validation) {
    return TaskSpec.of(
        "task",
        train,
        validation,
        Layout.of(FileFormat.TSV, "sentence", null, "label"),
        ProblemType.SINGLE_LABEL_CLASSIFICATION,
        List.of(),
        "accuracy");
  }

  private String error(TaskSpec spec) {
    UserError e = assertThrows(UserError.class, () -> TaskData.read(spec, 1));
    return String.valueOf(e.getMessage()).replace(folder + "/", "");
  }

  private static String rows(String... labels) {
    return "sentence\tlabel\n"
        + IntStream.range(0, labels.length)
            .mapToObj(i -> "text " + i + "\t" + labels[i] + "\n")
            .collect(Collectors.joining());
  }

  @Test
  void labelsAreInferredFromTheTrainingFileInOrder() {
    Path numbers = file("n.tsv", rows("10", "2", "-1", "", "1"));
    Path words = file("w.tsv", rows("b", "a", "c", ""));
    assertEquals(
        List.of("1", "2", "10"), TaskData.read(spec(numbers, numbers), 1).labels().names());
    assertEquals(List.of("a", "b", "c"), TaskData.read(spec(words, words), 1).labels().names());
    assertEquals(
        "n.tsv:2: column 'label': expected one of [a, b, c], got \"10\"",
        error(spec(words, numbers)));
    assertEquals(
        "w.tsv:2: column 'label': expected one of [1, 2, 10], got \"b\"",
        error(spec(numbers, words)));
  }

  @Test
  void inferenceRefusesScoresAndSingleClasses() {
    Path scores = file("s.tsv", rows("1.5", "2"));
    assertEquals(
        "s.tsv: column 'label': holds numbers with fractions, such as \"1.5\"; set problem_type:"
            + " regression, or list the labels",
        error(spec(scores, scores)));
    Path one = file("o.tsv", rows("1", "1", "-1"));
    assertEquals(
        "o.tsv: column 'label': expected at least two classes, found [1]", error(spec(one, one)));
    Path unlabelled = file("u.tsv", rows("-1", ""));
    assertEquals(
        "u.tsv: no validation example has a label; without one nothing can be evaluated",
        error(spec(file("t.tsv", rows("0", "1")), unlabelled)));
  }

  @Test
  void classesThatNoExampleHasAreRefusedInTraining() {
    Path train = file("t.tsv", rows("1", "0"));
    TaskSpec three = spec(train, train).withLabels(List.of("bad", "good", "god"));
    assertEquals(3, TaskData.read(three, 1).labels().count());
    UserError e = assertThrows(UserError.class, () -> TaskData.forTraining(three, 1));
    assertEquals(
        train
            + ": no example has the label god of [bad, good, god]; correct labels, or leave out what"
            + " the data does not have",
        e.getMessage());
    TaskSpec few = spec(train, train).withLabels(List.of("bad", "good")).withSamples(1, 1);
    assertEquals(1, TaskData.forTraining(few, 1).train().size(), "the whole file has both");
  }

  @Test
  void aFractionIsHeldOutBySeed() {
    String[] labels =
        IntStream.range(0, 50).mapToObj(i -> Integer.toString(i % 2)).toArray(String[]::new);
    Path train = file("t.tsv", rows(labels));
    TaskSpec spec = spec(train, train).withValidationFraction(0.2);
    TaskData data = TaskData.read(spec, 7);
    assertEquals(40, data.train().size());
    assertEquals(10, data.validation().size());
    Set<Example> all = new HashSet<>(data.train());
    all.addAll(data.validation());
    assertEquals(50, all.size());
    assertEquals(data, TaskData.read(spec, 7));
    assertNotEquals(data, TaskData.read(spec, 8));
    TaskData few = TaskData.read(spec.withSamples(3, 2), 7);
    assertEquals(data.train().subList(0, 3), few.train());
    assertEquals(data.validation().subList(0, 2), few.validation());
    assertEquals(
        "t.tsv: holds 50 examples; validation_fraction 0.999 leaves none to train on",
        error(spec(train, train).withValidationFraction(0.999)));
  }

  @Test
  void problemsAreToldAllAtOnce() {
    TaskSpec spec =
        new TaskSpec(
            "odd",
            Path.of("t.tsv"),
            null,
            null,
            Layout.of(FileFormat.TSV, "s", null, null),
            ProblemType.REGRESSION,
            List.of("a", "a"),
            "mse",
            1.5,
            -1,
            -2);
    assertEquals(
        List.of(
            "label: a column is needed to train on",
            "validation_file: give a file, or hold a part of train_file out with"
                + " validation_fraction (above 0 and below 1)",
            "labels: a regression has scores, not classes; leave them out",
            "labels: a class is listed twice in [a, a]",
            "max_train_samples: expected 0 (all) or more, got -1",
            "max_eval_samples: expected 0 (all) or more, got -2"),
        spec.problems());
    Path train = file("t.tsv", rows("0", "1"));
    TaskSpec both =
        new TaskSpec(
            "both",
            train,
            train,
            null,
            Layout.of(FileFormat.TSV, "sentence", null, "label"),
            ProblemType.SINGLE_LABEL_CLASSIFICATION,
            List.of("x"),
            "accuracy",
            0.1,
            0,
            0);
    assertEquals(
        "task both: validation_fraction: cannot go with validation_file; leave one out; labels:"
            + " expected at least two classes, got [x]",
        error(both));
  }

  @Test
  void quotedRealFilesAreRead() {
    Layout layout = Layout.of(FileFormat.CSV, "1", "2", "0").withHeader(false);
    Labels classes = Labels.classes(List.of("1", "2", "3", "4"));
    List<Example> test =
        ExampleReader.read(Shared.path("datasets/ag_news_csv/test.csv"), layout, classes);
    assertEquals(7_600, test.size());
    assertEquals(1_900, test.stream().filter(e -> e.label() == 3).count());
  }
}
