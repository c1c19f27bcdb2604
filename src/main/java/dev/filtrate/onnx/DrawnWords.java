package dev.filtrate.onnx;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.util.List;
import java.util.Map;

/**
 * Words that the runtime's dropout kernel draws, and so from its seeded generator: bit by bit, once
 * per run.
 */
final class DrawnWords implements DropoutMasks.Source {
  /** Bits of a word: what a sum in float32 holds exactly. */
  private static final int BITS = 24;

  @Override
  public DropoutMasks.Words along(Ops op, DropoutMasks.Axis axis) {
    Attr one = new Attr.Content(Tensor.ofFloats(new long[] {1}, 1));
    Attr dims = new Attr.Sizes(Shape.of(axis.size(), Dim.of(2L * BITS)));
    Value ones =
        op.emit(OpType.CONSTANT_OF_SHAPE, List.of(), Map.of("shape", dims, "value", one)).get(0);
    Value words = op.cast(op.matMul(op.dropout(ones, 0.5), packing(op)), DType.INT32);
    Value a = op.slice(words, 1, Dim.of(0), Dim.of(1));
    Value b = op.slice(words, 1, Dim.of(1), Dim.of(2));
    return new DropoutMasks.Words(op.reshape(a, axis.alone()), op.reshape(b, axis.alone()))
        .own(op, "axis " + axis.position() + " of " + axis.rank());
  }

  @Override
  public Value number(Ops op, DropoutMasks.Words rows, DropoutMasks.Words columns, String mask) {
    return rows.own(op, mask).nh(op, columns);
  }

  /** {@code [2·BITS, 2]}: dropout by ½ leaves 0 or 2 per bit, this makes two numbers of them. */
  private static Value packing(Ops op) {
    float[] weights = new float[4 * BITS];
    for (int bit = 0; bit < BITS; bit++) {
      weights[2 * bit] = (float) Math.scalb(0.5, bit);
      weights[2 * (BITS + bit) + 1] = (float) Math.scalb(0.5, bit);
    }
    return op.constant(Tensor.ofFloats(new long[] {2L * BITS, 2}, weights));
  }
}
