package dev.filtrate.data;

import dev.filtrate.base.UserError;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Tasks of the GLUE benchmark whose files are read by the task's name: {@code train.tsv} and {@code
 * dev.tsv} in one folder, as GLUE distributes them. Classes are named and numbered as Hugging
 * Face's {@code glue} data set does, and the metric selects as in the released TED scripts.
 */
public enum GlueTask {
  /** Is a phrase of a film review positive? */
  SST2(true, "sentence", null, "label", List.of("negative", "positive"), "accuracy"),
  /** Is a sentence grammatical? Source, label, author's mark and sentence, without a header. */
  COLA(false, "3", null, "1", List.of("unacceptable", "acceptable"), "matthews_correlation"),
  /** Does the first text entail the second? */
  RTE(true, "sentence1", "sentence2", "label", List.of("entailment", "not_entailment"), "accuracy"),
  /** Does the sentence with its pronoun resolved follow from the first? */
  WNLI(
      true, "sentence1", "sentence2", "label", List.of("not_entailment", "entailment"), "accuracy");

  private final Layout layout;
  private final List<String> labels;
  private final String metric;

  GlueTask(
      boolean header,
      String sentence1,
      @Nullable String sentence2,
      String label,
      List<String> labels,
      String metric) {
    this.layout = Layout.of(FileFormat.TSV, sentence1, sentence2, label).withHeader(header);
    this.labels = labels;
    this.metric = metric;
  }

  /** The released name: {@code sst2}, {@code cola}, {@code rte} or {@code wnli}. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The task of that name; another name is a {@link UserError} that lists the known ones. */
  public static GlueTask named(String id) {
    for (GlueTask task : values()) {
      if (task.id().equals(id.toLowerCase(Locale.ROOT))) {
        return task;
      }
    }
    throw UserError.of(
        "task_name: expected one of %s, got \"%s\"; other tasks are described by train_file,"
            + " validation_file and their columns",
        Arrays.stream(values()).map(GlueTask::id).toList(), id);
  }

  /** Where texts and labels stand in {@code train.tsv} and {@code dev.tsv}. */
  public Layout layout() {
    return layout;
  }

  /** The classes in the order of their ids. */
  public List<String> labels() {
    return labels;
  }

  /** The metric that selects the best model. */
  public String metric() {
    return metric;
  }

  /** The task with its files in a folder. */
  public TaskSpec spec(Path folder) {
    return TaskSpec.of(
        id(),
        folder.resolve("train.tsv"),
        folder.resolve("dev.tsv"),
        layout,
        ProblemType.SINGLE_LABEL_CLASSIFICATION,
        labels,
        metric);
  }
}
