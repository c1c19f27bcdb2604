package dev.filtrate.data;

import dev.filtrate.base.Check;
import dev.filtrate.base.Randomness;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The examples of a task.
 *
 * @param labels the classes, or the scores of a regression
 * @param train the examples to train on; some may be without a label
 * @param validation the examples to evaluate on; at least one has a label
 * @param mismatched more of them, from other sources: MNLI's mismatched ones; else empty
 * @param notes what was left out of the files, a sentence each
 */
public record TaskData(
    Labels labels,
    List<Example> train,
    List<Example> validation,
    List<Example> mismatched,
    List<String> notes) {
  /** Copies the lists. */
  public TaskData {
    train = List.copyOf(train);
    validation = List.copyOf(validation);
    mismatched = List.copyOf(mismatched);
    notes = List.copyOf(notes);
  }

  /**
   * Reads a task's files to train on them: as {@link #read}, but classes that the task lists and no
   * example has are refused, for a name may be misspelt.
   */
  public static TaskData forTraining(TaskSpec spec, long seed) {
    TaskData all = read(spec.withSamples(0, 0), seed);
    List<String> missing = new ArrayList<>(all.labels.names());
    all.train.forEach(example -> missing.removeAll(all.labels.namesOf(example)));
    all.validation.forEach(example -> missing.removeAll(all.labels.namesOf(example)));
    Check.user(
        missing.isEmpty(),
        "%s: no example has the label%s %s of %s; correct labels, or leave out what the data does"
            + " not have",
        spec.trainFile(),
        missing.size() == 1 ? "" : "s",
        String.join(", ", missing),
        all.labels.names());
    return all.first(spec);
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
    Labels labels =
        spec.knownLabels()
            .orElseGet(
                () ->
                    ExampleReader.inferLabels(spec.trainFile(), spec.layout(), spec.problemType()));
    List<String> notes = new ArrayList<>();
    List<Example> train = ExampleReader.read(spec.trainFile(), spec.layout(), labels, notes::add);
    List<Example> validation =
        spec.validationFile() == null
            ? holdOut(train, spec, seed)
            : ExampleReader.read(spec.validationFile(), spec.layout(), labels, notes::add);
    List<Example> mismatched =
        spec.mismatchedFile() == null
            ? List.of()
            : ExampleReader.read(spec.mismatchedFile(), spec.layout(), labels, notes::add);
    TaskData data = new TaskData(labels, train, validation, mismatched, notes).first(spec);
    Check.user(
        data.validation.stream().anyMatch(e -> e.labelled(labels.problemType())),
        "%s: no validation example has a label; without one nothing can be evaluated",
        spec.validationFile() == null ? spec.trainFile() : spec.validationFile());
    return data;
  }

  /** As many examples as the task wants. */
  private TaskData first(TaskSpec spec) {
    return new TaskData(
        labels,
        first(train, spec.maxTrainSamples()),
        first(validation, spec.maxEvalSamples()),
        first(mismatched, spec.maxEvalSamples()),
        notes);
  }

  /** Takes a part of the examples out of the list, and returns it. */
  private static List<Example> holdOut(List<Example> all, TaskSpec spec, long seed) {
    int held = (int) Math.max(1, Math.round(all.size() * spec.validationFraction()));
    Check.user(
        held < all.size(),
        "%s: holds %d examples; validation_fraction %s leaves none to train on",
        spec.trainFile(),
        all.size(),
        spec.validationFraction());
    int[] order = IntStream.range(0, all.size()).toArray();
    Randomness.of(seed, "data/split").shuffle(order);
    List<Example> kept = new ArrayList<>(all.size() - held);
    List<Example> validation = new ArrayList<>(held);
    boolean[] out = new boolean[all.size()];
    for (int i = 0; i < held; i++) {
      out[order[i]] = true;
    }
    for (int i = 0; i < out.length; i++) { // both parts keep the file's order
      (out[i] ? validation : kept).add(all.get(i));
    }
    all.clear();
    all.addAll(kept);
    return validation;
  }

  private static List<Example> first(List<Example> all, int most) {
    return most > 0 && most < all.size() ? all.subList(0, most) : all;
  }
}
