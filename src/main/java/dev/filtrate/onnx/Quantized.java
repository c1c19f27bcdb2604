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
    return of(matrix, false, largest, perColumn);
  }

  /** The nearest bytes to the transpose of a float32 matrix, which is not made for that. */
  static Quantized ofTransposed(Tensor matrix, int largest, boolean perColumn) {
    return of(matrix, true, largest, perColumn);
  }

  private static Quantized of(Tensor matrix, boolean transposed, int largest, boolean perColumn) {
    int rows = Math.toIntExact(matrix.dims()[transposed ? 1 : 0]);
    int columns = Math.toIntExact(matrix.dims()[transposed ? 0 : 1]);
    ByteBuffer from = matrix.bytes();
    float[] scales = new float[perColumn ? columns : 1];
    int n = matrix.size();
    for (int i = 0; i < n; i++) { // in the order of the file that it may be mapped from
      int column = transposed ? i / rows : i % columns;
      int scale = column % scales.length;
      scales[scale] = Math.max(scales[scale], Math.abs(from.getFloat(4 * i)));
    }
    for (int scale = 0; scale < scales.length; scale++) {
      scales[scale] = scales[scale] == 0 ? 1 : scales[scale] / largest;
    }
    Tensor bytes = Tensor.zeros(DType.INT8, rows, columns);
    ByteBuffer to = bytes.bytes();
    for (int i = 0; i < n; i++) {
      int column = transposed ? i / rows : i % columns;
      int place = transposed ? i % rows * columns + column : i;
      double steps = Math.rint(from.getFloat(4 * i) / scales[column % scales.length]);
      to.put(place, (byte) Math.max(-largest, Math.min(largest, steps)));
    }
    long[] dims = perColumn ? new long[] {columns} : new long[0];
    return new Quantized(bytes, Tensor.ofFloats(dims, scales), Tensor.zeros(DType.INT8, dims));
  }
}
