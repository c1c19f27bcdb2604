package dev.filtrate.onnx;

import dev.filtrate.base.Randomness;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Node;
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
 * Dropout without a generator that draws a number per element. On a CPU, ONNX Runtime's kernel does
 * that on one thread: 3.4 ms for attention probabilities of 8 × 6 × 128 × 128, against 0.85 ms (on
 * one thread, less on more) this way. On CUDA its kernel is given a seed from the host, which a
 * replay would repeat.
 *
 * <p>Only a few {@linkplain Source words} are random: two for every index along every axis. An
 * element's number is a universal hash of the words of its indices, NH of UMAC (Black, Halevi,
 * Krawczyk, Krovetz and Rogaway 1999): {@code (a + c)·(b + d)} modulo 2³², first over the leading
 * axes, then with the last one, where constants of the node's own make its mask differ from the
 * others'. Whoever is below {@code ratio·2³²} is dropped. All of it is elementwise integer
 * arithmetic, which the runtime spreads over threads and which is exact: the same seed gives the
 * same mask.
 */
final class DropoutMasks {
  /** Two random words per element of some shape, int32. */
  record Words(Value a, Value b) {
    /** These times odd constants of a purpose: another permutation of all words. */
    Words own(Ops op, String purpose) {
      int first = (int) Randomness.seedOf(0, purpose, 0) | 1;
      int second = (int) Randomness.seedOf(0, purpose, 1) | 1;
      return new Words(op.mul(a, int32(op, first)), op.mul(b, int32(op, second)));
    }

    /** One number per element of both shapes together: {@code (a + c)·(b + d)}. */
    Value nh(Ops op, Words other) {
      return op.mul(op.add(a, other.a), op.add(b, other.b));
    }
  }

  /** The axis of a tensor, as far as words depend on it. */
  record Axis(Dim size, int position, int rank) {
    static Axis of(Shape shape, int position) {
      return new Axis(shape.dim(position), position, shape.rank());
    }

    /** A shape that is broadcast along all other axes. */
    Shape alone() {
      List<Dim> dims = new ArrayList<>(Collections.nCopies(rank, Dim.of(1)));
      dims.set(position, size);
      return new Shape(dims);
    }
  }

  /** Where random words come from, and how those of rows and columns become numbers. */
  interface Source {
    /**
     * Two words for every index along an axis, in the shape of the axis {@linkplain Axis#alone
     * alone}; asked once for every axis of a graph.
     */
    Words along(Ops op, Axis axis);

    /**
     * The numbers of a tensor's elements.
     *
     * @param rows the words of all leading axes
     * @param columns the words of the last one
     * @param mask tells masks of the same shape apart
     */
    Value number(Ops op, Words rows, Words columns, String mask);
  }

  private final Source source;

  /** Words of single axes. */
  private final Map<Axis, Words> single = new HashMap<>();

  /** Words of leading axes. */
  private final Map<Shape, Words> leading = new HashMap<>();

  private int masks;

  DropoutMasks(Source source) {
    this.source = source;
  }

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
    Value number = source.number(op, rows, columns, "mask " + masks++);
    long threshold = Math.round(ratio * 0x1p32) + Integer.MIN_VALUE;
    Value mask = op.greaterOrEqual(number, int32(op, (int) Math.min(threshold, Integer.MAX_VALUE)));
    return List.of(op.dropoutGrad(x, mask, n.in(1), n.in(2)), mask);
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
        Words mixed = words.own(op, "axis " + i);
        Words crossed = new Words(mixed.b(), mixed.a());
        words = new Words(mixed.nh(op, next), crossed.nh(op, next));
      }
    }
    if (words == null) {
      words = axis(op, shape, 0);
    }
    leading.put(shape, words);
    return words;
  }

  private Words axis(Ops op, Shape shape, int position) {
    return single.computeIfAbsent(Axis.of(shape, position), axis -> source.along(op, axis));
  }

  private static Value int32(Ops op, int value) {
    ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    return op.constant(Tensor.wrap(DType.INT32, new long[0], bytes.putInt(value).flip()));
  }
}
