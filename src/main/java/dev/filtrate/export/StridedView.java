package dev.filtrate.export;

import dev.filtrate.graph.Tensor;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * A float32 tensor read in another order: element {@code (i, j, …)} is the source's at {@code start
 * + i·strides[0] + j·strides[1] + …}. Moves change the strides; only {@link #copy} touches data.
 */
final class StridedView {
  private final String name;
  private final Tensor source;
  private final long start;
  private final long[] dims;
  private final long[] strides;

  private StridedView(String name, Tensor source, long start, long[] dims, long[] strides) {
    this.name = name;
    this.source = source;
    this.start = start;
    this.dims = dims;
    this.strides = strides;
  }

  /** A parameter as it is stored. */
  static StridedView of(String name, Tensor source) {
    long[] dims = source.dims();
    long[] strides = new long[dims.length];
    long stride = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= dims[i];
    }
    return new StridedView(name, source, 0, dims, strides);
  }

  /** The parameter that is read. */
  String name() {
    return name;
  }

  /** Whether this is the parameter, a matrix, with rows and columns exchanged, and nothing else. */
  boolean isTransposedMatrix() {
    StridedView plain = of(name, source);
    return dims.length == 2
        && plain.dims.length == 2
        && start == 0
        && Arrays.equals(plain.transpose(List.of(1L, 0L)).strides, strides)
        && Arrays.equals(plain.transpose(List.of(1L, 0L)).dims, dims);
  }

  /** Axes in another order. */
  StridedView transpose(List<Long> perm) {
    long[] newDims = new long[dims.length];
    long[] newStrides = new long[dims.length];
    for (int i = 0; i < dims.length; i++) {
      int from = perm.get(i).intValue();
      newDims[i] = dims[from];
      newStrides[i] = strides[from];
    }
    return new StridedView(name, source, start, newDims, newStrides);
  }

  /** The part from {@code first} (included) to {@code end} (not) along an axis. */
  StridedView slice(int axis, long first, long end) {
    long[] newDims = dims.clone();
    newDims[axis] = end - first;
    return new StridedView(name, source, start + first * strides[axis], newDims, strides);
  }

  /** The same elements in these sizes, which differ in axes of size 1 only. */
  StridedView withOnes(long[] sizes) {
    long[] newStrides = new long[sizes.length];
    int axis = 0;
    for (int i = 0; i < sizes.length; i++) {
      while (axis < dims.length && dims[axis] == 1 && sizes[i] != 1) {
        axis++;
      }
      if (axis < dims.length && dims[axis] == sizes[i]) {
        newStrides[i] = strides[axis++];
      }
    }
    return new StridedView(name, source, start, sizes.clone(), newStrides);
  }

  /** The elements in their new order. */
  Tensor copy() {
    float[] values = new float[(int) Tensor.count(dims)];
    copy(0, start, source.floats(), values, 0);
    return Tensor.ofFloats(dims, values);
  }

  private int copy(int axis, long from, FloatBuffer data, float[] to, int at) {
    if (axis == dims.length) {
      to[at] = data.get((int) from);
      return at + 1;
    }
    int next = at;
    long stride = strides[axis];
    if (axis == dims.length - 1) {
      for (long i = 0; i < dims[axis]; i++) {
        to[next++] = data.get((int) (from + i * stride));
      }
      return next;
    }
    for (long i = 0; i < dims[axis]; i++) {
      next = copy(axis + 1, from + i * stride, data, to, next);
    }
    return next;
  }
}
