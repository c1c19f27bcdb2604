package dev.filtrate.data.batch;

import dev.filtrate.base.Check;
import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.data.tokenize.Tokenizer;
import java.util.List;

/** Examples as ids and labels, held compactly. */
public final class EncodedExamples {
  private final Encoded texts;
  private final int size;
  private final int targets;
  private final double[] labels;
  private final boolean spans;
  private final ProblemType problemType;
  private final int padId;

  private EncodedExamples(
      Encoded texts,
      double[] labels,
      int targets,
      boolean spans,
      ProblemType problemType,
      int padId) {
    this.texts = texts;
    this.size = texts.size();
    this.targets = targets;
    this.labels = labels;
    this.spans = spans;
    Check.argument(labels.length == size * targets, "examples with other numbers of targets");
    this.problemType = problemType;
    this.padId = padId;
  }

  /** Encodes examples. */
  public static EncodedExamples of(
      List<Example> examples, ProblemType problemType, Tokenizer tokenizer) {
    return of(tokenizer.encode(examples), examples, problemType, tokenizer.padId());
  }

  /** Examples whose texts are encoded already. */
  public static EncodedExamples of(
      Encoded texts, List<Example> examples, ProblemType problemType, int padId) {
    int targets = examples.isEmpty() ? 1 : examples.get(0).targets().size();
    double[] labels =
        examples.stream()
            .flatMap(example -> example.targets().stream())
            .mapToDouble(Double::doubleValue)
            .toArray();
    return new EncodedExamples(texts, labels, targets, false, problemType, padId);
  }

  /**
   * Windows of questions, each with two targets: the first and the last token of its answer.
   *
   * @param starts the place of the first token in every window
   * @param ends the place of the last token
   */
  public static EncodedExamples ofSpans(Encoded windows, int[] starts, int[] ends, int padId) {
    Check.argument(starts.length == ends.length, "%d, %d", starts.length, ends.length);
    double[] positions = new double[2 * starts.length];
    for (int i = 0; i < starts.length; i++) {
      positions[2 * i] = starts[i];
      positions[2 * i + 1] = ends[i];
    }
    return new EncodedExamples(
        windows, positions, 2, true, ProblemType.SINGLE_LABEL_CLASSIFICATION, padId);
  }

  /** The number of examples. */
  public int size() {
    return size;
  }

  /** The ids and types of the texts. */
  public Encoded texts() {
    return texts;
  }

  /** The class, {@link Labels#NONE}, or the score of an example. */
  public double label(int example) {
    return labels[example * targets];
  }

  /** How many targets an example has: 1, or one for each class. */
  public int targets() {
    return targets;
  }

  /** The targets of all examples ({@link Example#targets}), one after the other. */
  public double[] labels() {
    return labels.clone();
  }

  /** One target of an example. */
  double target(int example, int index) {
    return labels[example * targets + index];
  }

  /** Whether these are windows of questions. */
  boolean spans() {
    return spans;
  }

  /** Classes or scores. */
  public ProblemType problemType() {
    return problemType;
  }

  /** The id that fills up shorter texts. */
  public int padId() {
    return padId;
  }
}
