package dev.filtrate.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a task is made of: all that a recipe says about its data.
 *
 * @param name the task's name, for reports
 * @param trainFile the training examples
 * @param validationFile the examples that are evaluated on, or null
 * @param mismatchedFile more examples to evaluate on, from other sources than the training file's:
 *     MNLI's mismatched ones; or null
 * @param layout where texts and labels stand in all files
 * @param problemType classes, one or several to an example, or scores
 * @param labels the classes in the order of their ids; empty: inferred from the training file
 * @param metric the name of the metric that selects the best model
 * @param validationFraction the part of the training file that is held out where there is no
 *     validation file: above 0 and below 1; otherwise 0
 * @param maxTrainSamples only so many training examples, the first ones, are used; 0: all
 * @param maxEvalSamples only so many validation examples, the first ones, are used; 0: all
 */
public record TaskSpec(
    String name,
    Path trainFile,
    @Nullable Path validationFile,
    @Nullable Path mismatchedFile,
    Layout layout,
    ProblemType problemType,
    List<String> labels,
    String metric,
    double validationFraction,
    int maxTrainSamples,
    int maxEvalSamples) {

  /** Copies the labels; what does not go together is told by {@link #problems}. */
  public TaskSpec {
    labels = List.copyOf(labels);
  }

  /** A task with its two files, whole. */
  public static TaskSpec of(
      String name,
      Path trainFile,
      @Nullable Path validationFile,
      Layout layout,
      ProblemType problemType,
      List<String> labels,
      String metric) {
    return new TaskSpec(
        name, trainFile, validationFile, null, layout, problemType, labels, metric, 0, 0, 0);
  }

  /** This task without a validation file: a part of the training file is held out instead. */
  public TaskSpec withValidationFraction(double fraction) {
    return new TaskSpec(
        name,
        trainFile,
        null,
        mismatchedFile,
        layout,
        problemType,
        labels,
        metric,
        fraction,
        maxTrainSamples,
        maxEvalSamples);
  }

  /** This task with these classes, in the order of their ids. */
  public TaskSpec withLabels(List<String> other) {
    return new TaskSpec(
        name,
        trainFile,
        validationFile,
        mismatchedFile,
        layout,
        problemType,
        other,
        metric,
        validationFraction,
        maxTrainSamples,
        maxEvalSamples);
  }

  /** This task with fewer examples; 0: all. */
  public TaskSpec withSamples(int train, int eval) {
    return new TaskSpec(
        name,
        trainFile,
        validationFile,
        mismatchedFile,
        layout,
        problemType,
        labels,
        metric,
        validationFraction,
        train,
        eval);
  }

  /** This task with another metric that selects. */
  public TaskSpec withMetric(String other) {
    return new TaskSpec(
        name,
        trainFile,
        validationFile,
        mismatchedFile,
        layout,
        problemType,
        labels,
        other,
        validationFraction,
        maxTrainSamples,
        maxEvalSamples);
  }

  /** The labels, where the files need not be read to know them. */
  public Optional<Labels> knownLabels() {
    boolean multiple = problemType == ProblemType.MULTI_LABEL_CLASSIFICATION;
    if (problemType == ProblemType.REGRESSION) {
      return Optional.of(Labels.scores());
    }
    if (multiple && (!labels.isEmpty() || layout.labels().size() > 1)) {
      return Optional.of(Labels.multiple(labels.isEmpty() ? layout.labels() : labels));
    }
    return labels.isEmpty() ? Optional.empty() : Optional.of(Labels.classes(labels));
  }

  /** Every combination that cannot work, a sentence each, under the recipe's names; files apart. */
  public List<String> problems() {
    List<String> problems = new ArrayList<>();
    if (layout.labels().isEmpty()) {
      problems.add("label: a column is needed to train on");
    }
    boolean fraction = validationFraction > 0 && validationFraction < 1;
    if (validationFile == null && !fraction) {
      problems.add(
          "validation_file: give a file, or hold a part of train_file out with validation_fraction"
              + " (above 0 and below 1)");
    }
    if (validationFile != null && validationFraction != 0) {
      problems.add("validation_fraction: cannot go with validation_file; leave one out");
    }
    columns(problems);
    if (problemType == ProblemType.REGRESSION && !labels.isEmpty()) {
      problems.add("labels: a regression has scores, not classes; leave them out");
    }
    if (problemType == ProblemType.SINGLE_LABEL_CLASSIFICATION && labels.size() == 1) {
      problems.add("labels: expected at least two classes, got " + labels);
    }
    if (labels.stream().distinct().count() < labels.size()) {
      problems.add("labels: a class is listed twice in " + labels);
    }
    if (maxTrainSamples < 0) {
      problems.add("max_train_samples: expected 0 (all) or more, got " + maxTrainSamples);
    }
    if (maxEvalSamples < 0) {
      problems.add("max_eval_samples: expected 0 (all) or more, got " + maxEvalSamples);
    }
    return problems;
  }

  private void columns(List<String> problems) {
    int columns = layout.labels().size();
    if (columns < 2) {
      return;
    }
    if (problemType != ProblemType.MULTI_LABEL_CLASSIFICATION) {
      problems.add(
          "label_key: several columns %s are for problem_type multi_label_classification"
              .formatted(layout.labels()));
    } else if (!labels.isEmpty() && labels.size() != columns) {
      problems.add(
          "labels: expected a name for each of the %d columns of label_key, got %s"
              .formatted(columns, labels));
    }
  }
}
