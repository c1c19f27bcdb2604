package dev.filtrate.onnx;

import dev.filtrate.base.Randomness;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Dropout on a CPU, where ONNX Runtime's kernel draws one number per element on one thread: 3.4 ms
 * for attention probabilities of 8 × 6 × 128 × 128, against 0.85 ms (on one thread, less on more)
 * this way.
 *
 * <p>Only a few words are drawn, by the kernel itself and so from the runtime's seeded generator:
 * two for every index along every axis, once per run. An element's number is a universal hash of
 * the words of its indices, NH of UMAC (Black, Halevi, Krawczyk, Krovetz and Rogaway 1999): {@code
 * (a + c)·(b + d)} modulo 2³², first over the leading axes, then with the last one, where constants
 * of the node's own make its mask differ from the others'. Whoever is below {@code ratio·2³²} is
 * dropped. All of it is elementwise integer arithmetic, which the runtime spreads over threads and
 * which is exact: the same seed gives the same mask.
 */
final class DropoutMasks {
  /** Bits of a word: what a sum in float32 holds exactly. */
  private static final int BITS = 24;

  /** Two random words per element of some shape, int32. */
  private record Words(Value a, Value b) {}

  /** Draws along an axis, by its size, its position and how many axes there are. */
  private final Map<List<Object>, Words> drawn = new HashMap<>();

  /** Words of leading axes. */
  private final Map<Shape, Words> leading = new HashMap<>();

  private int masks;

  /** The chain: y and mask. */
  List<Value> emit(Ops op, Node n) {
    Value x = n.in(0);
    boolean always = Chains.constant(op, n.in(2)).map(v -> v != 0).orElse(false);
    if (x.rank() < 2 || !always || Chains.constant(op, n.in(1)).isEmpty()) {
      return op.emit(n.op(), n.inputs(), n.attributes());
    }
    double ratio = Chains.constant(op, n.in(1)).orElseThrow();
    Ops shared = op.builder().ops().in("dropout");
    Words rows = leading(shared, x.shape().with(-1, Dim.of(1)));
    Words columns = axis(shared, x.shape(), x.rank() - 1);
    Value number = nh(op, own(op, rows, "mask " + masks++), columns);
    long threshold = Math.round(ratio * 0x1p32) + Integer.MIN_VALUE;
    Value mask = op.greaterOrEqual(number, int32(op, (int) Math.min(threshold, Integer.MAX_VALUE)));
    return List.of(op.dropoutGrad(x, mask, n.in(1), n.in(2)), mask);
  }

  private static Value nh(Ops op, Words x, Words y) {
    return op.mul(op.add(x.a(), y.a()), op.add(x.b(), y.b()));
  }

  /** Words times odd constants of a purpose: another permutation of all words. */
  private static Words own(Ops op, Words x, String purpose) {
    int a = (int) Randomness.seedOf(0, purpose, 0) | 1;
    int b = (int) Randomness.seedOf(0, purpose, 1) | 1;
    return new Words(op.mul(x.a(), int32(op, a)), op.mul(x.b(), int32(op, b)));
  }

  /** The words of all axes of a shape together. */
  private Words leading(Ops op, Shape shape) {
    Words known = leading.get(shape);
    if (known != null) {
      return known;
    }
    Words words = null;
    for (int i = 0; i < shape.rank(); i++) {
      if (shape.dim(i).is(1)) {
        continue;
      }
      Words next = axis(op, shape, i);
      if (words == null) {
        words = next;
      } else {
        Words mixed = own(op, words, "axis " + i);
        Words crossed = new Words(mixed.b(), mixed.a());
        words = new Words(nh(op, mixed, next), nh(op, crossed, next));
      }
    }
    if (words == null) {
      words = axis(op, shape, 0);
    }
    leading.put(shape, words);
    return words;
  }

  /** Two words for every index along an axis, shaped to be broadcast along it. */
  private Words axis(Ops op, Shape shape, int axis) {
    Dim size = shape.dim(axis);
    return drawn.computeIfAbsent(
        List.of(size, axis, shape.rank()),
        key -> {
          Attr one = new Attr.Content(Tensor.ofFloats(new long[] {1}, 1));
          Attr dims = new Attr.Sizes(Shape.of(size, Dim.of(2L * BITS)));
          Value ones =
              op.emit(OpType.CONSTANT_OF_SHAPE, List.of(), Map.of("shape", dims, "value", one))
                  .get(0);
          Value words = op.cast(op.matMul(op.dropout(ones, 0.5), packing(op)), DType.INT32);
          List<Dim> as = new ArrayList<>(Collections.nCopies(shape.rank(), Dim.of(1)));
          as.set(axis, size);
          Value a = op.slice(words, 1, Dim.of(0), Dim.of(1));
          Value b = op.slice(words, 1, Dim.of(1), Dim.of(2));
          Words plain = new Words(op.reshape(a, new Shape(as)), op.reshape(b, new Shape(as)));
          return own(op, plain, "axis " + axis + " of " + shape.rank());
        });
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

  private static Value int32(Ops op, int value) {
    ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    return op.constant(Tensor.wrap(DType.INT32, new long[0], bytes.putInt(value).flip()));
  }
}
