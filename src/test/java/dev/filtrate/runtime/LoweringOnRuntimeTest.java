package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.TestSeed;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.OperatorCase;
import dev.filtrate.onnx.Target;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Both lowerings of every operator, run by ONNX Runtime, against the reference evaluator. */
@Tag("ort")
class LoweringOnRuntimeTest {
  private static final long SEED = TestSeed.get();
  private static final RuntimeOptions OPTIONS = RuntimeOptions.defaults().withThreads(2);

  static Stream<Arguments> cases() {
    List<Arguments> all = new ArrayList<>();
    for (OperatorCase c : OperatorCase.all(SEED)) {
      all.add(Arguments.of(c, Target.PORTABLE, DeviceKind.CPU));
      all.add(Arguments.of(c, Target.ORT, DeviceKind.CPU));
      if (OnnxRuntime.hasOwnKernels()) {
        all.add(Arguments.of(c, Target.ORT, DeviceKind.CPU_ONEDNN));
      }
    }
    return all.stream();
  }

  @ParameterizedTest(name = "{0}, {1}, {2}")
  @MethodSource("cases")
  void computesWhatTheOperatorSays(OperatorCase c, Target target, DeviceKind device) {
    Map<String, DoubleTensor> expected = ReferenceEvaluator.run(c.graph(), c.feeds());
    Map<String, Tensor> actual = run(c.graph(), target, device, feeds(c));
    expected.forEach((name, e) -> assertClose(c + ": " + name, e, the(name, actual)));
  }

  private static Map<String, Tensor> run(
      Graph graph, Target target, DeviceKind device, Map<String, Tensor> feeds) {
    byte[] model = OnnxCodec.encode(Lowering.toOnnx(graph, target, device));
    RuntimeOptions options =
        device == DeviceKind.CPU ? OPTIONS : OPTIONS.withCpuKernels(RuntimeOptions.CpuKernels.OWN);
    try (ComputeSession session = ComputeSession.open(graph.name(), model, options)) {
      return session.run(feeds);
    }
  }

  private static Map<String, Tensor> feeds(OperatorCase c) {
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (Value in : c.graph().inputs()) {
      feeds.put(in.name(), tensor(in.type(), ReferenceEvaluator.get(c.feeds(), in.name())));
    }
    return feeds;
  }

  private static Tensor tensor(DType type, DoubleTensor t) {
    long[] dims = Arrays.stream(t.dims()).asLongStream().toArray();
    return switch (type) {
      case INT64 ->
          Tensor.ofLongs(dims, Arrays.stream(t.values()).mapToLong(v -> (long) v).toArray());
      case BOOL -> {
        ByteBuffer bytes = ByteBuffer.allocate(t.size());
        Arrays.stream(t.values()).forEach(v -> bytes.put((byte) v));
        yield Tensor.wrap(type, dims, bytes.flip());
      }
      default -> {
        float[] floats = new float[t.size()];
        for (int i = 0; i < floats.length; i++) {
          floats[i] = (float) t.get(i);
        }
        yield Tensor.ofFloats(dims, floats);
      }
    };
  }

