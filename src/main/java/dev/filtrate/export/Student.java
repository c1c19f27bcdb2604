package dev.filtrate.export;

import com.google.errorprone.annotations.MustBeClosed;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import dev.filtrate.data.Metrics;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.batch.BatchOptions;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.squad.AnsweredQuestion;
import dev.filtrate.data.squad.EncodedQuestions;
import dev.filtrate.data.squad.PredictionFiles;
import dev.filtrate.data.squad.Question;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.train.Engine;
import dev.filtrate.train.Evaluator.Answering;
import dev.filtrate.train.LabelEvaluator;
import dev.filtrate.train.SpanEvaluator;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.train.Weights;
import dev.filtrate.weights.ModelFolder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A model that answers: texts in, classes with probabilities or scores out; or questions and texts
 * in, parts of the texts out. It comes from an exported folder or from a Hugging Face folder. Not
 * for several threads; close it.
 *
 * <pre>{@code
 * try (Student student = Student.load(Path.of("export"))) {
 *   System.out.println(student.classify(List.of("a film to remember")).get(0).label());
 * }
 * }</pre>
 */
public final class Student implements AutoCloseable {
  private static final Set<String> INPUTS = Set.of("input_ids", "attention_mask", "token_type_ids");
  private static final int BATCH = 8;

  private final Path folder;
  private final ModelConfig config;
  private final Tokenizer tokenizer;
  private final ComputeSession session;

  private Student(Path folder, ModelConfig config, Tokenizer tokenizer, ComputeSession session) {
    this.folder = folder;
    this.config = config;
    this.tokenizer = tokenizer;
    this.session = session;
  }

  /** Loads a folder with its own tokenizer, to run on all cores. */
  @MustBeClosed
  public static Student load(Path folder) {
    ModelConfig config = ModelFolder.readConfig(folder);
    int maxLength = ExportFolder.maxLength(folder, config);
    return load(folder, folder, maxLength, new Engine(Target.ORT, RuntimeOptions.defaults()));
  }

