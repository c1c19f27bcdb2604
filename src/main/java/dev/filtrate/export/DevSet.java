package dev.filtrate.export;

import dev.filtrate.base.Check;
import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import dev.filtrate.data.Metrics;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.TaskData;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.data.batch.BatchOptions;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.train.Evaluator;
import dev.filtrate.train.LabelEvaluator;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A task's validation examples for a model that is finished: its labels are given, the task's must
 * fit them.
 *
 * @param task the task's name
 * @param metrics what is measured, the metric that selects first
 * @param examples ids and labels
 * @param mismatched more of them, from other sources: MNLI's mismatched ones
 * @param samples some of the texts
 * @param notes what was left out of the files, a sentence each
 * @param hashes SHA-256 of the task's files, under the names of {@code provenance.json}
 */
public record DevSet(
    String task,
    List<String> metrics,
    EncodedExamples examples,
    Optional<EncodedExamples> mismatched,
    List<Example> samples,
    List<String> notes,
    Map<String, String> hashes)
    implements ValidationSet {
  /** Copies lists and map. */
  public DevSet {
    metrics = List.copyOf(metrics);
    samples = List.copyOf(samples);
    notes = List.copyOf(notes);
    hashes = Map.copyOf(hashes);
  }

  /**
   * Reads a task's validation examples. What does not fit the model is a {@link
   * dev.filtrate.base.UserError}.
   *
   * @param model whose labels are meant by the file's
   * @param seed decides what {@code validation_fraction} holds out
   */
  public static DevSet read(TaskSpec task, ModelConfig model, Tokenizer tokenizer, long seed) {
    TaskData data = TaskData.read(withLabelsOf(model, task), seed);
    Labels labels = data.labels();
    Metrics.check(task.metric(), labels);
    Check.user(
        labels.count() == model.numLabels(),
        "%s: the model knows %s, the task's validation file %s; evaluate on the task that the model"
            + " was trained for",
        model.common().where(),
        model.common().labels(),
        labels);
    return new DevSet(
        task.name(),
        Metrics.all(task.metric(), labels),
        EncodedExamples.of(data.validation(), labels.problemType(), tokenizer),
        data.mismatched().isEmpty()
            ? Optional.empty()
            : Optional.of(EncodedExamples.of(data.mismatched(), labels.problemType(), tokenizer)),
        GoldenTexts.spread(data.validation()),
        data.notes(),
        hashes(task));
  }

  private static Map<String, String> hashes(TaskSpec task) {
    Map<String, String> hashes = new HashMap<>();
    Path validation = task.validationFile();
    if (validation != null) {
      hashes.put("validation_data_sha256", Hashes.ofFile(validation));
    }
    if (!task.trainFile().equals(validation)) {
      hashes.put("train_data_sha256", Hashes.ofFile(task.trainFile()));
    }
    return hashes;
  }

  /**
   * The task with its classes in the order of the model's ids. The same names in another order are
   * put in the model's; names that the task does not say are the model's, unless those are Hugging
   * Face's stand-ins {@code LABEL_0}, {@code LABEL_1}: then the file's values are taken in order.
   */
  private static TaskSpec withLabelsOf(ModelConfig model, TaskSpec task) {
    List<String> names = model.common().labels();
    Check.user(
        task.problemType() == model.problemType(),
        "%s: the model has %s, but the task is %s; set problem_type to what the model was trained"
            + " for",
        model.common().where(),
        switch (model.problemType()) {
          case REGRESSION -> "one label, a score";
          case SINGLE_LABEL_CLASSIFICATION -> names.size() + " labels";
          case MULTI_LABEL_CLASSIFICATION -> names.size() + " labels, any number at once";
        },
        task.problemType().id());
    boolean columns = task.layout().labels().size() > 1; // their order is that of the classes
    if (task.problemType() == ProblemType.REGRESSION || columns) {
      return task;
    }
    boolean standIns = names.stream().allMatch(name -> name.matches("LABEL_\\d+"));
    boolean take =
        task.labels().isEmpty() ? !standIns : Set.copyOf(task.labels()).equals(Set.copyOf(names));
    return take ? task.withLabels(names) : task;
  }

  @Override
  public int size() {
    return examples.size();
  }

  @Override
  public Batches batches(int batchSize) {
    return Batches.evaluation(examples, BatchOptions.of(batchSize));
  }

  @Override
  public LabelEvaluator evaluator(int batchSize) {
    return new LabelEvaluator(batches(batchSize), metrics);
  }

  /** The same over the mismatched examples, if there are any. */
  Optional<Evaluator> mismatched(int batchSize) {
    return mismatched.map(
        set -> new LabelEvaluator(Batches.evaluation(set, BatchOptions.of(batchSize)), metrics));
  }

  /** The metrics of these logits, row by row in the order of the examples. */
  Map<String, Double> metrics(float[] logits) {
    return evaluator(1).metrics(logits);
  }
}
