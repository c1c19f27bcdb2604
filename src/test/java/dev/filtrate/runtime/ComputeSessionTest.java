package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Operands;
import dev.filtrate.onnx.Parameters;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("ort")
class ComputeSessionTest {
  private static final RuntimeOptions OPTIONS = RuntimeOptions.defaults().withThreads(2);

  /** sum = x + w, product = x · w, over [size]. */
  private static byte[] model() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.FLOAT, Shape.of(Dim.named("size")));
    Value w = g.input("w", DType.FLOAT, Shape.of(Dim.named("size")));
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("sum", g.ops().add(x, w));
    outputs.put("product", g.ops().mul(x, w));
    return OnnxCodec.encode(g.build("test", outputs));
  }

  private static ComputeSession session() {
    return ComputeSession.open("test", model(), OPTIONS);
  }

  private static Tensor floats(float... values) {
    return Tensor.ofFloats(new long[] {values.length}, values);
  }

  private static Tensor the(String name, Map<String, Tensor> tensors) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  @Test
  void feedsAndFetchesOnTheHost() {
    try (ComputeSession session = session()) {
      assertEquals(List.of("x", "w"), session.inputs());
      assertEquals(List.of("sum", "product"), session.outputs());
      for (int size = 1; size < 2000; size *= 3) { // another shape at every run
        float[] x = new float[size];
        float[] w = new float[size];
        for (int i = 0; i < size; i++) {
          x[i] = i;
          w[i] = 2 * i + 1;
        }
        Map<String, Tensor> result = session.run(Map.of("x", floats(x), "w", floats(w)));
        for (int i = 0; i < size; i++) {
          assertEquals(x[i] + w[i], the("sum", result).get(i));
          assertEquals(x[i] * w[i], the("product", result).get(i));
        }
      }
    }
  }

  @Test
  void settingsOfMemoryAndOrderDoNotChangeResults() {
    Map<String, Tensor> feeds = Map.of("x", floats(1, 2), "w", floats(3, 4));
    for (RuntimeOptions options :
        List.of(
            OPTIONS.withArena(false),
            OPTIONS.withMemoryPattern(true),
            OPTIONS.withParallel(true),
            OPTIONS.withPrepacking(false))) {
      try (ComputeSession session = ComputeSession.open("test", model(), options)) {
        for (int run = 0; run < 3; run++) {
          Map<String, Tensor> result = session.run(feeds);
          assertArrayEquals(new float[] {4, 6}, the("sum", result).toFloats(), options.toString());
          assertArrayEquals(new float[] {3, 8}, the("product", result).toFloats());
        }
      }
    }
  }

  @Test
  void feedsFromTheJavaHeap() {
    Tensor heap =
        Tensor.wrap(
            DType.FLOAT, new long[] {2}, ByteBuffer.wrap(new byte[] {0, 0, -128, 63, 0, 0, 0, 64}));
    try (ComputeSession session = session()) {
      Map<String, Tensor> result = session.run(Map.of("x", heap, "w", floats(10, 20)));
      assertArrayEquals(new float[] {11, 22}, the("sum", result).toFloats());
    }
  }

  @Test
  void passesDeviceTensorsFromSessionToSession() {
    try (ComputeSession first = session();
        ComputeSession second = session();
        DeviceTensors there = first.runOnDevice(Map.of("x", floats(1, 2), "w", floats(3, 5)))) {
      Map<String, DeviceTensor> given = Map.of("x", there.get("sum"), "w", there.get("product"));
      Map<String, Tensor> result = second.run(Map.of(), given);
      assertArrayEquals(new float[] {7, 17}, the("sum", result).toFloats());
      assertArrayEquals(new float[] {4, 7}, there.get("sum").download().toFloats());
      first.close();
      assertArrayEquals(
          new float[] {12, 70}, the("product", second.run(Map.of(), given)).toFloats());
    }
  }

  @Test
  void writesBoundOutputsInPlace() {
    try (ComputeSession session = session();
        DeviceTensor w = DeviceTensor.upload("w", floats(1, 10), Device.CPU)) {
      session.bindInput("w", w);
      session.bindOutput("sum", w);
      for (int step = 1; step <= 3; step++) {
        Map<String, Tensor> result = session.run(Map.of("x", floats(2, 3)));
        assertEquals(Set.of("product"), result.keySet());
      }
      assertArrayEquals(new float[] {7, 19}, w.download().toFloats());
    }
  }

  @Test
  void everyRunReadsWhatIsBoundGivenOrFedThen() {
    try (ComputeSession session = session();
        DeviceTensors two =
            DeviceTensors.upload(Map.of("a", floats(1), "b", floats(2)), Device.CPU)) {
      Map<String, Tensor> x = Map.of("x", floats(10));
      session.bindInput("w", two.get("a"));
      assertEquals(11, the("sum", session.run(x)).scalarValue());
      assertEquals(13, the("sum", session.run(Map.of("x", floats(12)))).scalarValue());
      session.bindInput("w", two.get("b"));
      assertEquals(12, the("sum", session.run(x)).scalarValue());
      assertEquals(3, the("sum", session.run(Map.of(), Map.of("x", two.get("a")))).scalarValue());
      two.get("b").set(floats(5));
      assertEquals(15, the("sum", session.run(x)).scalarValue());
      assertEquals(
          10, the("sum", session.run(Map.of("x", floats(4), "w", floats(6)))).scalarValue());
      assertEquals(15, the("sum", session.run(x)).scalarValue(), "bound for good");
      session.bindOutput("sum", two.get("a"));
      assertEquals(Set.of("product"), session.run(x).keySet());
      assertEquals(15, two.get("a").download().scalarValue());
    }
  }

  @Test
  void leavesSomeOutputsOnTheDeviceAndFetchesOthers() {
    try (ComputeSession session = session()) {
      ComputeSession.Outputs outputs =
          session.run(Map.of("x", floats(1), "w", floats(2)), Map.of(), Set.of("product"));
      try (DeviceTensors there = outputs.device()) {
        assertEquals(Set.of("product"), there.names());
        assertEquals(2, there.get("product").download().scalarValue());
        assertEquals(3, the("sum", outputs.host()).scalarValue());
      }
    }
  }

  @ParameterizedTest(name = "prepacking {0}")
  @ValueSource(booleans = {true, false})
  void takesInitializersFromElsewhere(boolean prepacking) {
    RuntimeOptions options = OPTIONS.withPrepacking(prepacking);
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.FLOAT, Shape.of(Dim.named("size"), Dim.of(64)));
    Value y = g.ops().in("dense").linear(x, 32);
    byte[] model =
        OnnxCodec.encode(g.build("dense", Map.of("y", y)), Parameters.declared(), Map.of());
    float[] weight = new float[64 * 32];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = i % 64 == i / 64 ? 2 : 0; // row i takes twice column i
    }
    Tensor bias =
        Tensor.wrap(DType.FLOAT, new long[] {32}, ByteBuffer.allocate(128)); // on the heap
    Map<String, Tensor> initializers =
        Map.of("dense.weight", Tensor.ofFloats(new long[] {32, 64}, weight), "dense.bias", bias);
    float[] input = new float[64];
    input[31] = 3;
    try (ComputeSession session = ComputeSession.open("dense", model, initializers, options)) {
      Map<String, Tensor> result =
          session.run(Map.of("x", Tensor.ofFloats(new long[] {1, 64}, input)));
      float[] y0 = the("y", result).toFloats();
      assertEquals(6, y0[31]);
      assertEquals(0, y0[30]);
    }
  }

  @ParameterizedTest(name = "prepacking {0}")
  @ValueSource(booleans = {true, false})
  void foldsExternalInitializers(boolean prepacking) {
    RuntimeOptions options = OPTIONS.withPrepacking(prepacking);
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.FLOAT, Shape.of(Dim.named("size"), Dim.of(64)));
    Value a = g.ops().parameter("a", Shape.of(64, 64));
    Value b = g.ops().parameter("b", Shape.of(64, 64));
    Value y = g.ops().matMul(x, g.ops().exp(g.ops().matMul(a, g.ops().t(b))));
    Graph graph = Operands.asInputs(g.build("folded", Map.of("y", y)));
    byte[] model = OnnxCodec.encode(graph, Parameters.declared(), Map.of());
    Map<String, Tensor> weights =
        Map.of("a", TinyModel.normal(1, "a", 64, 64), "b", TinyModel.normal(1, "b", 64, 64));
    Map<String, Tensor> input = Map.of("x", TinyModel.normal(1, "x", 3, 64));
    try (ComputeSession folded = ComputeSession.open("folded", model, weights, options);
        ComputeSession fed = ComputeSession.open("fed", OnnxCodec.encode(graph), OPTIONS);
        DeviceTensors views = DeviceTensors.constants(weights, Device.CPU)) {
      fed.bindInputs(views);
      assertEquals(the("y", fed.run(input)), the("y", folded.run(input)));
    }
  }

  @Test
  void opensFilesAndWritesProfiles(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.onnx");
    Files.write(file, model());
    RuntimeOptions options = OPTIONS.withProfile(folder.resolve("profile").toString());
    try (ComputeSession session = ComputeSession.openFile("file", file, options)) {
      for (int run = 0; run < 3; run++) {
        Map<String, Tensor> result = session.run(Map.of("x", floats(1), "w", floats(2)));
        assertEquals(3, the("sum", result).scalarValue());
      }
    }
    Path written;
    try (Stream<Path> files = Files.list(folder)) {
      written = files.filter(f -> f.toString().endsWith(".json")).findFirst().orElseThrow();
    }
    assertTrue(written.getFileName().toString().startsWith("profile-file_"), written.toString());
    Profile profile = Profile.read(written, 2);
    assertEquals(
        Set.of("Add CPUExecutionProvider", "Mul CPUExecutionProvider"),
        profile.kernels().stream()
            .map(k -> k.operator() + " " + k.provider())
            .collect(Collectors.toSet()));
    assertEquals(2, profile.kernels().size());
    double kernels = profile.kernels().stream().mapToDouble(Profile.Kernel::seconds).sum();
    assertTrue(profile.runSeconds() >= kernels, profile.toString());
    assertEquals(
        written + ": 4 of 3 runs",
        assertThrows(IllegalArgumentException.class, () -> Profile.read(written, 4)).getMessage());
  }

  @Test
  void namesMissingAndUnknownInputs() {
    try (ComputeSession session = session()) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> session.run(Map.of("z", floats(1))));
      assertEquals("session 'test': missing inputs [x, w]; unexpected [z]", e.getMessage());
    }
  }

  @Test
  void saysWhoIsClosed() {
    ComputeSession session = session();
    DeviceTensor w = DeviceTensor.upload("encoder.weight", floats(1), Device.CPU);
    session.bindInput("w", w);
    w.close();
    w.close();
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> session.run(Map.of("x", floats(1))));
    assertEquals("device tensor 'encoder.weight' is closed", e.getMessage());
    session.close();
    session.close();
    e = assertThrows(IllegalStateException.class, () -> session.run(Map.of()));
    assertEquals("session 'test' is closed", e.getMessage());
  }

  @Test
  void refusesWhatIsNoModel() {
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class,
            () -> ComputeSession.open("broken", new byte[] {1, 2, 3}, OPTIONS));
    assertTrue(
        String.valueOf(e.getMessage()).startsWith("session 'broken' cannot be opened: "),
        e.getMessage());
  }
}