  private static Tensor the(String name, Map<String, Tensor> tensors) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  /** Relative to the number and to the largest one beside it, as sums lose digits. */
  private static void assertClose(String what, DoubleTensor expected, Tensor actual) {
    long[] dims = Arrays.stream(expected.dims()).asLongStream().toArray();
    assertArrayEquals(dims, actual.dims(), what);
    double largest = Arrays.stream(expected.values()).map(Math::abs).max().orElse(0);
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(
          expected.get(i),
          actual.get(i),
          1e-5 * Math.abs(expected.get(i)) + 2e-6 * largest + 1e-7,
          "%s[%d]%s".formatted(what, i, TestSeed.hint(SEED)));
    }
  }

  @ParameterizedTest
  @EnumSource(Target.class)
  void dropoutKeepsItsShareAndItsGradientUsesTheSameMask(Target target) {
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops();
    Value x = g.input("x", DType.FLOAT, Shape.parse("[batch, sequence, 100]"));
    Value dy = g.input("dy", DType.FLOAT, x.shape());
    Value ratio = op.constant(0.25);
    Value training = op.constant(Tensor.scalar(true));
    Value y = op.dropout(x, 0.25);
    Value mask = g.producer(y).orElseThrow().out(1);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("y", y);
    outputs.put("dx", op.dropoutGrad(dy, mask, ratio, training));
    float[] ones = new float[4 * 25 * 100];
    Arrays.fill(ones, 1);
    Tensor one = Tensor.ofFloats(new long[] {4, 25, 100}, ones);
    Map<String, Tensor> result =
        run(g.build("dropout", outputs), target, DeviceKind.CPU, Map.of("x", one, "dy", one));
    float[] kept = the("y", result).toFloats();
    assertArrayEquals(kept, the("dx", result).toFloats());
    int count = 0;
    for (float v : kept) {
      assertTrue(v == 0 || Math.abs(v - 4 / 3f) < 1e-6, () -> "got " + v);
      count += v == 0 ? 0 : 1;
    }
    assertTrue(Math.abs(count - 7500) < 300, "kept " + count + " of 10000");
  }

  @ParameterizedTest
  @CsvSource({"ORT, 11", "ORT, 20000", "PORTABLE, 11", "PORTABLE, 20000"})
  void gradientsOfRepeatedIndicesAreTheSameEveryTime(Target target, long rows) {
    GraphBuilder g = new GraphBuilder();
    Value ids = g.input("ids", DType.INT64, Shape.parse("[batch, sequence]"));
    Value dy = g.input("dy", DType.FLOAT, Shape.parse("[batch, sequence, 64]"));
    Value table = g.ops().gatherGrad(ids, dy, 0, Shape.of(rows, 64));
    java.util.Random random = new java.util.Random(SEED);
    Tensor idsFed = Tensor.ofLongs(new long[] {8, 128}, random.longs(8 * 128, 0, 11).toArray());
    Tensor dyFed = Tensor.zeros(DType.FLOAT, 8, 128, 64);
    for (int i = 0; i < dyFed.size(); i++) {
      dyFed.bytes().putFloat(4 * i, (float) random.nextGaussian());
    }
    Graph graph = g.build("embedding", Map.of("table", table));
    byte[] model = OnnxCodec.encode(Lowering.toOnnx(graph, target, DeviceKind.CPU));
    try (ComputeSession session = ComputeSession.open("embedding", model, OPTIONS)) {
      Map<String, Tensor> feeds = Map.of("ids", idsFed, "dy", dyFed);
      Tensor first = the("table", session.run(feeds));
      for (int i = 0; i < 20; i++) {
        assertEquals(first, the("table", session.run(feeds)));
      }
    }
  }

  @Test
  void parametersMayBeInsideTheModel() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.FLOAT, Shape.parse("[batch, 2]"));
    Graph graph = g.build("dense", Map.of("y", g.ops().in("dense").linear(x, 1)));
    Map<String, Tensor> values =
        Map.of(
            "dense.weight", Tensor.ofFloats(new long[] {1, 2}, 3, 4),
            "dense.bias", Tensor.ofFloats(new long[] {1}, 5));
    byte[] model =
        OnnxCodec.encode(
            Lowering.toOnnx(graph, Target.PORTABLE, DeviceKind.CPU),
            dev.filtrate.onnx.Parameters.embedded(values),
            Map.of());
    try (ComputeSession session = ComputeSession.open("dense", model, OPTIONS)) {
      Map<String, Tensor> result =
          session.run(Map.of("x", Tensor.ofFloats(new long[] {1, 2}, 1, 2)));
      assertEquals(16, the("y", result).scalarValue());
    }
  }
}
