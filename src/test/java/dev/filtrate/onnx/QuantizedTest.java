package dev.filtrate.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import org.junit.jupiter.api.Test;

class QuantizedTest {
  @Test
  void aMatrixInBytesIsWithinHalfAStep() {
    float[] numbers = {1, -100, 0, 0.5f, 50, 0, -0.75f, 3, 0};
    Tensor matrix = Tensor.ofFloats(new long[] {3, 3}, numbers);
    for (int largest : new int[] {127, 64}) {
      Quantized columns = Quantized.of(matrix, largest, true);
      float[] scales = {1f / largest, 100f / largest, 1};
      assertEquals(Tensor.ofFloats(new long[] {3}, scales), columns.scales());
      assertEquals(Tensor.zeros(DType.INT8, 3), columns.zeroPoints());
      Quantized whole = Quantized.of(matrix, largest, false);
      assertEquals(Tensor.scalar(100f / largest), whole.scales());
      for (int i = 0; i < numbers.length; i++) {
        double step = columns.scales().get(i % 3);
        assertEquals(numbers[i], columns.bytes().get(i) * step, step / 2 + 1e-6);
        assertEquals(
            numbers[i], whole.bytes().get(i) * whole.scales().get(0), 50.0 / largest + 1e-6);
      }
      assertEquals(-largest, columns.bytes().get(1));
      float[] swapped = {1, 0.5f, -0.75f, -100, 50, 3, 0, 0, 0};
      Tensor transpose = Tensor.ofFloats(new long[] {3, 3}, swapped);
      assertEquals(columns, Quantized.ofTransposed(transpose, largest, true));
      assertEquals(whole, Quantized.ofTransposed(transpose, largest, false));
    }
  }
}
