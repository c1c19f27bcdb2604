package dev.filtrate.runtime;

import dev.filtrate.base.Check;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * How sessions run. The defaults are those for training with batches of varying length; results do
 * not depend on anything here but the device, the number of threads and the optimisation level.
 *
 * @param device where to compute
 * @param threads how many threads compute one operator; 0 = one for every core
 * @param arena whether memory is kept for the next run instead of given back (faster, larger)
 * @param parallel whether nodes that do not wait for each other run side by side, for graphs of
 *     many nodes whose kernels keep to one thread
 * @param memoryPattern whether memory is laid out once per input shape: only for fixed shapes
 * @param optimization how far the runtime rewrites the graph
 * @param prepacking whether constant weights are kept a second time in the kernels' layout
 * @param tf32 whether CUDA may round the factors of float32 products to 10 bits of precision
 * @param cpuKernels whose kernels a CPU has: a graph that is lowered for some needs them here
 * @param cudaGraphs whether a session keeps its inputs and outputs at fixed addresses, by shape,
 *     and CUDA replays its kernels on them: for graphs lowered for that, and not for those that
 *     change something in place, as a batch of a new shape runs more than once
 * @param fixedDims named dims that always have this size, so that shape arithmetic folds away
 * @param profilePrefix path and start of the name of profiles to write, if any: the session's name
 *     and the time follow
 */
public record RuntimeOptions(
    Device device,
    int threads,
    boolean arena,
    boolean parallel,
    boolean memoryPattern,
    Optimization optimization,
    boolean prepacking,
    boolean tf32,
    CpuKernels cpuKernels,
    boolean cudaGraphs,
    Map<String, Long> fixedDims,
    Optional<String> profilePrefix) {

  /** Whose kernels a CPU has. */
  public enum CpuKernels {
    /** ONNX Runtime's: what an export meets everywhere. */
    ORT,
    /** Also those of {@link dev.filtrate.runtime.kernels}. */
    OWN,
    /** The same, and products with matrices round their factors to bfloat16. */
    OWN_BFLOAT16
  }

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
        Device.CPU,
        0,
        true,
        false,
        false,
        Optimization.ALL,
        true,
        false,
        CpuKernels.ORT,
        false,
        Map.of(),
        Optional.empty());
  }

  /** Whether sessions replay: not under the profiler, which would not see kernels one by one. */
  boolean replays() {
    return cudaGraphs && profilePrefix.isEmpty();
  }

  /** These on another device. */
  public RuntimeOptions withDevice(Device other) {
    return with(o -> o.device = other);
  }

  /** These with another number of threads; 0 = one for every core. */
  public RuntimeOptions withThreads(int number) {
    return with(o -> o.threads = number);
  }

  /** These with or without memory kept between runs. */
  public RuntimeOptions withArena(boolean on) {
    return with(o -> o.arena = on);
  }

  /** These with independent nodes side by side, or one after the other. */
  public RuntimeOptions withParallel(boolean on) {
    return with(o -> o.parallel = on);
  }

  /** These with or without a memory layout per input shape. */
  public RuntimeOptions withMemoryPattern(boolean on) {
    return with(o -> o.memoryPattern = on);
  }

  /** These with another optimisation level. */
  public RuntimeOptions withOptimization(Optimization level) {
    return with(o -> o.optimization = level);
  }

  /** These with or without a second, prepacked copy of constant weights. */
  public RuntimeOptions withPrepacking(boolean on) {
    return with(o -> o.prepacking = on);
  }

  /** These with or without TF32 products on CUDA. */
  public RuntimeOptions withTf32(boolean on) {
    return with(o -> o.tf32 = on);
  }

  /** These with other kernels on a CPU. */
  public RuntimeOptions withCpuKernels(CpuKernels kernels) {
    return with(o -> o.cpuKernels = kernels);
  }

  /** These with or without replaying on CUDA. */
  public RuntimeOptions withCudaGraphs(boolean on) {
    return with(o -> o.cudaGraphs = on);
  }

  /** These with one more named dim fixed. */
  public RuntimeOptions withFixedDim(String name, long size) {
    return with(o -> o.fixedDims.put(name, size));
  }

  /** These with a {@link Profile} of each session written beside this path when it closes. */
  public RuntimeOptions withProfile(String prefix) {
    return with(o -> o.profilePrefix = Optional.of(prefix));
  }

  private RuntimeOptions with(Consumer<Change> change) {
    Change changed = new Change(this);
    change.accept(changed);
    return changed.done();
  }

  /** A copy to change before it is options again. */
  private static final class Change {
    private Device device;
    private int threads;
    private boolean arena;
    private boolean parallel;
    private boolean memoryPattern;
    private Optimization optimization;
    private boolean prepacking;
    private boolean tf32;
    private CpuKernels cpuKernels;
    private boolean cudaGraphs;
    private final Map<String, Long> fixedDims;
    private Optional<String> profilePrefix;

    Change(RuntimeOptions o) {
      device = o.device;
      threads = o.threads;
      arena = o.arena;
      parallel = o.parallel;
      memoryPattern = o.memoryPattern;
      optimization = o.optimization;
      prepacking = o.prepacking;
      tf32 = o.tf32;
      cpuKernels = o.cpuKernels;
      cudaGraphs = o.cudaGraphs;
      fixedDims = new TreeMap<>(o.fixedDims);
      profilePrefix = o.profilePrefix;
    }

    RuntimeOptions done() {
      return new RuntimeOptions(
          device,
          threads,
          arena,
          parallel,
          memoryPattern,
          optimization,
          prepacking,
          tf32,
          cpuKernels,
          cudaGraphs,
          fixedDims,
          profilePrefix);
    }
  }
}
