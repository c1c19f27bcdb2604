package dev.filtrate.graph;

import dev.filtrate.base.Check;
import dev.filtrate.base.Randomness;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** Row-major doubles; integers and truth values (0 or 1) of a graph are held as doubles too. */
public final class DoubleTensor {
  private final int[] dims;
  private final double[] values;

  private DoubleTensor(int[] dims, double[] values) {
    this.dims = dims;
    this.values = values;
    Check.argument(
        values.length == count(dims), "%s: got %d values", Arrays.toString(dims), values.length);
  }

  /** These values in this shape. */
  public static DoubleTensor of(int[] dims, double... values) {
    return new DoubleTensor(dims.clone(), values);
  }

  /** One number. */
  public static DoubleTensor scalar(double value) {
    return of(new int[0], value);
  }

  /** A row of numbers. */
  public static DoubleTensor vector(double... values) {
    return of(new int[] {values.length}, values);
  }

  /** Zeros. */
  public static DoubleTensor zeros(int... dims) {
    return of(dims, new double[count(dims)]);
  }

  /** Standard normal numbers. */
  public static DoubleTensor normal(Randomness random, int... dims) {
    return zeros(dims).map(zero -> random.nextGaussian());
  }

  /** Uniform integers in {@code [0, bound)}. */
  public static DoubleTensor integers(Randomness random, int bound, int... dims) {
    return zeros(dims).map(zero -> random.nextInt(bound));
  }

  /** A copy of a tensor. */
  public static DoubleTensor of(Tensor t) {
    double[] values = new double[t.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = t.get(i);
    }
    return of(Arrays.stream(t.dims()).mapToInt(Math::toIntExact).toArray(), values);
  }

  /** The product of sizes. */
  static int count(int... dims) {
    return Arrays.stream(dims).reduce(1, Math::multiplyExact);
  }

  /** The sizes of the axes. */
  public int[] dims() {
    return dims.clone();
  }

  /** The size of an axis; negative ones count from the end. */
  public int dim(int axis) {
    return dims[axis < 0 ? axis + dims.length : axis];
  }

  /** How many axes. */
  public int rank() {
    return dims.length;
  }

  /** The number of elements. */
  public int size() {
    return values.length;
  }

  /** The values themselves, not a copy. */
  public double[] values() {
    return values;
  }

  /** An element by position in memory. */
  public double get(int i) {
    return values[i];
  }

  /** The only element. */
  public double scalarValue() {
    Check.argument(values.length == 1, "%s is not one number", this);
    return values[0];
  }

  /** A copy with other values. */
  public DoubleTensor map(DoubleUnaryOperator f) {
    double[] mapped = new double[values.length];
    for (int i = 0; i < mapped.length; i++) {
      mapped[i] = f.applyAsDouble(values[i]);
    }
    return new DoubleTensor(dims, mapped);
  }

  /** The same values in another shape. */
  DoubleTensor reshaped(int... other) {
    return of(other, values);
  }

  /** Elementwise, both stretched to {@code to}. */
  static DoubleTensor zip(int[] to, DoubleTensor a, DoubleTensor b, DoubleBinaryOperator f) {
    DoubleTensor x = a.stretched(to);
    DoubleTensor y = b.stretched(to);
    double[] result = new double[x.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = f.applyAsDouble(x.values[i], y.values[i]);
    }
    return of(to, result);
  }

  /** This tensor broadcast to a shape. */
  DoubleTensor stretched(int... to) {
    return Arrays.equals(dims, to) ? this : pick(to, stridesWithin(to), 0);
  }

  /** The elements at {@code start + Σ index·stride}, in a new shape. */
  DoubleTensor pick(int[] to, int[] strides, int start) {
    int[] from = offsets(to, strides, start);
    double[] picked = new double[from.length];
    for (int i = 0; i < picked.length; i++) {
      picked[i] = values[from[i]];
    }
    return of(to, picked);
  }

  /** Steps between neighbours along each axis of a row-major tensor. */
  static int[] strides(int... dims) {
    int[] strides = new int[dims.length];
    int step = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = step;
      step *= dims[i];
    }
    return strides;
  }

  /** This tensor's steps along the axes of a shape that it is stretched to: 0 where stretched. */
  int[] stridesWithin(int... to) {
    int[] own = strides(dims);
    int[] strides = new int[to.length];
    for (int i = 0; i < dims.length; i++) {
      strides[i + to.length - dims.length] = dims[i] == 1 ? 0 : own[i];
    }
    return strides;
  }

  /** For every index of a shape in row-major order, {@code start + Σ index·stride}. */
  static int[] offsets(int[] dims, int[] strides, int start) {
    int[] offsets = {start};
    for (int axis = 0; axis < dims.length; axis++) {
      int[] longer = new int[offsets.length * dims[axis]];
      int k = 0;
      for (int offset : offsets) {
        for (int j = 0; j < dims[axis]; j++) {
          longer[k++] = offset + j * strides[axis];
        }
      }
      offsets = longer;
    }
    return offsets;
  }

  @Override
  public String toString() {
    return Arrays.toString(dims) + (size() <= 24 ? Arrays.toString(values) : "");
  }
}
