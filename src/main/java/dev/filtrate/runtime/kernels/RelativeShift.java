package dev.filtrate.runtime.kernels;

import dev.filtrate.graph.Tensor;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * {@code [..., S, 2S]} to {@code [..., S, S]}, {@code y[i, j] = x[i, j − i + S − 1]}: each row is
 * copied once, from where it begins. Backward the copy goes into zeros.
 */
final class RelativeShift implements Kernel {
  /** Numbers of a task, or a head. */
  private static final long SLICE = 1 << 16;

  private final boolean backward;

  private RelativeShift(boolean backward) {
    this.backward = backward;
  }

  static RelativeShift forward() {
    return new RelativeShift(false);
  }

  static RelativeShift backward() {
    return new RelativeShift(true);
  }

  @Override
  public void compute(Call call) {
    long[] from = call.dims(0);
    int rows = Math.toIntExact(from[from.length - 2]);
    long[] to = from.clone();
    to[to.length - 1] = backward ? 2L * rows : rows;
    long source = call.address(0);
    long target = call.output(to);
    long heads = Tensor.count(Arrays.copyOf(from, from.length - 2));
    long size = 2L * rows * rows;
    if (heads * size == 0) {
      return;
    }
    int tasks = Math.toIntExact(Math.min(heads, Math.max(1, heads * size / SLICE)));
    call.run(
        tasks,
        task -> {
          for (long head = heads * task / tasks; head < heads * (task + 1) / tasks; head++) {
            long wide = (backward ? target : source) + head * size * Float.BYTES;
            long square = (backward ? source : target) + head * size / 2 * Float.BYTES;
            FloatBuffer byDistance = call.floats(wide, size);
            FloatBuffer byPosition = call.floats(square, size / 2);
            if (backward) {
              spread(byPosition, byDistance, rows);
            } else {
              gather(byDistance, byPosition, rows);
            }
          }
        });
  }

  private static void gather(FloatBuffer from, FloatBuffer to, int rows) {
    for (int i = 0; i < rows; i++) {
      to.put(i * rows, from, i * (2 * rows - 1) + rows - 1, rows);
    }
  }

  private static void spread(FloatBuffer from, FloatBuffer to, int rows) {
    FloatBuffer zeros = FloatBuffer.allocate(rows);
    to.put(0, zeros, 0, rows - 1);
    for (int i = 0; i < rows; i++) {
      int begin = i * (2 * rows - 1) + rows - 1;
      to.put(begin, from, i * rows, rows);
      int rest = i + 1 < rows ? rows - 1 : rows; // to where the next row begins, or to the end
      to.put(begin + rows, zeros, 0, rest);
    }
  }
}
