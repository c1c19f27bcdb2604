package dev.filtrate.train;

import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.BatchOptions;
import dev.filtrate.data.batch.BatchStream;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.squad.AnsweredQuestion;
import dev.filtrate.data.squad.EncodedQuestions;
import dev.filtrate.data.squad.SquadScores;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.graph.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Questions about texts, a model's answers to them, and SQuAD's scores of these. */
public final class SpanEvaluator implements Evaluator {
  /** What is told beside the scores where the threshold was tuned. */
  public static final String THRESHOLD = "null_score_diff_threshold";

  private final EncodedQuestions questions;
  private final SquadSettings settings;
  private final Batches windows;

  /** Evaluates on these questions, their windows in batches of these options. */
  public SpanEvaluator(EncodedQuestions questions, SquadSettings settings, BatchOptions options) {
    this.questions = questions;
    this.settings = settings;
    this.windows = Batches.evaluation(questions.windows(), options);
  }

  @Override
  public EncodedExamples examples() {
    return windows.data();
  }

  @Override
  public String selects() {
    return SquadScores.SELECTS;
  }

  @Override
  public Map<String, Double> evaluate(Answering model) {
    return scores(answers(model));
  }

  /** The answers of a model to all questions, in their order. */
  public List<AnsweredQuestion> answers(Answering model) {
    Logits logits = new Logits(windows.data().size());
    try (BatchStream stream = windows.stream(0, 0)) {
      while (stream.hasNext()) {
        Batch batch = stream.next();
        List<Integer> rows = Arrays.stream(batch.examples()).boxed().toList();
        logits.add(rows, model.apply(batch));
      }
    }
    return logits.answers();
  }

  /** Takes a model's outputs batch by batch. */
  public final class Logits {
    private final float[][] starts;
    private final float[][] ends;

    private Logits(int windows) {
      starts = new float[windows][];
      ends = new float[windows][];
    }

    /**
     * Adds the outputs for some of the windows.
     *
     * @param rows which windows the rows are
     */
    public void add(List<Integer> rows, Map<String, Tensor> outputs) {
      float[] start = floats(outputs, "start_logits");
      float[] end = floats(outputs, "end_logits");
      int length = start.length / rows.size();
      for (int i = 0; i < rows.size(); i++) {
        int window = rows.get(i);
        int to = i * length + windows.data().texts().length(window);
        starts[window] = Arrays.copyOfRange(start, i * length, to);
        ends[window] = Arrays.copyOfRange(end, i * length, to);
      }
    }

    /** The answers, once all batches were added. */
    public List<AnsweredQuestion> answers() {
      return questions.answers(starts, ends, settings);
    }
  }

  private static float[] floats(Map<String, Tensor> outputs, String name) {
    Tensor tensor = outputs.get(name);
    if (tensor == null) {
      throw new IllegalStateException("no " + name + " among " + outputs.keySet());
    }
    return tensor.toFloats();
  }

  /** An empty collection of outputs. */
  public Logits logits() {
    return new Logits(windows.data().size());
  }

  /** Whether questions may be without an answer: SQuAD 2.0. */
  boolean mayBeNone() {
    return settings.version2WithNegative();
  }

  /** The threshold that these answers are judged with: the tuned one, or the one that was set. */
  public double threshold(List<AnsweredQuestion> answers) {
    return settings.version2WithNegative() && settings.tuneNullScore()
        ? SquadScores.tunedThreshold(answers)
        : settings.nullScoreDiffThreshold();
  }

  /** The scores of answers; of a tuned threshold also what it is. */
  public Map<String, Double> scores(List<AnsweredQuestion> answers) {
    if (!settings.version2WithNegative()) {
      return new LinkedHashMap<>(SquadScores.version1(answers));
    }
    double threshold = threshold(answers);
    Map<String, Double> scores = new LinkedHashMap<>(SquadScores.version2(answers, threshold));
    if (settings.tuneNullScore()) {
      scores.put(THRESHOLD, threshold);
    }
    return scores;
  }
}
