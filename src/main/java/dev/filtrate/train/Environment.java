package dev.filtrate.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Version;
import dev.filtrate.recipe.Keys;
import dev.filtrate.runtime.OnnxRuntime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run ran on: enough to explain a difference between two machines.
 *
 * @param filtrate this program's version; null where classes are run without the jar
 * @param java the Java runtime and its vendor
 * @param os the operating system and the processor's architecture
 * @param cores processors that this process may use
 * @param cpuFeatures instruction sets that matter for matrix products
 * @param heapBytes the limit of the Java heap (tensors live outside it)
 * @param onnxRuntime ONNX Runtime's version
 * @param providers its execution providers
 * @param trainingOperators whether it has them
 * @param ownKernels whether the CPU's sessions use this project's own kernels too
 * @param bfloat16Products whether the processor multiplies bfloat16, and they let it
 */
public record Environment(
    @Nullable String filtrate,
    String java,
    String os,
    int cores,
    List<String> cpuFeatures,
    long heapBytes,
    String onnxRuntime,
    List<String> providers,
    boolean trainingOperators,
    boolean ownKernels,
    boolean bfloat16Products) {
  /** Copies the lists. */
  public Environment {
    cpuFeatures = List.copyOf(cpuFeatures);
    providers = List.copyOf(providers);
  }

  /** This process's; loads the native runtime. */
  public static Environment here() {
    return new Environment(
        Version.current(),
        System.getProperty("java.version") + " (" + System.getProperty("java.vendor") + ")",
        "%s %s, %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch")),
        Runtime.getRuntime().availableProcessors(),
        List.copyOf(OnnxRuntime.cpuFeatures()),
        Runtime.getRuntime().maxMemory(),
        OnnxRuntime.version(),
        OnnxRuntime.providers(),
        OnnxRuntime.canTrain(),
        OnnxRuntime.hasOwnKernels(),
        OnnxRuntime.multipliesBFloat16());
  }

  /** As {@code environment.json} holds it. */
  public ObjectNode toJson() {
    return new Keys()
        .put("filtrate", filtrate)
        .put("java", java)
        .put("os", os)
        .put("cores", cores)
        .put("cpu_features", cpuFeatures)
        .put("heap_bytes", heapBytes)
        .put("onnxruntime", onnxRuntime)
        .put("providers", providers)
        .put("training_operators", trainingOperators)
        .put("own_kernels", ownKernels)
        .put("bfloat16_products", bfloat16Products)
        .object();
  }
}
