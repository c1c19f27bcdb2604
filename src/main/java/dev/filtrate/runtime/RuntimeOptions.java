package dev.filtrate.runtime;

import dev.filtrate.base.Check;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How sessions run. The defaults are those for training with batches of varying length; results do
 * not depend on anything here but the device, the number of threads and the optimisation level.
 *
 * @param device where to compute
 * @param threads how many threads compute one operator; 0 = one for every core
 * @param arena whether memory is kept for the next run instead of given back (faster, larger)
 * @param memoryPattern whether memory is laid out once per input shape: only for fixed shapes
 * @param optimization how far the runtime rewrites the graph
 * @param prepacking whether constant weights are kept a second time in the kernels' layout
 * @param fixedDims named dims that always have this size, so that shape arithmetic folds away
 * @param profilePrefix path and start of the name of a profile to write, if any
 */
public record RuntimeOptions(
    Device device,
    int threads,
    boolean arena,
    boolean memoryPattern,
    Optimization optimization,
    boolean prepacking,
    Map<String, Long> fixedDims,
    Optional<String> profilePrefix) {

  /** How far the runtime rewrites a graph, as ONNX Runtime names the levels. */
  public enum Optimization {
    /** As written. */
    NONE,
    /** Constant folding and the removal of what does nothing. */
    BASIC,
    /** Also fusions into ONNX Runtime's own operators. */
    EXTENDED,
    /** Also memory layouts. */
    ALL
  }

  /** Checks the numbers and copies the map. */
  public RuntimeOptions {
    Check.user(threads >= 0, "threads: expected 0 (all cores) or more, got %d", threads);
    fixedDims.forEach(
        (name, size) -> Check.argument(size >= 1, "dim '%s' cannot be fixed at %d", name, size));
    fixedDims = Map.copyOf(fixedDims);
  }

  /** The CPU with all cores. */
  public static RuntimeOptions defaults() {
    return new RuntimeOptions(
        Device.CPU, 0, true, false, Optimization.ALL, true, Map.of(), Optional.empty());
  }

  /** These on another device. */
  public RuntimeOptions withDevice(Device other) {
    return new RuntimeOptions(
        other, threads, arena, memoryPattern, optimization, prepacking, fixedDims, profilePrefix);
  }

  /** These with another number of threads; 0 = one for every core. */
  public RuntimeOptions withThreads(int number) {
    return new RuntimeOptions(
        device, number, arena, memoryPattern, optimization, prepacking, fixedDims, profilePrefix);
  }

  /** These with or without memory kept between runs. */
  public RuntimeOptions withArena(boolean on) {
    return new RuntimeOptions(
        device, threads, on, memoryPattern, optimization, prepacking, fixedDims, profilePrefix);
  }

  /** These with or without a memory layout per input shape. */
  public RuntimeOptions withMemoryPattern(boolean on) {
    return new RuntimeOptions(
        device, threads, arena, on, optimization, prepacking, fixedDims, profilePrefix);
  }

  /** These with another optimisation level. */
  public RuntimeOptions withOptimization(Optimization level) {
    return new RuntimeOptions(
        device, threads, arena, memoryPattern, level, prepacking, fixedDims, profilePrefix);
  }

  /** These with or without a second, prepacked copy of constant weights. */
  public RuntimeOptions withPrepacking(boolean on) {
    return new RuntimeOptions(
        device, threads, arena, memoryPattern, optimization, on, fixedDims, profilePrefix);
  }

  /** These with one more named dim fixed. */
  public RuntimeOptions withFixedDim(String name, long size) {
    Map<String, Long> more = new TreeMap<>(fixedDims);
    more.put(name, size);
    return new RuntimeOptions(
        device, threads, arena, memoryPattern, optimization, prepacking, more, profilePrefix);
  }

  /** These with a profile written beside this path when the session closes. */
  public RuntimeOptions withProfile(String prefix) {
    return new RuntimeOptions(
        device,
        threads,
        arena,
        memoryPattern,
        optimization,
        prepacking,
        fixedDims,
        Optional.of(prefix));
  }
}
