package dev.filtrate.data.batch;

import dev.filtrate.base.Check;
import dev.filtrate.data.Labels;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.tokenize.Encoded;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Some examples as the inputs of a model. The buffers are direct and little-endian, from position 0
 * to their limit; whoever holds them must not change them.
 */
public final class Batch {
  private final long epoch;
  private final int index;
  private final int[] examples;
  private final int length;
  private final int tokens;
  private final ProblemType problemType;
  private final int targets;
  private final boolean spans;
  private final ByteBuffer inputIds;
  private final ByteBuffer attentionMask;
  private final ByteBuffer tokenTypeIds;
  private final ByteBuffer labels;

  Batch(long epoch, int index, int[] examples, EncodedExamples data, BatchOptions options) {
    this.epoch = epoch;
    this.index = index;
    this.examples = examples;
    Encoded texts = data.texts();
    int longest = 0;
    int sum = 0;
    for (int example : examples) {
      longest = Math.max(longest, texts.length(example));
      sum += texts.length(example);
    }
    this.tokens = sum;
    this.length = options.length(longest);
    this.problemType = data.problemType();
    this.targets = data.targets();
    int grid = 8 * examples.length * length;
    this.spans = data.spans();
    int column = (floatLabels() ? 4 : 8) * examples.length * targets;
    ByteBuffer all =
        ByteBuffer.allocateDirect(Math.addExact(Math.multiplyExact(3, grid), column))
            .order(ByteOrder.LITTLE_ENDIAN);
    this.inputIds = part(all, 0, grid);
    this.attentionMask = part(all, grid, grid);
    this.tokenTypeIds = part(all, 2 * grid, grid);
    this.labels = part(all, 3 * grid, column);
    fill(data);
  }

  private void fill(EncodedExamples data) {
    Encoded texts = data.texts();
    for (int row = 0; row < examples.length; row++) {
      int example = examples[row];
      int real = texts.length(example);
      for (int i = 0; i < length; i++) {
        int at = 8 * (row * length + i);
        inputIds.putLong(at, i < real ? texts.id(example, i) : data.padId());
        if (i < real) { // fresh memory is zero
          attentionMask.putLong(at, 1);
          tokenTypeIds.putLong(at, texts.type(example, i));
        }
      }
      if (spans) {
        labels.putLong(8 * row, (long) data.target(example, 0));
        labels.putLong(8 * (examples.length + row), (long) data.target(example, 1));
      } else {
        fillLabels(data, row, example);
      }
    }
  }

  private void fillLabels(EncodedExamples data, int row, int example) {
    for (int i = 0; i < targets; i++) {
      double target = data.target(example, i);
      int at = row * targets + i;
      switch (problemType) {
        case SINGLE_LABEL_CLASSIFICATION -> labels.putLong(8 * at, (long) target);
        case REGRESSION -> labels.putFloat(4 * at, (float) target);
        case MULTI_LABEL_CLASSIFICATION ->
            labels.putFloat(4 * at, Double.isNaN(target) ? Labels.NONE : (float) target);
      }
    }
  }

  private static ByteBuffer part(ByteBuffer all, int start, int bytes) {
    return all.slice(start, bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The number of examples: the first axis of every buffer. */
  public int size() {
    return examples.length;
  }

  /** The number of tokens in a row, padding included: the second axis. */
  public int length() {
    return length;
  }

  /** The number of tokens that are no padding. */
  public int tokens() {
    return tokens;
  }

  /** The epoch that the batch belongs to, from 0. */
  public long epoch() {
    return epoch;
  }

  /** The batch's place in its epoch, from 0. */
  public int index() {
    return index;
  }

  /** The examples' places in the data, row by row. */
  public int[] examples() {
    return examples.clone();
  }

  /** Token ids, int64 {@code [size, length]}. */
  public ByteBuffer inputIds() {
    return view(inputIds);
  }

  /** 1 at tokens and 0 at padding, int64 {@code [size, length]}. */
  public ByteBuffer attentionMask() {
    return view(attentionMask);
  }

  /** Token types, int64 {@code [size, length]}. */
  public ByteBuffer tokenTypeIds() {
    return view(tokenTypeIds);
  }

  /**
   * Classes, int64 {@code [size]}, -1 for none; in regression scores, float32 {@code [size]}; in
   * multi-label classification 0, 1 or -1 for every class, float32 {@code [size, classes]}.
   */
  public ByteBuffer labels() {
    return view(labels);
  }

  /** The shape of the labels. */
  public long[] labelDims() {
    return problemType == ProblemType.MULTI_LABEL_CLASSIFICATION
        ? new long[] {examples.length, targets}
        : new long[] {examples.length};
  }

  /** Of windows of questions: the first tokens of the answers, int64 {@code [size]}. */
  public ByteBuffer startPositions() {
    return positions(0);
  }

  /** The last tokens. */
  public ByteBuffer endPositions() {
    return positions(8 * examples.length);
  }

  private ByteBuffer positions(int start) {
    Check.state(spans, "these examples have labels, not positions");
    return part(labels, start, 8 * examples.length);
  }

  /** Whether labels are float32, not int64. */
  public boolean floatLabels() {
    return problemType != ProblemType.SINGLE_LABEL_CLASSIFICATION;
  }

  private static ByteBuffer view(ByteBuffer buffer) {
    return buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }
}
