package dev.filtrate.data;

import dev.filtrate.base.Check;
import dev.filtrate.base.Randomness;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The examples of a task.
 *
 * @param labels the classes, or the scores of a regression
 * @param train the examples to train on; some may be without a label
 * @param validation the examples to evaluate on; at least one has a label
 */
public record TaskData(Labels labels, List<Example> train, List<Example> validation) {
  /** Copies the lists. */
  public TaskData {
    train = List.copyOf(train);
    validation = List.copyOf(validation);
  }

  /**
   * Reads a task's files. What the task or its files do not allow is a {@link
   * dev.filtrate.base.UserError}.
   *
   * @param seed decides which examples {@code validation_fraction} holds out, and nothing else
   */
  public static TaskData read(TaskSpec spec, long seed) {
    List<String> problems = spec.problems();
    Check.user(problems.isEmpty(), "task %s: %s", spec.name(), String.join("; ", problems));
    Labels labels = labels(spec);
    List<Example> train = ExampleReader.read(spec.trainFile(), spec.layout(), labels);
    Path validationFile = spec.validationFile();
    TaskData whole =
        validationFile == null
            ? split(labels, train, spec, seed)
            : new TaskData(
                labels, train, ExampleReader.read(validationFile, spec.layout(), labels));
    TaskData data =
        new TaskData(
            labels,
            first(whole.train, spec.maxTrainSamples()),
            first(whole.validation, spec.maxEvalSamples()));
    Check.user(
        data.validation.stream().anyMatch(e -> e.labelled(labels.problemType())),
        "%s: no validation example has a label; without one nothing can be evaluated",
        validationFile == null ? spec.trainFile() : validationFile);
    return data;
  }

  private static Labels labels(TaskSpec spec) {
    if (spec.problemType() == ProblemType.REGRESSION) {
      return Labels.scores();
    }
    return spec.labels().isEmpty()
        ? ExampleReader.inferLabels(spec.trainFile(), spec.layout())
        : Labels.classes(spec.labels());
  }

  private static TaskData split(Labels labels, List<Example> all, TaskSpec spec, long seed) {
    int held = (int) Math.max(1, Math.round(all.size() * spec.validationFraction()));
    Check.user(
        held < all.size(),
        "%s: holds %d examples; validation_fraction %s leaves none to train on",
        spec.trainFile(),
        all.size(),
        spec.validationFraction());
    int[] order = IntStream.range(0, all.size()).toArray();
    Randomness.of(seed, "data/split").shuffle(order);
    List<Example> train = new ArrayList<>(all.size() - held);
    List<Example> validation = new ArrayList<>(held);
    boolean[] out = new boolean[all.size()];
    for (int i = 0; i < held; i++) {
      out[order[i]] = true;
    }
    for (int i = 0; i < out.length; i++) { // both parts keep the file's order
      (out[i] ? validation : train).add(all.get(i));
    }
    return new TaskData(labels, train, validation);
  }

  private static List<Example> first(List<Example> all, int most) {
    return most > 0 && most < all.size() ? all.subList(0, most) : all;
  }
}
