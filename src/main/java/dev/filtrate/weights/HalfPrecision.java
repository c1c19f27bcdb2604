package dev.filtrate.weights;

import dev.filtrate.base.Check;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import java.nio.ByteBuffer;

/** Floating-point tensors of any width as float32. */
public final class HalfPrecision {
  private HalfPrecision() {}

  /**
   * The same numbers as float32: a float32 tensor itself; float16 and bfloat16 exactly; float64
   * rounded to the nearest.
   */
  static Tensor toFloat(Tensor tensor) {
    Check.argument(tensor.type().isFloatingPoint(), "%s is not floating point", tensor);
    if (tensor.type() == DType.FLOAT) {
      return tensor;
    }
    ByteBuffer from = tensor.bytes();
    Tensor widened = Tensor.zeros(DType.FLOAT, tensor.dims());
    ByteBuffer to = widened.bytes();
    int n = tensor.size();
    switch (tensor.type()) {
      case FLOAT16 -> {
        for (int i = 0; i < n; i++) {
          to.putInt(4 * i, float16Bits(from.getShort(2 * i)));
        }
      }
      case BFLOAT16 -> {
        for (int i = 0; i < n; i++) {
          to.putInt(4 * i, from.getShort(2 * i) << 16);
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          to.putFloat(4 * i, (float) from.getDouble(8 * i));
        }
      }
    }
    return widened;
  }

  /** A float32 tensor as float16, each number rounded to the nearest. */
  public static Tensor toFloat16(Tensor tensor) {
    ByteBuffer from = tensor.bytes();
    Tensor narrow = Tensor.zeros(DType.FLOAT16, tensor.dims());
    ByteBuffer to = narrow.bytes();
    for (int i = 0; i < tensor.size(); i++) {
      to.putShort(2 * i, float16(from.getFloat(4 * i)));
    }
    return narrow;
  }

  /** The bits of the float32 that equals a float16 (1 sign, 5 exponent, 10 fraction bits). */
  public static int float16Bits(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >> 10) & 0x1f;
    int fraction = half & 0x3ff;
    if (exponent == 0x1f) { // infinity, or a NaN that keeps its payload
      return sign | 0x7f800000 | fraction << 13;
    }
    if (exponent != 0) {
      return sign | (exponent + 127 - 15) << 23 | fraction << 13;
    }
    return sign | Float.floatToRawIntBits(fraction * 0x1p-24f); // zero and subnormals
  }

  /** The float16 next to a float32, ties to even; what is too large becomes infinite. */
  public static short float16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    float size = Math.abs(value);
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7e00);
    }
    if (size >= 65520) { // halfway from the largest float16 to what would follow it
      return (short) (sign | 0x7c00);
    }
    if (size < 0x1p-14f) { // subnormals are multiples of 2^-24
      return (short) (sign | (int) Math.rint(size * 0x1p24));
    }
    int shifted = (bits & 0x7fffffff) - ((127 - 15) << 23);
    int kept = shifted >>> 13;
    int rest = shifted & 0x1fff;
    boolean up = rest > 0x1000 || (rest == 0x1000 && (kept & 1) == 1);
    return (short) (sign | kept + (up ? 1 : 0)); // a carry goes into the exponent, as it should
  }
}
