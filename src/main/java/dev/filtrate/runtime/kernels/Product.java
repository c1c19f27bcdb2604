package dev.filtrate.runtime.kernels;

import dev.filtrate.runtime.kernels.Kernel.Workers;
import dev.filtrate.runtime.kernels.OneDnn.Memory;
import dev.filtrate.runtime.kernels.OneDnn.Step;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;

/**
 * {@code y = op(A)·op(B)} for matrices of float32 whose numbers are rounded to bfloat16 first; sums
 * and y are float32. It is cut into tiles that do not wait for each other: rows of op(A) times
 * columns of op(B), after both have been rounded part by part.
 */
final class Product implements AutoCloseable {
  private static final long FLOAT = 4;
  private static final long ALIGNMENT = 64;

  /** What a part of op(A) or op(B) has at least, so that a tile is worth a task. */
  private static final long ROWS = 64;

  private static final long COLUMNS = 128;

  /**
   * Of which matrices.
   *
   * @param rows of op(A) and y
   * @param inner columns of op(A), rows of op(B)
   * @param columns of op(B) and y
   * @param transA whether A is stored as {@code [inner, rows]}
   * @param transB whether B is stored as {@code [columns, inner]}
   * @param constant whether B is rounded once, by {@link #pack}, for all runs
   */
  record Sizes(
      long rows, long inner, long columns, boolean transA, boolean transB, boolean constant) {}

  /** Native memory that grows. */
  static final class Buffer implements AutoCloseable {
    private BytePointer memory = new BytePointer();

    /** Address of at least so many bytes; what was there before is lost when it grows. */
    long of(long bytes) {
      if (memory.limit() < bytes + ALIGNMENT) {
        close();
        memory = new BytePointer(bytes + ALIGNMENT).retainReference();
      }
      return aligned(memory.address());
    }

    @Override
    public void close() {
      memory.deallocate();
    }
  }

  /**
   * A part of a factor.
   *
   * @param from the factor's numbers, {@code fromOffset} bytes behind its first
   * @param to the rounded ones, {@code toOffset} bytes behind the first of all
   */
  private record Part(Memory from, long fromOffset, Memory to, long toOffset, Step rounding) {
    void at(long source, long target) {
      from.at(source + fromOffset);
      to.at(target + toOffset);
    }
  }

  /** Part of y. */
  private record Tile(Memory y, long offset, Step product) {}

  private final Sizes sizes;
  private final List<Part> left = new ArrayList<>();
  private final List<Part> right = new ArrayList<>();
  private final List<Tile> tiles = new ArrayList<>();
  private final List<Step> steps = new ArrayList<>();
  private final Deque<Runnable> owned = new ArrayDeque<>();
  private final long leftBytes;
  private final long rightBytes;

  /** What comes first in the scratch memory, then op(A), then op(B) unless it is constant. */
  private final long scratchpads;

  /** For so many threads. */
  Product(Sizes sizes, int threads) {
    this.sizes = sizes;
    long[] columns = cuts(sizes.columns(), COLUMNS, threads);
    long[] rows = cuts(sizes.rows(), ROWS, 2L * threads / (columns.length - 1));
    this.leftBytes = cutLeft(rows);
    this.rightBytes = cutRight(columns);
    for (int i = 0; i < left.size(); i++) {
      for (int j = 0; j < right.size(); j++) {
        Memory y =
            own(
                Memory.floats(
                    rows[i + 1] - rows[i], columns[j + 1] - columns[j], sizes.columns(), 1));
        long offset = (rows[i] * sizes.columns() + columns[j]) * FLOAT;
        Step product = own(Step.product(left.get(i).to(), right.get(j).to(), y));
        tiles.add(new Tile(y, offset, product));
      }
    }
    this.scratchpads = steps.stream().mapToLong(s -> aligned(s.scratchpad().bytes())).sum();
  }

