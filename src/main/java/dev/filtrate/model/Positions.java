package dev.filtrate.model;

import dev.filtrate.base.Check;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelConfig.Common;

/** Which row of the table of positions a token takes, and how the table starts. */
public enum Positions {
  /** Token i takes row i (Devlin et al. 2019). */
  COUNTED,
  /**
   * Tokens count from the row after the padding token's index, which padding takes and which is and
   * stays 0 (RoBERTa, as fairseq does it). Padding is told by the token, not by the mask.
   */
  AFTER_PADDING,
  /** As {@link #COUNTED}; a fresh table holds sinusoids (Vaswani et al. 2017, section 3.5). */
  SINUSOIDAL;

  /** How many tokens have a position. */
  int tokens(int rows, int padTokenId) {
    return this == AFTER_PADDING ? rows - padTokenId - 1 : rows;
  }

  /** The scope's table at each token: {@code [S, width]} or {@code [B, S, width]}. */
  Value embed(Ops op, Value inputIds, Common c, int width) {
    int rows = c.maxPositionEmbeddings();
    if (this == AFTER_PADDING) {
      Value ids = afterPadding(op, inputIds, c.padTokenId());
      return Layers.embedding(op, ids, rows, width, c.padTokenId());
    }
    Value table = op.parameter("weight", Shape.of(rows, width));
    return op.slice(table, 0, Dim.of(0), ModelInputs.SEQUENCE);
  }

  /** Padding's index at padding; elsewhere that plus the number of tokens so far. */
  private static Value afterPadding(Ops op, Value inputIds, int padding) {
    Value index = op.constant((long) padding);
    Value token = op.cast(op.not(op.equal(inputIds, index)), DType.INT64); // (B, S)
    return op.add(op.mul(op.cumSum(token, 1, false), token), index);
  }

  /**
   * A fresh sinusoidal table, row by row: {@code sin(p / 10000^(2i/width))} in column 2i, its
   * cosine in column 2i+1.
   */
  public static float[] sinusoids(int rows, int width) {
    Check.argument(rows >= 0 && width > 0, "a table of %d x %d", rows, width);
    float[] table = new float[rows * width];
    for (int p = 0; p < rows; p++) {
      for (int j = 0; j < width; j++) {
        double angle = p / Math.pow(10000, 2 * (j / 2) / (double) width);
        table[p * width + j] = (float) (j % 2 == 0 ? Math.sin(angle) : Math.cos(angle));
      }
    }
    return table;
  }
}
