package dev.filtrate.runtime.kernels;

import dev.filtrate.graph.Tensor;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;

/**
 * The gradient of taking rows of a table: zeros of the table's shape, to which each row of dy is
 * added at its index, one after the other. From the table's shape, indices and dy {@code [...,
 * width]}; a negative index counts from the end.
 */
final class AddRows implements Kernel {
  private static final int THREADS = Runtime.getRuntime().availableProcessors();

  /** Bytes of a task that clears, columns of one that adds. */
  private static final long CLEARED = 1 << 20;

  private static final int COLUMNS = 64;

  @Override
  public void compute(Call call) {
    LongBuffer dims = call.longs(0);
    long[] shape = new long[dims.remaining()];
    dims.get(shape);
    long to = call.output(shape);
    int width = Math.toIntExact(Tensor.count(Arrays.copyOfRange(shape, 1, shape.length)));
    long size = shape[0] * width;
    if (size == 0) {
      return;
    }
    clear(call, to, 4 * size);
    LongBuffer ids = call.longs(1);
    int count = ids.remaining();
    FloatBuffer dy = call.floats(call.address(2), (long) count * width);
    FloatBuffer table = call.floats(to, size);
    int parts = Math.min(THREADS, Math.max(1, width / COLUMNS));
    call.run(
        parts,
        part -> {
          int first = width * part / parts;
          int last = width * (part + 1) / parts;
          for (int k = 0; k < count; k++) {
            long id = ids.get(k);
            int row = (int) (id < 0 ? id + shape[0] : id) * width;
            int from = k * width;
            for (int c = first; c < last; c++) {
              table.put(row + c, table.get(row + c) + dy.get(from + c));
            }
          }
        });
  }

  private static void clear(Call call, long to, long bytes) {
    call.run(
        (int) ((bytes + CLEARED - 1) / CLEARED),
        part -> {
          long first = part * CLEARED;
          Pointer.memset(new Address(to + first), 0, Math.min(CLEARED, bytes - first));
        });
  }
}
