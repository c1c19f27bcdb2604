package dev.filtrate.train;

import com.google.errorprone.annotations.MustBeClosed;
import dev.filtrate.base.AtomicFiles;
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
import dev.filtrate.data.squad.EncodedQuestions;
import dev.filtrate.data.squad.Question;
import dev.filtrate.data.squad.SquadScores;
import dev.filtrate.data.squad.SquadTask;
import dev.filtrate.data.squad.TrainingWindows;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.StageSettings;
import dev.filtrate.recipe.TokenizerSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A task's examples as ids, ready to be cut into batches.
 *
 * @param recipe what the task and the tokenizer are
 * @param labels the task's classes, or scores; none where it is SQuAD
 * @param train the examples to train on
 * @param validation the examples to evaluate on
 * @param examples the same as texts with their labels; none where it is SQuAD
 * @param mismatched more of them, from other sources: MNLI's mismatched ones
 * @param questions the questions that they are windows of, where the task is SQuAD
 * @param notes what was left out of the files, a sentence each
 * @param vocabularySize the least {@code vocab_size} of a model that takes these ids
 * @param tokenizerFiles what belongs beside a model that was trained on them
 * @param tokenizerHash SHA-256 of its {@code tokenizer.json}
 */
public record RunData(
    Recipe recipe,
    Optional<Labels> labels,
    EncodedExamples train,
    EncodedExamples validation,
    List<Example> examples,
    Optional<EncodedExamples> mismatched,
    Optional<EncodedQuestions> questions,
    List<String> notes,
    int vocabularySize,
    List<Path> tokenizerFiles,
    String tokenizerHash) {
  /** What Hugging Face's configs of these models say; it means nothing. */
  private static final List<String> SQUAD_LABELS = List.of("LABEL_0", "LABEL_1");

  /** Copies the lists. */
  public RunData {
    examples = List.copyOf(examples);
    notes = List.copyOf(notes);
    tokenizerFiles = List.copyOf(tokenizerFiles);
  }

  /**
   * Reads and encodes a recipe's task, and writes the tokenizer's files into {@code
   * tokenizerFolder}.
   *
   * @param seed decides what {@code validation_fraction} holds out
   */
  public static RunData read(Recipe recipe, long seed, Path tokenizerFolder) {
    SquadTask squad = recipe.squad();
    if (squad != null) {
      return read(recipe, squad, tokenizerFolder);
    }
    TaskSpec spec = recipe.requireTask();
    TaskData data = TaskData.forTraining(spec, seed);
    Metrics.check(spec.metric(), data.labels());
    try (Tokenizer tokenizer = tokenizer(recipe)) {
      ProblemType type = data.labels().problemType();
      EncodedExamples train = EncodedExamples.of(data.train(), type, tokenizer);
      EncodedExamples validation = EncodedExamples.of(data.validation(), type, tokenizer);
      Optional<EncodedExamples> mismatched =
          data.mismatched().isEmpty()
              ? Optional.empty()
              : Optional.of(EncodedExamples.of(data.mismatched(), type, tokenizer));
      AtomicFiles.writeFolder(tokenizerFolder, tokenizer::write);
      return new RunData(
          recipe,
          Optional.of(data.labels()),
          train,
          validation,
          data.validation(),
          mismatched,
          Optional.empty(),
          data.notes(),
          tokenizer.vocabularySize(),
          files(tokenizerFolder),
          tokenizer.sha256());
    }
  }

  private static RunData read(Recipe recipe, SquadTask squad, Path tokenizerFolder) {
    List<Question> train = squad.train();
    List<Question> validation = squad.validation();
    try (Tokenizer tokenizer = tokenizer(recipe)) {
      EncodedQuestions questions =
          new EncodedQuestions(validation, tokenizer, squad.settings())
              .requireWindows(squad.validationFile().toString());
      String file = squad.trainFile().toString();
      TrainingWindows.Made made = TrainingWindows.of(file, train, tokenizer, squad.settings());
      AtomicFiles.writeFolder(tokenizerFolder, tokenizer::write);
      List<String> notes = new ArrayList<>(made.notes());
      questions.note(squad.validationFile().toString()).ifPresent(notes::add);
      return new RunData(
          recipe,
          Optional.empty(),
          made.windows(),
          questions.windows(),
          List.of(),
          Optional.empty(),
          Optional.of(questions),
          notes,
          tokenizer.vocabularySize(),
          files(tokenizerFolder),
          tokenizer.sha256());
    }
  }

  @MustBeClosed
  private static Tokenizer tokenizer(Recipe recipe) {
    Path path = recipe.tokenizerPath().orElseThrow(() -> new IllegalStateException("no tokenizer"));
    return Tokenizer.read(path, recipe.tokenizer().maxLength());
  }

  /** The task's name. */
  public String task() {
    SquadTask squad = recipe.squad();
    return squad == null ? recipe.requireTask().name() : squad.name();
  }

  /** The metric that selects. */
  public String metric() {
    return recipe.squad() == null ? recipe.requireTask().metric() : SquadScores.SELECTS;
  }

  private static List<Path> files(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(folder, e);
    }
  }

  /** A model's config for this task. */
  ModelConfig config(ModelConfig model) {
    return labels
        .map(l -> config(model, l))
        .orElseGet(() -> model.withTask(ProblemType.SINGLE_LABEL_CLASSIFICATION, SQUAD_LABELS));
  }

  /** A model's config with these labels. */
  static ModelConfig config(ModelConfig model, Labels labels) {
    return model.withTask(
        labels.problemType(), labels.isRegression() ? List.of("LABEL_0") : labels.names());
  }

  /** Batches to train on, in the order of this seed. */
  Batches training(StageSettings stage, long seed) {
    return training(recipe, stage, train, seed);
  }

  /** Batches of these examples, as a stage of the recipe trains on them. */
  static Batches training(Recipe recipe, StageSettings stage, EncodedExamples examples, long seed) {
    return Batches.training(
        examples, options(recipe, stage.trainBatchSize(), stage.groupByLength()), seed);
  }

  /** Validation, with every metric of the task, the one that selects first. */
  public Evaluator evaluator(int batchSize) {
    SquadTask squad = recipe.squad();
    return squad == null
        ? evaluator(validation, batchSize)
        : new SpanEvaluator(
            questions.orElseThrow(), squad.settings(), options(recipe, batchSize, true));
  }

  /** The same over the mismatched examples, if there are any. */
  Optional<Evaluator> mismatched(int batchSize) {
    return mismatched.map(examples -> evaluator(examples, batchSize));
  }

  private Evaluator evaluator(EncodedExamples examples, int batchSize) {
    return new LabelEvaluator(
        Batches.evaluation(examples, options(recipe, batchSize, true)),
        Metrics.all(metric(), labels.orElseThrow()));
  }

  private static BatchOptions options(Recipe recipe, int batchSize, boolean groupByLength) {
    TokenizerSettings settings = recipe.tokenizer();
    int length = settings.padToMaxLength() ? settings.maxLength() : 0;
    return new BatchOptions(batchSize, settings.padToMultipleOf(), length, groupByLength);
  }

  /** Checks that a model can take these ids and lengths. */
  void requireFits(String who, ModelConfig config) {
    requireFits(who, config, vocabularySize, train.padId());
  }

  /** Checks that a model can take the ids of a tokenizer. */
  static void requireFits(String who, ModelConfig config, int vocabularySize, int padId) {
    Check.user(
        vocabularySize <= config.common().vocabSize(),
        "%s: its vocab_size is %d, but the tokenizer's ids go up to %d; use the tokenizer that"
            + " belongs to the model, or a config with a larger vocab_size",
        who,
        config.common().vocabSize(),
        vocabularySize - 1);
    Check.user(
        config.takesPadding(padId),
        "%s: its pad_token_id is %d, but the tokenizer pads with %d; use the tokenizer that belongs"
            + " to the model, or a config with that pad_token_id",
        who,
        config.common().padTokenId(),
        padId);
  }
}
