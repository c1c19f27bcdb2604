package dev.filtrate.export;

import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import dev.filtrate.data.batch.BatchOptions;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.squad.EncodedQuestions;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.data.squad.SquadTask;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.train.SpanEvaluator;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * SQuAD's validation questions for a model that is finished.
 *
 * @param task the task's name
 * @param questions what is asked
 * @param settings how answers are found
 * @param hashes SHA-256 of the task's files
 */
public record SquadSet(
    String task, EncodedQuestions questions, SquadSettings settings, Map<String, String> hashes)
    implements ValidationSet {
  /** Copies the map. */
  public SquadSet {
    hashes = Map.copyOf(hashes);
  }

  /** Reads a task's validation questions; what is wrong with them is a UserError. */
  public static SquadSet read(SquadTask task, Tokenizer tokenizer) {
    return new SquadSet(
        task.name(),
        new EncodedQuestions(task.validation(), tokenizer, task.settings())
            .requireWindows(task.validationFile().toString()),
        task.settings(),
        hashes(task));
  }

  private static Map<String, String> hashes(SquadTask task) {
    Map<String, String> hashes = new HashMap<>();
    hashes.put("validation_data_sha256", Hashes.ofFile(task.validationFile()));
    if (Files.isRegularFile(task.trainFile())) { // a finished model can do without
      hashes.put("train_data_sha256", Hashes.ofFile(task.trainFile()));
    }
    return hashes;
  }

  @Override
  public int size() {
    return questions.questions().size();
  }

  @Override
  public List<String> metrics() {
    return List.of("f1", settings.version2WithNegative() ? "exact" : "exact_match");
  }

  @Override
  public List<Example> samples() {
    return GoldenTexts.spread(questions.questions()).stream()
        .map(asked -> new Example(asked.question(), asked.context(), Labels.NONE))
        .toList();
  }

  @Override
  public List<String> notes() {
    return questions.note(task).stream().toList();
  }

  @Override
  public Batches batches(int batchSize) {
    return Batches.evaluation(questions.windows(), BatchOptions.of(batchSize));
  }

  @Override
  public SpanEvaluator evaluator(int batchSize) {
    return new SpanEvaluator(questions, settings, BatchOptions.of(batchSize));
  }
}
