package dev.filtrate.data;

import dev.filtrate.base.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of the GLUE benchmark, whose files are read by the task's name: as GLUE distributes
 * them, as their makers do, or as lines of JSON with the keys of Hugging Face's {@code glue} data
 * set. Classes are named and numbered as there, and the metric selects as in the released TED
 * scripts.
 */
public enum GlueTask {
  /** Is a sentence grammatical? Source, label, author's mark and sentence, without a header. */
  COLA(
      List.of("unacceptable", "acceptable"),
      "matthews_correlation",
      List.of(GlueFiles.tsv("3", null, "1").withoutHeader("sentence").answers("CoLA")),
      GlueFiles.json("sentence", null)),
  /** Is a phrase of a film review positive? */
  SST2(
      List.of("negative", "positive"),
      "accuracy",
      List.of(GlueFiles.tsv("sentence", null, "label").answers("SST-2")),
      GlueFiles.json("sentence", null)),
  /** Do two sentences of the news mean the same? Also as Microsoft Research distributes them. */
  MRPC(
      List.of("not_equivalent", "equivalent"),
      "f1",
      List.of(
          GlueFiles.tsv("#1 String", "#2 String", "Quality").answers("MRPC"),
          GlueFiles.tsv("#1 String", "#2 String", "Quality")
              .named("msr_paraphrase_train.txt", "msr_paraphrase_test.txt", null)),
      GlueFiles.json("sentence1", "sentence2")),
  /** How alike are two sentences, from 0 to 5? Also as the STS benchmark distributes them. */
  STSB(
      List.of(),
      "spearmanr",
      List.of(
          GlueFiles.tsv("sentence1", "sentence2", "score").answers("STS-B"),
          GlueFiles.tsv("5", "6", "4")
              .withoutHeader("5")
              .named("sts-train.csv", "sts-dev.csv", null)),
      GlueFiles.json("sentence1", "sentence2")),
  /** Do two questions ask the same? Rows that lack a column, which GLUE's file has, are skipped. */
  QQP(
      List.of("not_duplicate", "duplicate"),
      "f1",
      List.of(
          GlueFiles.tsv("question1", "question2", "is_duplicate")
              .skippingShortRows()
              .answers("QQP")),
      GlueFiles.json("question1", "question2")),
  /** Does the first text entail the second? With a second validation set from other sources. */
  MNLI(
      List.of("entailment", "neutral", "contradiction"),
      "accuracy",
      List.of(
          GlueFiles.tsv("sentence1", "sentence2", "gold_label")
              .named("train.tsv", "dev_matched.tsv", "dev_mismatched.tsv")
              .answers("test_matched.tsv", "MNLI-m")
              .answers("test_mismatched.tsv", "MNLI-mm")
              .answers("diagnostic.tsv", "AX"),
          GlueFiles.json("sentence1", "sentence2", "gold_label")
              .named(
                  "multinli_1.0_train.jsonl",
                  "multinli_1.0_dev_matched.jsonl",
                  "multinli_1.0_dev_mismatched.jsonl")),
      GlueFiles.json("premise", "hypothesis")
          .named("train.jsonl", "dev_matched.jsonl", "dev_mismatched.jsonl")),
  /** Does a sentence answer a question? */
  QNLI(
      List.of("entailment", "not_entailment"),
      "accuracy",
      List.of(GlueFiles.tsv("question", "sentence", "label").answers("QNLI")),
      GlueFiles.json("question", "sentence")),
  /** Does the first text entail the second? */
  RTE(
      List.of("entailment", "not_entailment"),
      "accuracy",
      List.of(GlueFiles.tsv("sentence1", "sentence2", "label").answers("RTE")),
      GlueFiles.json("sentence1", "sentence2")),
  /** Does the sentence with its pronoun resolved follow from the first? */
  WNLI(
      List.of("not_entailment", "entailment"),
      "accuracy",
      List.of(GlueFiles.tsv("sentence1", "sentence2", "label").answers("WNLI")),
      GlueFiles.json("sentence1", "sentence2"));

  private final List<String> labels;
  private final String metric;
  private final List<GlueFiles> files;

  GlueTask(List<String> labels, String metric, List<GlueFiles> files, GlueFiles json) {
    this.labels = labels;
    this.metric = metric;
    this.files = new ArrayList<>(files);
    this.files.add(json);
  }

  /** The released name: {@code cola}, {@code sst2}, {@code mrpc}, {@code stsb} and so on. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The released names. */
  public static List<String> ids() {
    return Arrays.stream(values()).map(GlueTask::id).toList();
  }

  /** The task of that name, or null. */
  public static @Nullable GlueTask find(String id) {
    return Arrays.stream(values())
        .filter(task -> task.id().equals(id.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElse(null);
  }

  /** The task of that name; another name is a {@link UserError} that lists the known ones. */
  public static GlueTask named(String id) {
    GlueTask task = find(id);
    if (task == null) {
      throw UserError.of("task_name: expected one of %s, got \"%s\"", ids(), id);
    }
    return task;
  }

  /** The classes in the order of their ids; none in regression. */
  public List<String> labels() {
    return labels;
  }

  /** Whether the leaderboard wants the names of classes, not their ids: the tasks of entailment. */
  public boolean answersByName() {
    return labels.contains("entailment") && this != WNLI;
  }

  /** The metric that selects the best model. */
  public String metric() {
    return metric;
  }

  /** Classes, or scores. */
  public ProblemType problemType() {
    return labels.isEmpty() ? ProblemType.REGRESSION : ProblemType.SINGLE_LABEL_CLASSIFICATION;
  }

  /**
   * The task with its files in a folder, in the layout of which a file is there; GLUE's own where
   * none is.
   */
  public TaskSpec spec(Path folder) {
    GlueFiles own = in(folder);
    Path mismatched = own.mismatched() == null ? null : folder.resolve(own.mismatched());
    return new TaskSpec(
        id(),
        folder.resolve(own.train()),
        folder.resolve(own.validation()),
        mismatched != null && Files.exists(mismatched) ? mismatched : null,
        own.layout(),
        problemType(),
        labels,
        metric,
        0,
        0,
        0);
  }

  private GlueFiles in(Path folder) {
    return files.stream().filter(f -> f.isIn(folder)).findFirst().orElse(files.get(0));
  }

  /** The layout of a file that is one of the task's own by its name; null of any other. */
  public @Nullable Layout layout(Path file) {
    String name = String.valueOf(file.getFileName());
    return files.stream()
        .filter(f -> f.holds(name))
        .map(GlueFiles::layout)
        .findFirst()
        .orElse(null);
  }

  /** The layout of other files: GLUE's own of tab-separated ones, else Hugging Face's columns. */
  public Layout layout(FileFormat format) {
    Layout json = files.get(files.size() - 1).layout();
    return format == FileFormat.TSV
        ? files.get(0).layout()
        : Layout.of(format, json.sentence1(), json.sentence2(), "label");
  }

  /** The unlabelled test files of a folder, which the leaderboard wants answered. */
  public List<GlueTest> tests(Path folder) {
    return files.get(0).tests(folder);
  }
}