  /**
   * Loads a folder. Whatever is wrong with its files is a {@link UserError}.
   *
   * @param folder an exported folder, or a Hugging Face folder whose model is then built in memory
   * @param tokenizerPath a folder or file with the tokenizer
   * @param maxLength texts are cut to so many tokens
   * @param engine where it runs
   */
  @MustBeClosed
  @SuppressWarnings("MustBeClosedChecker") // tokenizer and session are the student's, to be closed
  public static Student load(Path folder, Path tokenizerPath, int maxLength, Engine engine) {
    ModelConfig config = ModelFolder.readConfig(folder);
    Tokenizer tokenizer = Tokenizer.read(tokenizerPath, maxLength);
    try {
      ExportFolder.requireFits(folder.toString(), config, tokenizer);
      ComputeSession session =
          ExportFolder.isExport(folder)
              ? ExportFolder.open(folder, engine.options())
              : open(folder, engine);
      return new Student(folder, config, tokenizer, session).requireUsable();
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  @MustBeClosed
  private static ComputeSession open(Path folder, Engine engine) {
    Weights weights = TrainedModel.read(folder);
    return engine.frozen(
        StageGraphs.inference(folder.toString(), weights.model()), weights.parameters());
  }

  private Student requireUsable() {
    boolean answers = session.outputs().contains("logits") || answersQuestions();
    boolean fits = INPUTS.containsAll(session.inputs()) && answers;
    if (!fits) {
      session.close();
      throw UserError.of(
          "%s: expected a model with inputs among %s and the output logits, or start_logits and"
              + " end_logits, found inputs %s and outputs %s",
          folder, INPUTS.stream().sorted().toList(), session.inputs(), session.outputs());
    }
    return this;
  }

  /** The model's config. */
  public ModelConfig config() {
    return config;
  }

  /** What makes ids of texts. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The classes in the order of their ids; a single name where it scores. */
  public List<String> labels() {
    return config.common().labels();
  }

  /** Whether it answers with a score, not a class. */
  public boolean isRegression() {
    return config.problemType() == ProblemType.REGRESSION;
  }

  /** Whether it answers with any number of classes, not one. */
  public boolean isMultiLabel() {
    return config.problemType() == ProblemType.MULTI_LABEL_CLASSIFICATION;
  }

  /** Whether it answers questions about texts, not with classes or scores. */
  public boolean answersQuestions() {
    return session.outputs().containsAll(Set.of("start_logits", "end_logits"));
  }

  /** The answers to questions, in their order. */
  public List<AnsweredQuestion> answer(List<Question> questions, SquadSettings settings) {
    Check.user(answersQuestions(), "%s: classifies texts; it answers no questions", folder);
    EncodedQuestions encoded = new EncodedQuestions(questions, tokenizer, settings);
    if (encoded.windows().size() == 0) { // no question has a text
      return encoded.answers(new float[0][], new float[0][], settings);
    }
    return new SpanEvaluator(encoded, settings, BatchOptions.of(BATCH))
        .answers(Answering.of(session));
  }

  /** The answers to texts, in their order. */
  public List<Prediction> classify(List<String> texts) {
    return answer(texts.stream().map(text -> new Example(text, null, Labels.NONE)).toList());
  }

  /** The answers to pairs of texts, in their order. */
  public List<Prediction> classifyPairs(List<String> first, List<String> second) {
    Check.argument(
        first.size() == second.size(), "%d first and %d second texts", first.size(), second.size());
    return answer(
        IntStream.range(0, first.size())
            .mapToObj(i -> new Example(first.get(i), second.get(i), Labels.NONE))
            .toList());
  }

  /** The answers to examples, in their order. */
  List<Prediction> answer(List<Example> examples) {
    if (examples.isEmpty()) {
      return List.of();
    }
    Check.user(!answersQuestions(), "%s: answers questions; it classifies no texts", folder);
    EncodedExamples encoded =
        EncodedExamples.of(examples, ProblemType.SINGLE_LABEL_CLASSIFICATION, tokenizer);
    Batches batches = Batches.evaluation(encoded, BatchOptions.of(BATCH));
    float[] logits = new LabelEvaluator(batches, List.of()).logits(Answering.of(session));
    int width = logits.length / examples.size();
    Check.user(
        width == labels().size(),
        "%s: config.json names %d labels, but the model has %d; they do not belong together",
        folder,
        labels().size(),
        width);
    List<Prediction> answers = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      answers.add(Prediction.of(config, logits, i * width));
    }
    return answers;
  }

  /** The metrics on a task's validation examples. */
  public Map<String, Double> evaluate(ValidationSet task, int batchSize) {
    requireKind(task);
    Map<String, Double> metrics =
        new LinkedHashMap<>(task.evaluator(batchSize).evaluate(Answering.of(session)));
    if (task instanceof DevSet labelled) {
      labelled
          .mismatched(batchSize)
          .ifPresent(
              set -> metrics.putAll(Metrics.mismatched(set.evaluate(Answering.of(session)))));
    }
    return metrics;
  }

  /**
   * Answers SQuAD's validation questions and writes the files that the official scripts read.
   *
   * @return the scores
   */
  public Map<String, Double> writeAnswers(SquadSet task, int batchSize, Path to) {
    requireKind(task);
    SpanEvaluator evaluator = task.evaluator(batchSize);
    List<AnsweredQuestion> answers = evaluator.answers(Answering.of(session));
    boolean mayBeNone = task.settings().version2WithNegative();
    PredictionFiles.write(to, answers, mayBeNone, evaluator.threshold(answers));
    return evaluator.scores(answers);
  }

  private void requireKind(ValidationSet task) {
    boolean fits = answersQuestions() == task instanceof SquadSet;
    Check.user(
        fits,
        "%s: %s, but the task %s is the other kind; give the task that the model was trained for",
        folder,
        answersQuestions() ? "answers questions" : "classifies texts",
        task.task());
  }

  /** Frees the model and the tokenizer; closing again does nothing. */
  @Override
  public void close() {
    session.close();
    tokenizer.close();
  }
}
