package dev.filtrate.onnx;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Words that are a function of a fed seed, so that a replay of the same kernels makes other masks.
 *
 * <p>All words of a graph are one vector, of which every axis has its part. Word n comes from the
 * counter n and a key in the four rounds of a counter-based generator (Widynski 2020, "Squares"),
 * which wants no more than products and sums of 64 bits and rotations by half of them. There is no
 * unsigned division here: the half that moves down brings its sign along, which borrows one from
 * the half that moves up.
 *
 * <p>The number of an element is one product of its row's and its column's word instead of NH,
 * whose two sums would be written and read once more: a GPU computes at the speed of its memory.
 * Words have all their 32 bits here, so that the high ones of a product depend on all of both.
 */
final class SeededWords implements DropoutMasks.Source {
  private static final long HALF = 1L << 32;

  /** Where an axis has its words within the vector. */
  private final Map<DropoutMasks.Axis, Dim> offsets = new LinkedHashMap<>();

  private Dim count = Dim.of(0);
  private @Nullable Value words;

  /** Words for the dropouts of this graph. */
  SeededWords(Graph graph) {
    for (Node n : graph.nodes()) {
      if (n.op() == OpType.DROPOUT) {
        Shape shape = n.output().shape();
        for (int i = 0; i < shape.rank(); i++) {
          DropoutMasks.Axis axis = DropoutMasks.Axis.of(shape, i);
          if (offsets.putIfAbsent(axis, count) == null) {
            count = count.plus(axis.size().times(2));
          }
        }
      }
    }
  }

  @Override
  public DropoutMasks.Words along(Ops op, DropoutMasks.Axis axis) {
    Dim start = offsets.get(axis);
    if (start == null) {
      throw new IllegalStateException("no dropout has " + axis);
    }
    return new DropoutMasks.Words(part(op, axis, start), part(op, axis, start.plus(axis.size())));
  }

  @Override
  public Value number(Ops op, DropoutMasks.Words rows, DropoutMasks.Words columns, String mask) {
    return op.mul(rows.a(), columns.own(op, mask).a());
  }

  private Value part(Ops op, DropoutMasks.Axis axis, Dim start) {
    Value part = op.slice(all(op), 0, start, start.plus(axis.size()));
    return op.reshape(part, axis.alone());
  }

  private Value all(Ops op) {
    Value all = words;
    if (all == null) {
      Value seed = op.builder().input(Lowering.DROPOUT_SEED, DType.INT64, Shape.SCALAR);
      Value key = op.add(op.mul(seed, 2), 1); // odd, so that no two counters become one number
      Value x = op.mul(op.range(count), key);
      Value y = x;
      Value z = op.add(x, key);
      x = rotated(op, op.add(op.mul(x, x), y));
      x = rotated(op, op.add(op.mul(x, x), z));
      x = rotated(op, op.add(op.mul(x, x), y));
      x = op.add(op.mul(x, x), z);
      all = op.cast(op.div(x, op.constant(HALF)), DType.INT32);
      words = all;
    }
    return all;
  }

  private static Value rotated(Ops op, Value x) {
    return op.add(op.mul(x, op.constant(HALF)), op.div(x, op.constant(HALF)));
  }
}
