package dev.filtrate.graph;

import dev.filtrate.base.Check;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;

/**
 * Numbers in host memory: row-major, little-endian, at most 2 GiB. The bytes may be a view of a
 * mapped file; whoever holds a tensor must not change them.
 */
public final class Tensor {
  private final DType type;
  private final long[] dims;
  private final ByteBuffer bytes;

  private Tensor(DType type, long[] dims, ByteBuffer bytes) {
    this.type = type;
    this.dims = dims.clone();
    this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    Check.argument(
        this.bytes.remaining() == count(dims) * type.bytes(),
        "tensor of %s %s: expected %d bytes, got %d",
        type,
        Arrays.toString(dims),
        count(dims) * type.bytes(),
        this.bytes.remaining());
  }

  /** A view of little-endian bytes (position to limit). */
  public static Tensor wrap(DType type, long[] dims, ByteBuffer bytes) {
    return new Tensor(type, dims, bytes);
  }

  /** A tensor of zeros in direct memory. */
  public static Tensor zeros(DType type, long... dims) {
    long size = count(dims) * type.bytes();
    Check.argument(
        size <= Integer.MAX_VALUE,
        "tensor %s: %d bytes are over 2 GiB",
        Arrays.toString(dims),
        size);
    return new Tensor(type, dims, ByteBuffer.allocateDirect((int) size));
  }

  /** A float32 tensor with a copy of the values. */
  public static Tensor ofFloats(long[] dims, float... values) {
    Tensor t = zeros(DType.FLOAT, dims);
    Check.argument(
        t.size() == values.length, "%s needs %d values, got %d", t, t.size(), values.length);
    t.bytes.asFloatBuffer().put(values);
    return t;
  }

  /** A float64 tensor with a copy of the values. */
  public static Tensor ofDoubles(long[] dims, double... values) {
    Tensor t = zeros(DType.DOUBLE, dims);
    Check.argument(
        t.size() == values.length, "%s needs %d values, got %d", t, t.size(), values.length);
    t.bytes.asDoubleBuffer().put(values);
    return t;
  }

  /** An int64 tensor with a copy of the values. */
  public static Tensor ofLongs(long[] dims, long... values) {
    Tensor t = zeros(DType.INT64, dims);
    Check.argument(
        t.size() == values.length, "%s needs %d values, got %d", t, t.size(), values.length);
    t.bytes.asLongBuffer().put(values);
    return t;
  }

  /** A float32 scalar. */
  public static Tensor scalar(float value) {
    return ofFloats(new long[0], value);
  }

  /** An int64 scalar. */
  public static Tensor scalar(long value) {
    return ofLongs(new long[0], value);
  }

  /** A bool scalar. */
  public static Tensor scalar(boolean value) {
    return wrap(DType.BOOL, new long[0], ByteBuffer.wrap(new byte[] {(byte) (value ? 1 : 0)}));
  }

  /** The product of sizes. */
  public static long count(long... dims) {
    long n = 1;
    for (long d : dims) {
      n = Math.multiplyExact(n, d);
    }
    return n;
  }

  /** The element type. */
  public DType type() {
    return type;
  }

  /** The sizes of the axes. */
  public long[] dims() {
    return dims.clone();
  }

  /** The sizes as a shape. */
  public Shape shape() {
    return Shape.of(dims);
  }

  /** The number of elements. */
  public int size() {
    return bytes.remaining() / type.bytes();
  }

  /** A fresh little-endian view of the bytes. */
  public ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A view of float32 values. */
  public FloatBuffer floats() {
    require(DType.FLOAT);
    return bytes().asFloatBuffer();
  }

  /** A view of int64 values. */
  public LongBuffer longs() {
    require(DType.INT64);
    return bytes().asLongBuffer();
  }

  /** A copy of float32 values. */
  public float[] toFloats() {
    float[] copy = new float[size()];
    floats().get(copy);
    return copy;
  }

  /** A copy of int64 values. */
  public long[] toLongs() {
    long[] copy = new long[size()];
    longs().get(copy);
    return copy;
  }

  /** The only element, as a double. */
  public double scalarValue() {
    Check.argument(size() == 1, "%s is not one number", this);
    return get(0);
  }

  /** An element, whatever the type (half precisions excluded), as a double. */
  public double get(int i) {
    return switch (type) {
      case FLOAT -> bytes.getFloat(4 * i);
      case DOUBLE -> bytes.getDouble(8 * i);
      case INT64 -> bytes.getLong(8 * i);
      case INT32 -> bytes.getInt(4 * i);
      case UINT8 -> bytes.get(i) & 0xff;
      case INT8, BOOL -> bytes.get(i);
      case FLOAT16, BFLOAT16 -> throw new IllegalStateException(this + ": widen it first");
    };
  }

  private void require(DType wanted) {
    Check.state(type == wanted, "%s is not of type %s", this, wanted);
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Tensor t
        && type == t.type
        && Arrays.equals(dims, t.dims)
        && bytes.equals(t.bytes);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(dims) + bytes.hashCode();
  }

  @Override
  public String toString() {
    return type + Arrays.toString(dims);
  }
}