  /** Where to cut: at most so many parts of at least a size, at multiples of it. */
  private static long[] cuts(long whole, long least, long parts) {
    long units = Math.max(1, whole / least);
    int count = (int) Math.min(units, parts);
    long[] cuts = new long[count + 1];
    for (int i = 1; i < count; i++) {
      cuts[i] = units * i / count * least;
    }
    cuts[count] = whole;
    return cuts;
  }

  private long cutLeft(long[] rows) {
    long rowStride = sizes.transA() ? 1 : sizes.inner();
    long columnStride = sizes.transA() ? sizes.rows() : 1;
    long bytes = 0;
    for (int i = 0; i + 1 < rows.length; i++) {
      long count = rows[i + 1] - rows[i];
      Memory from = own(Memory.floats(count, sizes.inner(), rowStride, columnStride));
      Memory to = own(Memory.bfloat16(count, sizes.inner()));
      left.add(part(from, rows[i] * rowStride * FLOAT, to, bytes));
      bytes += aligned(to.bytes());
    }
    return bytes;
  }

  private long cutRight(long[] columns) {
    long rowStride = sizes.transB() ? 1 : sizes.columns();
    long columnStride = sizes.transB() ? sizes.inner() : 1;
    long bytes = 0;
    for (int j = 0; j + 1 < columns.length; j++) {
      long count = columns[j + 1] - columns[j];
      Memory from = own(Memory.floats(sizes.inner(), count, rowStride, columnStride));
      // The best layout takes longer to write than it saves in one product.
      Memory to =
          own(
              sizes.constant()
                  ? Memory.packed(sizes.inner(), count)
                  : Memory.bfloat16(sizes.inner(), count));
      right.add(part(from, columns[j] * columnStride * FLOAT, to, bytes));
      bytes += aligned(to.bytes());
    }
    return bytes;
  }

  private Part part(Memory from, long fromOffset, Memory to, long toOffset) {
    return new Part(from, fromOffset, to, toOffset, own(Step.conversion(from, to)));
  }

  private Memory own(Memory made) {
    owned.push(made::close);
    return made;
  }

  private Step own(Step made) {
    owned.push(made::close);
    steps.add(made);
    return made;
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** Rounds a constant op(B) into memory that later runs are given. */
  void pack(long b, Buffer packed, Buffer scratch, Workers workers) {
    long target = packed.of(rightBytes);
    place(scratch.of(scratchpads));
    right.forEach(part -> part.at(b, target));
    workers.run(right.size(), j -> right.get(j).rounding().run());
  }

  /**
   * Computes.
   *
   * @param a address of A
   * @param b address of B; where it is constant, of nothing
   * @param y address of what is written
   * @param packed what {@link #pack} wrote, where B is constant
   * @param scratch memory to compute in, for one run at a time
   */
  void run(long a, long b, long y, Buffer packed, Buffer scratch, Workers workers) {
    boolean rounds = !sizes.constant();
    long first = scratch.of(scratchpads + leftBytes + (rounds ? rightBytes : 0));
    place(first);
    long leftTo = first + scratchpads;
    long rightTo = rounds ? leftTo + leftBytes : packed.of(rightBytes);
    left.forEach(part -> part.at(a, leftTo));
    right.forEach(part -> part.at(b, rightTo));
    tiles.forEach(tile -> tile.y().at(y + tile.offset()));
    int n = left.size();
    workers.run(
        rounds ? n + right.size() : n,
        i -> (i < n ? left.get(i) : right.get(i - n)).rounding().run());
    workers.run(tiles.size(), i -> tiles.get(i).product().run());
  }

  /** Gives every step memory of its own to compute in. */
  private void place(long first) {
    long next = first;
    for (Step step : steps) {
      step.scratchpad().at(next);
      next += aligned(step.scratchpad().bytes());
    }
  }

  @Override
  public void close() {
    while (!owned.isEmpty()) {
      owned.pop().run();
    }
  }
}
