package dev.filtrate.runtime.kernels;

import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.kernels.OneDnn.Memory;
import dev.filtrate.runtime.kernels.OneDnn.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/**
 * {@code x·Φ(x)}, or its gradient {@code dy·(Φ(x) + x·φ(x))}, element by element. Off by 1.2e-6 at
 * most, like PyTorch's on CPUs, which is oneDNN's too.
 */
final class Gelu implements Kernel {
  private static final long FLOAT = 4;

  /** Numbers of a task: they fit a core's cache. */
  private static final long SLICE = 16384;

  private static final Gelu FORWARD = new Gelu(Slice::forward);
  private static final Gelu BACKWARD = new Gelu(Slice::backward);

  private final LongFunction<Slice> maker;

  /** Slices of the usual size, grown as they are needed. */
  private final List<Slice> whole = new ArrayList<>();

  /** The last ones, which are shorter. */
  private final Prepared<Long, Slice> rest;

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

  private Gelu(LongFunction<Slice> maker) {
    this.maker = maker;
    this.rest = new Prepared<>(64, maker::apply);
  }

  /** From x to y; one for all nodes, of which none keeps anything. */
  static Gelu forward() {
    return FORWARD;
  }

  /** From dy and x to dx; likewise. */
  static Gelu backward() {
    return BACKWARD;
  }

  @Override
  public void compute(Call call) {
    long[] dims = call.dims(0);
    long y = call.output(dims);
    long size = Tensor.count(dims);
    int count = Math.toIntExact(size / SLICE);
    while (whole.size() < count) {
      whole.add(maker.apply(SLICE));
    }
    List<Slice> used = new ArrayList<>(whole.subList(0, count));
    if (size % SLICE > 0) {
      used.add(rest.of(size % SLICE));
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
