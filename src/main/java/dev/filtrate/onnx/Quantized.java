package dev.filtrate.onnx;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import java.nio.ByteBuffer;

/**
 * A matrix in signed bytes: {@code w ≈ scale · bytes}, with one scale for all of it or one for each
 * column. The zero point is 0.
 *
 * @param bytes int8, of the matrix's shape
 * @param scales float32 {@code []} or {@code [columns]}
 * @param zeroPoints int8 zeros of the same shape, which runtimes ask for
 */
record Quantized(Tensor bytes, Tensor scales, Tensor zeroPoints) {
  /**
   * The nearest bytes to a float32 matrix.
   *
   * @param largest the byte that stands for a column's number of the largest size: 127, or 64
   */
  static Quantized of(Tensor matrix, int largest, boolean perColumn) {
    int columns = Math.toIntExact(matrix.dims()[1]);
    int scaled = perColumn ? columns : 1;
    float[] scales = new float[scaled];
    ByteBuffer from = matrix.bytes();
    int n = matrix.size();
    for (int i = 0; i < n; i++) {
      int column = i % columns % scaled;
      scales[column] = Math.max(scales[column], Math.abs(from.getFloat(4 * i)));
    }
    for (int column = 0; column < scaled; column++) {
      scales[column] = scales[column] == 0 ? 1 : scales[column] / largest;
    }
    Tensor bytes = Tensor.zeros(DType.INT8, matrix.dims());
    ByteBuffer to = bytes.bytes();
    for (int i = 0; i < n; i++) {
      double steps = Math.rint(from.getFloat(4 * i) / scales[i % columns % scaled]);
      to.put(i, (byte) Math.max(-largest, Math.min(largest, steps)));
    }
    long[] dims = perColumn ? new long[] {columns} : new long[0];
    return new Quantized(bytes, Tensor.ofFloats(dims, scales), Tensor.zeros(DType.INT8, dims));
  }
}
