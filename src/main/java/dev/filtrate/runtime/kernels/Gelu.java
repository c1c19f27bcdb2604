package dev.filtrate.runtime.kernels;

import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.kernels.OneDnn.Memory;
import dev.filtrate.runtime.kernels.OneDnn.Step;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code x·Φ(x)}, or its gradient {@code dy·(Φ(x) + x·φ(x))}, element by element. Off by 1.2e-6 at
 * most, like PyTorch's on CPUs, which is oneDNN's too.
 */
final class Gelu implements Kernel {
  private static final long FLOAT = 4;

  /** Numbers of a task: they fit a core's cache. */
  private static final long SLICE = 16384;

  /** Slices of the usual size, grown as they are needed, and the last ones, which are shorter. */
  private record Slices(List<Slice> whole, Prepared<Long, Slice> rest) {}

  private static final Slices FORWARD = slices(false);
  private static final Slices BACKWARD = slices(true);

  /** A step and what it reads and writes. */
  private record Slice(List<Memory> reads, Memory writes, Step step) implements AutoCloseable {
    static Slice forward(long size) {
      Memory x = Memory.floats(size);
      Memory y = Memory.floats(size);
      return new Slice(List.of(x), y, Step.gelu(x, y));
    }

    static Slice backward(long size) {
      Memory dy = Memory.floats(size);
      Memory x = Memory.floats(size);
      Memory dx = Memory.floats(size);
      return new Slice(List.of(dy, x), dx, Step.geluGradient(dy, x, dx));
    }

    @Override
    public void close() {
      step.close();
      reads.forEach(Memory::close);
      writes.close();
    }
  }

  private static Slices slices(boolean backward) {
    return new Slices(new ArrayList<>(), new Prepared<>(64, n -> slice(backward, n)));
  }

  private static Slice slice(boolean backward, long size) {
    return backward ? Slice.backward(size) : Slice.forward(size);
  }

  private final boolean backward;
  private final Slices slices;

  private Gelu(boolean backward) {
    this.backward = backward;
    this.slices = backward ? BACKWARD : FORWARD;
  }

  /** From x to y. */
  static Gelu forward() {
    return new Gelu(false);
  }

  /** From dy and x to dx. */
  static Gelu backward() {
    return new Gelu(true);
  }

  @Override
  public void compute(Call call) {
    long[] dims = call.dims(0);
    long y = call.output(dims);
    long size = Tensor.count(dims);
    int whole = Math.toIntExact(size / SLICE);
    long rest = size % SLICE;
    while (slices.whole().size() < whole) {
      slices.whole().add(slice(backward, SLICE));
    }
    List<Slice> used = new ArrayList<>(slices.whole().subList(0, whole));
    if (rest > 0) {
      used.add(slices.rest().of(rest));
    }
    for (int i = 0; i < used.size(); i++) {
      long offset = i * SLICE * FLOAT;
      Slice slice = used.get(i);
      for (int input = 0; input < slice.reads().size(); input++) {
        slice.reads().get(input).at(call.address(input) + offset);
      }
      slice.writes().at(y + offset);
    }
    call.run(used.size(), i -> used.get(i).step().run());
  }
}
