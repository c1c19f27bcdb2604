package dev.filtrate.runtime;

import dev.filtrate.runtime.RuntimeOptions.CpuKernels;
import dev.filtrate.runtime.RuntimeOptions.Optimization;
import dev.filtrate.runtime.kernels.Kernels;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.onnxruntime.CUDAProviderOptions;
import org.bytedeco.onnxruntime.SessionOptions;
import org.bytedeco.onnxruntime.StringStringMap;
import org.bytedeco.onnxruntime.global.onnxruntime;

/** {@link RuntimeOptions} in the runtime's terms. */
final class SessionSettings {
  private SessionSettings() {}

  /** The native options, for the innermost scope. */
  static SessionOptions of(String name, RuntimeOptions options) {
    SessionOptions o = new SessionOptions();
    o.SetLogSeverityLevel(Native.LOGGING);
    // Not the runtime's own default: it counts cores that a container may not use, and pins
    // threads.
    int cores = Runtime.getRuntime().availableProcessors();
    int threads = options.threads() == 0 ? cores : options.threads();
    o.SetIntraOpNumThreads(threads);
    o.SetExecutionMode(options.parallel() ? onnxruntime.ORT_PARALLEL : onnxruntime.ORT_SEQUENTIAL);
    // One more, since the calling thread only waits for the others then.
    o.SetInterOpNumThreads(options.parallel() ? threads + 1 : 1);
    o.SetDeterministicCompute(true);
    o.SetGraphOptimizationLevel(level(options.optimization()));
    if (options.arena()) {
      o.EnableCpuMemArena();
    } else {
      o.DisableCpuMemArena();
    }
    if (options.memoryPattern()) {
      o.EnableMemPattern();
    } else {
      o.DisableMemPattern();
    }
    o.AddConfigEntry("session.disable_prepacking", options.prepacking() ? "0" : "1");
    // Those that run nodes side by side only wait in between, for whole kernels.
    o.AddConfigEntry("session.inter_op.allow_spinning", "0");
    // Teacher and student take turns: the idle one's threads must not spin on the other's cores.
    o.AddConfigEntry("session.force_spinning_stop", "1");
    options.fixedDims().forEach(o::AddFreeDimensionOverrideByName);
    options
        .profilePrefix()
        .ifPresent(prefix -> o.EnableProfiling(Native.path(prefix + "-" + name)));
    if (options.cpuKernels() != CpuKernels.ORT) {
      Kernels.addTo(o);
    }
    if (options.device().isCuda()) {
      o.AppendExecutionProvider_CUDA_V2(cuda(options).asOrtCUDAProviderOptionsV2());
    }
    return o;
  }

  private static int level(Optimization level) {
    return switch (level) {
      case NONE -> onnxruntime.ORT_DISABLE_ALL;
      case BASIC -> onnxruntime.ORT_ENABLE_BASIC;
      case EXTENDED -> onnxruntime.ORT_ENABLE_EXTENDED;
      case ALL -> onnxruntime.ORT_ENABLE_ALL;
    };
  }

  private static CUDAProviderOptions cuda(RuntimeOptions options) {
    StringStringMap settings = new StringStringMap();
    put(settings, "device_id", Integer.toString(options.device().index()));
    put(settings, "arena_extend_strategy", "kSameAsRequested"); // no doubling of a large model
    put(settings, "use_tf32", options.tf32() ? "1" : "0");
    // One stream for all sessions, so that they need not wait for each other: the one that CUDA has
    // for each thread (cudaStreamPerThread), which nobody must make and which can be captured.
    put(settings, "has_user_compute_stream", "1");
    put(settings, "user_compute_stream", "2");
    // Attention in tiles for any length and type (the bit of EFFICIENT_ATTENTION), where otherwise
    // float32 and bfloat16 get it from 256 tokens on; what no such kernel takes still has others.
    put(settings, "sdpa_kernel", "2");
    put(settings, "enable_cuda_graph", options.replays() ? "1" : "0");
    CUDAProviderOptions provider = new CUDAProviderOptions();
    provider.Update(settings);
    return provider;
  }

  private static void put(StringStringMap map, String key, String value) {
    map.put(new BytePointer(key), value);
  }
}
