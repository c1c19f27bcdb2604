package dev.filtrate.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class HalfPrecisionTest {
  /** SHA-256 of the float32 bits of all 65,536 patterns as torch (and NumPy) widen them. */
  private static final String TORCH_FLOAT16 =
      "385ff5fe69182797cda5f1827e20cf423f4416bc9246f27d0eec27cac9039259";

  private static final String TORCH_BFLOAT16 =
      "f12e27efe34841dfd6391497b86f389096b03a376586e1d9691bba0a8de3980a";

  @Test
  void everyFloat16IsTheNumberThatItsFieldsSay() {
    float[] wide = HalfPrecision.toFloat(everyPattern(DType.FLOAT16)).toFloats();
    for (int bits = 0; bits < 65536; bits++) {
      int exponent = bits >> 10 & 31;
      double fraction = (bits & 1023) / 1024.0;
      double magnitude =
          exponent == 31
              ? (fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
              : exponent == 0 ? Math.scalb(fraction, -14) : Math.scalb(1 + fraction, exponent - 15);
      double expected = bits >= 32768 ? -magnitude : magnitude;
      assertEquals((float) expected, wide[bits], "pattern " + bits); // also tells 0 from -0
    }
  }

  @Test
  void everyHalfIsWidenedAsTorchDoes() throws Exception {
    assertEquals(TORCH_FLOAT16, digest(HalfPrecision.toFloat(everyPattern(DType.FLOAT16))));
    assertEquals(TORCH_BFLOAT16, digest(HalfPrecision.toFloat(everyPattern(DType.BFLOAT16))));
  }

  @Test
  void aFloat32GoesToTheNearestFloat16TiesToEven() {
    float[] wide = HalfPrecision.toFloat(everyPattern(DType.FLOAT16)).toFloats();
    for (int bits = 0; bits < 0x7c00; bits++) { // the positive finite ones, in their order
      assertEquals((short) bits, HalfPrecision.float16(wide[bits]), "pattern " + bits);
      assertEquals((short) (bits | 0x8000), HalfPrecision.float16(-wide[bits]));
      float next = bits == 0x7bff ? 65536 : wide[bits + 1];
      float middle = (wide[bits] + next) / 2;
      int even = (bits & 1) == 0 ? bits : bits + 1;
      assertEquals((short) even, HalfPrecision.float16(middle), "after pattern " + bits);
      assertEquals((short) bits, HalfPrecision.float16(Math.nextDown(middle)));
      assertEquals((short) (bits + 1), HalfPrecision.float16(Math.nextUp(middle)));
    }
    assertEquals((short) 0xfc00, HalfPrecision.float16(Float.NEGATIVE_INFINITY));
    assertEquals(0x7c00, HalfPrecision.float16(1e30f));
    assertEquals(0x7e00, HalfPrecision.float16(Float.NaN));
    assertEquals(0, HalfPrecision.float16(Float.MIN_VALUE));
  }

  @Test
  void float32IsNotCopiedAndFloat64IsRounded() {
    Tensor single = Tensor.scalar(1f);
    assertSame(single, HalfPrecision.toFloat(single));
    assertArrayEquals(
        new float[] {0.1f, Float.POSITIVE_INFINITY},
        HalfPrecision.toFloat(Tensor.ofDoubles(new long[] {2}, 0.1, 1e300)).toFloats());
  }

  @Test
  void integersAreNotWeights() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> HalfPrecision.toFloat(Tensor.scalar(1L)));
    assertEquals("int64[] is not floating point", e.getMessage());
  }

  private static Tensor everyPattern(DType type) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(2 * 65536).order(ByteOrder.LITTLE_ENDIAN);
    for (int bits = 0; bits < 65536; bits++) {
      bytes.putShort(2 * bits, (short) bits);
    }
    return Tensor.wrap(type, new long[] {65536}, bytes);
  }

  /** Of the little-endian bits, every NaN as the one of {@link Float#floatToIntBits}. */
  private static String digest(Tensor tensor) throws Exception {
    ByteBuffer bytes = ByteBuffer.allocate(4 * tensor.size()).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : tensor.toFloats()) {
      bytes.putInt(Float.floatToIntBits(value));
    }
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
  }
}
