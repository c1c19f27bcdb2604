package dev.filtrate.runtime;

import dev.filtrate.base.UserError;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.CharPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.onnxruntime.Env;
import org.bytedeco.onnxruntime.IoBinding;
import org.bytedeco.onnxruntime.OrtAllocator;
import org.bytedeco.onnxruntime.OrtApi;
import org.bytedeco.onnxruntime.OrtMemoryInfo;
import org.bytedeco.onnxruntime.OrtStatus;
import org.bytedeco.onnxruntime.OrtTrainingApi;
import org.bytedeco.onnxruntime.Session;
import org.bytedeco.onnxruntime.StringVector;
import org.bytedeco.onnxruntime.Value;
import org.bytedeco.onnxruntime.global.onnxruntime;
import org.jspecify.annotations.Nullable;

/** The native library: loaded once, on first use, and kept to the end of the process. */
final class Native {
  private Native() {}

  /** Every error arrives as an exception too, and is told once. */
  static final int LOGGING = onnxruntime.ORT_LOGGING_LEVEL_FATAL;

  private static @Nullable Env env;

  /** The one environment. */
  static synchronized Env env() {
    Env loaded = env;
    if (loaded == null) {
      loaded = load();
      env = loaded;
    }
    return loaded;
  }

  private static Env load() {
    // JavaCPP would hold the whole resident set, mapped weights included, against the Java heap.
    defaultProperty("org.bytedeco.javacpp.maxBytes", "0");
    defaultProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    try {
      return new Env(LOGGING, "filtrate");
    } catch (LinkageError e) {
      throw new UserError(
          String.format(
              "ONNX Runtime's native library cannot be loaded on %s %s: %s; build on this platform"
                  + " with ./mvnw package",
              System.getProperty("os.name"), System.getProperty("os.arch"), e.getMessage()),
          e);
    }
  }

  private static void defaultProperty(String name, String value) {
    if (System.getProperty(name) == null) {
      System.setProperty(name, value);
    }
  }

  /** The allocator of plain host memory, which nobody closes. */
  static OrtAllocator allocator() {
    env();
    try (PointerScope scope = new PointerScope()) {
      PointerPointer<OrtAllocator> result = new PointerPointer<>(1);
      onnxruntime.GetApi().GetAllocatorWithDefaultOptions(result);
      return new OrtAllocator(result.get());
    }
  }

  /** Frees what the runtime made with {@link #allocator}. */
  static void free(Pointer memory) {
    check(onnxruntime.GetApi().AllocatorFree(allocator(), memory));
  }

  /** A path as the runtime takes it on this system, for the innermost scope. */
  static Pointer path(String path) {
    boolean wide = System.getProperty("os.name", "").startsWith("Windows");
    return wide ? new CharPointer(path) : new BytePointer(path);
  }

  static String version() {
    env();
    return onnxruntime.GetVersionString().getString();
  }

  static List<String> providers() {
    env();
    try (PointerScope scope = new PointerScope()) {
      return strings(onnxruntime.GetAvailableProviders());
    }
  }

  static List<String> strings(StringVector vector) {
    List<String> all = new ArrayList<>();
    for (long i = 0; i < vector.size(); i++) {
      all.add(vector.get(i).getString());
    }
    return all;
  }

  /** Those of a session's inputs that its kernels do not want in host memory. */
  static Set<String> onDevice(Session session, List<String> inputs) {
    Set<String> onDevice = new HashSet<>();
    try (PointerScope scope = new PointerScope()) {
      OrtApi api = onnxruntime.GetApi();
      PointerPointer<OrtMemoryInfo> places = new PointerPointer<>(inputs.size());
      check(api.SessionGetMemoryInfoForInputs(session.asOrtSession(), places, inputs.size()));
      IntPointer kind = new IntPointer(1);
      for (int i = 0; i < inputs.size(); i++) {
        api.MemoryInfoGetDeviceType().call(places.get(OrtMemoryInfo.class, i), kind);
        if (kind.get() != onnxruntime.OrtMemoryInfoDeviceType_CPU) {
          onDevice.add(inputs.get(i));
        }
      }
    }
    return onDevice;
  }

  /** Whether the build has the training interface (and with it the training operators). */
  static boolean canTrain() {
    env();
    try (PointerScope scope = new PointerScope()) {
      return !training().isNull();
    }
  }

  static void setSeed(long seed) {
    env();
    try (PointerScope scope = new PointerScope()) {
      check(training().SetSeed(seed));
    }
  }

  static OrtTrainingApi training() {
    OrtApi api = onnxruntime.GetApi();
    return api.GetTrainingApi().call(onnxruntime.ORT_API_VERSION);
  }

  // The C++ wrapper's BindInput and BindOutput take the value away from its Java object and give it
  // to the innermost scope; the C functions below leave it alone.

  static void bindInput(IoBinding binding, String name, Value value) {
    check(onnxruntime.GetApi().BindInput(binding.asOrtIoBinding(), name, value.asOrtValue()));
  }

  static void bindOutput(IoBinding binding, String name, Value value) {
    check(onnxruntime.GetApi().BindOutput(binding.asOrtIoBinding(), name, value.asOrtValue()));
  }

  /** Throws what the C++ wrapper would have thrown. */
  static void check(@Nullable OrtStatus status) {
    if (status != null && !status.isNull()) {
      OrtApi api = onnxruntime.GetApi();
      String message = api.GetErrorMessage().call(status).getString();
      api.ReleaseStatus(status);
      throw new RuntimeException(message);
    }
  }

  /** What a native failure becomes: a matter for the user where it is one, else a defect here. */
  static RuntimeException failure(String where, RuntimeException cause) {
    if (cause.getClass() != RuntimeException.class) { // not thrown by the native side
      return cause;
    }
    String message = String.valueOf(cause.getMessage()).strip();
    String lower = message.toLowerCase(Locale.ROOT);
    if (lower.contains("bad_alloc") || lower.contains("failed to allocate memory")) {
      return new UserError(
          where + ": out of memory; take a smaller batch or shorter sequences", cause);
    }
    return new IllegalStateException(where + ": " + message, cause);
  }
}
