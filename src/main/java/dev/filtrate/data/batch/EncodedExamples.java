package dev.filtrate.data.batch;

import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.data.tokenize.Tokenizer;
import java.util.List;

/** Examples as ids and labels, held compactly. */
public final class EncodedExamples {
  private final Encoded texts;
  private final double[] labels;
  private final ProblemType problemType;
  private final int padId;

  private EncodedExamples(Encoded texts, double[] labels, ProblemType problemType, int padId) {
    this.texts = texts;
    this.labels = labels;
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
    double[] labels = examples.stream().mapToDouble(Example::label).toArray();
    return new EncodedExamples(texts, labels, problemType, padId);
  }

  /** The number of examples. */
  public int size() {
    return labels.length;
  }

  /** The ids and types of the texts. */
  public Encoded texts() {
    return texts;
  }

  /** The class, {@link Labels#NONE}, or the score of an example. */
  public double label(int example) {
    return labels[example];
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
