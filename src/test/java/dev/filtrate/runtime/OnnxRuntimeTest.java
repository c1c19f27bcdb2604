package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.filtrate.base.UserError;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxRuntimeTest {
  @Test
  void readsDevices() {
    assertEquals(Device.CPU, Device.parse("cpu"));
    assertEquals(Device.cuda(0), Device.parse("cuda"));
    assertEquals(Device.cuda(3), Device.parse("cuda:3"));
    assertEquals("cuda:3", Device.cuda(3).toString());
    assertEquals("cpu", Device.CPU.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpu", "cuda:", "cuda:-1", "cuda:x", "", "CPU", "cuda:99999"})
  void refusesOtherDevices(String text) {
    UserError e = assertThrows(UserError.class, () -> Device.parse(text));
    assertEquals(
        "device: expected cpu, cuda or cuda:<number>, got \"" + text + "\"", e.getMessage());
  }

  @Test
  void refusesANegativeNumberOfThreads() {
    UserError e = assertThrows(UserError.class, () -> RuntimeOptions.defaults().withThreads(-1));
    assertEquals("threads: expected 0 (all cores) or more, got -1", e.getMessage());
  }

  @Test
  void readsTheFeaturesOfProcessors() {
    assertEquals(
        Set.of("avx2", "avx512_bf16", "amx_tile", "fma"),
        OnnxRuntime.cpuFeatures(
            Stream.of(
                "processor : 0",
                "flags\t\t: fpu sse2 fma avx2 avx512_bf16 amx_tile",
                "flags\t\t: fpu avx2 avx512f")));
    assertEquals(
        Set.of("asimd", "bf16"),
        OnnxRuntime.cpuFeatures(Stream.of("Features\t: fp asimd bf16 crc32")));
    assertEquals(Set.of(), OnnxRuntime.cpuFeatures(Stream.of("processor : 0")));
  }

  @Test
  @Tag("ort")
  void knowsWhatIsInstalled() {
    assertTrue(OnnxRuntime.version().matches("\\d+\\.\\d+\\.\\d+"), OnnxRuntime.version());
    assertTrue(OnnxRuntime.providers().contains("CPUExecutionProvider"));
    assertTrue(OnnxRuntime.canTrain());
  }

  @Test
  @Tag("ort")
  void cudaNeedsTheBuildForIt() {
    assumeFalse(OnnxRuntime.providers().contains("CUDAExecutionProvider"), "the CUDA build");
    RuntimeOptions options = RuntimeOptions.defaults().withDevice(Device.cuda(0));
    UserError e =
        assertThrows(UserError.class, () -> ComputeSession.open("any", new byte[0], options));
    assertEquals(
        "device cuda:0: this build has no CUDA provider; build with ./mvnw -Pcuda package, or use"
            + " --device cpu",
        e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13:"
            + " cannot open shared object file: No such file or directory"
            + "|libcublasLt.so.13 was not found; install CUDA 13 and cuDNN 9, or use --device cpu",
        "libcuda.so.1: cannot open shared object file: No such file or directory"
            + "|no NVIDIA driver (libcuda.so.1) was found; install one, or use --device cpu",
        "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1"
            + "|the NVIDIA driver is missing or older than CUDA 13 needs; install a newer one, or use"
            + " --device cpu",
        "CUDA failure 100: no CUDA-capable device is detected ; GPU=-1"
            + "|no NVIDIA GPU was found; use --device cpu",
        "CUDA failure 101: invalid device ordinal ; GPU=3"
            + "|there is no GPU of this number; count from cuda:0",
        "something new|the CUDA provider cannot start: something new",
      })
  void saysInOneSentenceWhyCudaDoesNotStart(String message, String sentence) {
    UserError e = OnnxRuntime.cudaFailure(Device.cuda(3), new RuntimeException(message));
    assertEquals("device cuda:3: " + sentence, e.getMessage());
  }
}
