package dev.filtrate.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One way in which the files of a {@link GlueTask} are distributed.
 *
 * @param layout what training and validation files share
 * @param train the training file's name
 * @param validation the validation file's
 * @param mismatched that of the second validation file, or null
 * @param testText the column of the text in test files, which all have a header
 * @param tests the test files' names, each with that of the answers
 */
record GlueFiles(
    Layout layout,
    String train,
    String validation,
    @Nullable String mismatched,
    String testText,
    List<List<String>> tests) {

  /** GLUE's own {@code train.tsv} and {@code dev.tsv}, with a header. */
  static GlueFiles tsv(String sentence1, @Nullable String sentence2, String label) {
    Layout layout = Layout.of(FileFormat.TSV, sentence1, sentence2, label);
    return new GlueFiles(layout, "train.tsv", "dev.tsv", null, sentence1, List.of());
  }

  /** {@code train.jsonl} and {@code dev.jsonl}. */
  static GlueFiles json(String sentence1, @Nullable String sentence2, String label) {
    Layout layout = Layout.of(FileFormat.JSONL, sentence1, sentence2, label);
    return new GlueFiles(layout, "train.jsonl", "dev.jsonl", null, sentence1, List.of());
  }

  /** The same with Hugging Face's key of the label. */
  static GlueFiles json(String sentence1, @Nullable String sentence2) {
    return json(sentence1, sentence2, "label");
  }

  /** These files without a header line; test files have one all the same. */
  GlueFiles withoutHeader(String nameOfText) {
    return new GlueFiles(
        layout.withHeader(false), train, validation, mismatched, nameOfText, tests);
  }

  /** These files, rows with too few columns left out. */
  GlueFiles skippingShortRows() {
    return new GlueFiles(
        layout.skippingShortRows(), train, validation, mismatched, testText, tests);
  }

  /** These files under other names. */
  GlueFiles named(String otherTrain, String otherValidation, @Nullable String otherMismatched) {
    return new GlueFiles(layout, otherTrain, otherValidation, otherMismatched, testText, tests);
  }

  /** With a {@code test.tsv}, whose answers the leaderboard calls so. */
  GlueFiles answers(String name) {
    return answers("test.tsv", name);
  }

  /** With one more test file. */
  GlueFiles answers(String test, String name) {
    List<List<String>> more = new ArrayList<>(tests);
    more.add(List.of(test, name + ".tsv"));
    return new GlueFiles(layout, train, validation, mismatched, testText, List.copyOf(more));
  }

  /** Whether the folder holds the training or the validation file. */
  boolean isIn(Path folder) {
    return Files.isRegularFile(folder.resolve(train))
        || Files.isRegularFile(folder.resolve(validation));
  }

  /** Whether a file of this name is one of these, a labelled test file included. */
  boolean holds(String name) {
    return List.of(train, validation, validation.replace("dev", "test")).contains(name)
        || Objects.equals(name, mismatched);
  }

  /** The test files below a folder, whether they are there or not. */
  List<GlueTest> tests(Path folder) {
    Layout unlabelled =
        Layout.of(FileFormat.TSV, testText, layout.sentence2(), null); // a row left out would
    return tests.stream() // number all that follow it wrongly
        .map(t -> new GlueTest(folder.resolve(t.get(0)), unlabelled, t.get(1)))
        .toList();
  }
}
