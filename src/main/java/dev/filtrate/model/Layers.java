package dev.filtrate.model;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.List;
import java.util.Map;

/** The pieces that encoders share. */
final class Layers {
  private Layers() {}

  /** The scope's LayerNorm: parameters {@code weight} and {@code bias} [H]. */
  static Value norm(Ops op, Value x, double eps) {
    Shape shape = Shape.of(x.dim(-1));
    return op.layerNormalization(x, op.parameter("weight", shape), op.parameter("bias", shape), eps)
        .get(0);
  }

  /**
   * The scope's embedding table [rows, width] at int64 ids; no gradient reaches row {@code
   * padding}.
   */
  static Value embedding(Ops op, Value ids, int rows, int width, int padding) {
    Value table = op.parameter("weight", Shape.of(rows, width));
    return op.emit(
            OpType.GATHER,
            List.of(table, ids),
            Map.of("axis", new Attr.Int(0), "padding_idx", new Attr.Int(padding)))
        .get(0);
  }

  /** The first S rows of the scope's table of positions: [S, width]. */
  static Value positions(Ops op, int rows, int width) {
    Value table = op.parameter("weight", Shape.of(rows, width));
    return op.slice(table, 0, Dim.of(0), ModelInputs.SEQUENCE);
  }

  /** [..., S, H] to [..., h, S, d]; two or three axes. */
  static Value splitHeads(Ops op, Value x, int heads) {
    Dim s = x.dim(-2);
    Dim d = Dim.of(x.dim(-1).fixed() / heads);
    return x.rank() == 2
        ? op.transpose(op.reshape(x, Shape.of(s, Dim.of(heads), d)), 1, 0, 2)
        : op.transpose(op.reshape(x, Shape.of(x.dim(0), s, Dim.of(heads), d)), 0, 2, 1, 3);
  }

  /** [B, h, S, d] to [B, S, H]. */
  static Value mergeHeads(Ops op, Value x) {
    Value rows = op.transpose(x, 0, 2, 1, 3);
    Dim width = x.dim(1).times(x.dim(3));
    return op.reshape(rows, Shape.of(x.dim(0), x.dim(2), width));
  }

  /** The first token of each sequence: [B, S, H] to [B, H]. */
  static Value firstToken(Ops op, Value x) {
    return op.squeeze(op.slice(x, 1, Dim.of(0), Dim.of(1)), 1);
  }

  /** Dropout while training, nothing otherwise. */
  static Value dropout(Ops op, Value x, double ratio, boolean training) {
    return training ? op.dropout(x, ratio) : x;
  }
}
