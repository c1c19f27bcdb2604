package dev.filtrate.runtime;

import dev.filtrate.base.UserError;
import dev.filtrate.runtime.kernels.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What the native runtime on this machine is and can do. */
public final class OnnxRuntime {
  private static final Pattern MISSING =
      Pattern.compile("(lib[\\w+-]+\\.so[.\\d]*): cannot open shared object file");

  private OnnxRuntime() {}

  /** ONNX Runtime's version, as in {@code 1.24.1}. */
  public static String version() {
    return Native.version();
  }

  /** The execution providers of this build, as ONNX Runtime names them. */
  public static List<String> providers() {
    return Native.providers();
  }

  /** Whether this build has the training operators. */
  public static boolean canTrain() {
    return Native.canTrain();
  }

  /**
   * Makes everything random in the next run a function of this number. The generator is one for the
   * process: the n-th random node to run draws from the number plus n, so numbers of different runs
   * should be far apart.
   */
  public static void setSeed(long seed) {
    Native.setSeed(seed);
  }

  /**
   * The processor's instruction sets that matter for matrix products ({@code avx2}, {@code
   * avx512_bf16}, {@code amx_tile}, {@code asimd} …); empty where the system does not list them.
   */
  public static Set<String> cpuFeatures() {
    Path info = Path.of("/proc/cpuinfo");
    if (!Files.isReadable(info)) {
      return Set.of();
    }
    try (Stream<String> lines = Files.lines(info)) {
      return cpuFeatures(lines);
    } catch (IOException e) {
      return Set.of();
    }
  }

  /**
   * Whether kernels add products of bytes in 32 bits; x86 processors before VNNI add two of them in
   * 16, which full bytes overflow.
   */
  public static boolean addsProductsOfBytesExactly() {
    Set<String> features = cpuFeatures();
    return features.stream().noneMatch(f -> f.startsWith("avx"))
        || features.stream().anyMatch(f -> f.endsWith("vnni"));
  }

  /** Whether sessions on the CPU know this project's own operators, and are faster with them. */
  public static boolean hasOwnKernels() {
    Native.env(); // which settles how JavaCPP loads
    return Kernels.areAvailable();
  }

  /** Whether they multiply bfloat16 with instructions of this processor. */
  public static boolean multipliesBFloat16() {
    Native.env();
    return Kernels.multiplyBFloat16();
  }

  static Set<String> cpuFeatures(Stream<String> cpuinfo) {
    Set<String> features = new TreeSet<>();
    cpuinfo
        .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
        .findFirst()
        .ifPresent(line -> features.addAll(Arrays.asList(line.split("[\\s:]+"))));
    features.removeIf(f -> !f.matches("avx.*|amx.*|fma|f16c|asimd.*|sve.*|bf16|i8mm"));
    return features;
  }

  /** Throws {@link UserError} with what is missing unless the CUDA device can be used. */
  public static void requireCuda(Device device) {
    if (!providers().contains("CUDAExecutionProvider")) {
      throw new UserError(
          "device "
              + device
              + ": this build has no CUDA provider; build with ./mvnw -Pcuda package, or use"
              + " --device cpu");
    }
    CudaMemory.of(device);
  }

  /** The one sentence for what the CUDA provider says when it cannot start. */
  static UserError cudaFailure(Device device, RuntimeException cause) {
    String message = String.valueOf(cause.getMessage()).strip();
    return new UserError("device " + device + ": " + cudaProblem(message), cause);
  }

  private static String cudaProblem(String message) {
    Matcher missing = MISSING.matcher(message);
    if (missing.find()) {
      return missing.group(1).startsWith("libcuda.so")
          ? "no NVIDIA driver (libcuda.so.1) was found; install one, or use --device cpu"
          : missing.group(1) + " was not found; install CUDA 13 and cuDNN 9, or use --device cpu";
    }
    if (message.contains("CUDA failure 35") || message.contains("driver version is insufficient")) {
      return "the NVIDIA driver is missing or older than CUDA 13 needs; install a newer one, or use"
          + " --device cpu";
    }
    if (message.contains("CUDA failure 100") || message.contains("no CUDA-capable device")) {
      return "no NVIDIA GPU was found; use --device cpu";
    }
    if (message.contains("CUDA failure 101") || message.contains("invalid device ordinal")) {
      return "there is no GPU of this number; count from cuda:0";
    }
    return "the CUDA provider cannot start: "
        + message.lines().findFirst().orElse("no reason given");
  }
}
