package dev.filtrate.runtime.kernels;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Parameters;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.runtime.RuntimeOptions.CpuKernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("ort")
class KernelsTest {
  private static final long SEED = TestSeed.get();

  @BeforeAll
  static void available() {
    assumeTrue(Kernels.areAvailable(), "oneDNN has no fast code for this processor");
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 8, 8, false, false",
    "2, 3, 5, 2, false, true",
    "1, 70, 33, 129, false, false",
    "3, 100, 64, 384, false, true",
    "1, 385, 200, 96, true, false",
    "1, 130, 7, 260, true, true",
  })
  void productsAreThoseOfRoundedFactors(
      long batch, long rows, long inner, long columns, boolean transA, boolean transB) {
    long[] aDims = transA ? new long[] {inner, rows} : new long[] {batch, rows, inner};
    long[] bDims = transB ? new long[] {columns, inner} : new long[] {inner, columns};
    Tensor a = normal("a", aDims);
    Tensor b = normal("b", bDims);
    Value inA = new Value("a", DType.FLOAT, Shape.of(aDims));
    Value inB = new Value("b", DType.FLOAT, Shape.of(bDims));
    GraphBuilder exact = new GraphBuilder();
    Value product =
        exact
            .ops()
            .matMul(
                exact.input("a", DType.FLOAT, inA.shape()),
                exact.input("b", DType.FLOAT, inB.shape()),
                transA,
                transB,
                1);
    DoubleTensor expected =
        ReferenceEvaluator.get(
            ReferenceEvaluator.run(
                exact.build("exact", Map.of("y", product)),
                Map.of("a", rounded(a), "b", rounded(b))),
            "y");
    Map<String, Attr> swaps =
        Map.of("transA", new Attr.Int(transA ? 1 : 0), "transB", new Attr.Int(transB ? 1 : 0));
    for (int threads : new int[] {1, 2}) {
      assertClose(expected, run(OpType.MATMUL_BFLOAT16, swaps, threads, a, b), 1e-6 * inner);
      assertClose(expected, withConstant(swaps, threads, a, b), 1e-6 * inner);
    }
  }

  /** The second factor as a weight of the session. */
  private static Tensor withConstant(Map<String, Attr> swaps, int threads, Tensor a, Tensor b) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x0", DType.FLOAT, Shape.of(a.dims()));
    Value weight = g.ops().parameter("weight", Shape.of(b.dims()));
    Value y = g.ops().emit(OpType.MATMUL_BFLOAT16, List.of(x, weight), swaps).get(0);
    byte[] model =
        OnnxCodec.encode(g.build("constant", Map.of("y", y)), Parameters.declared(), Map.of());
    try (ComputeSession session =
        ComputeSession.open(
            "constant", model, Map.of("weight", b), options(threads).withPrepacking(false))) {
      Tensor first = requireNonNull(session.run(Map.of("x0", a)).get("y"));
      Tensor again = requireNonNull(session.run(Map.of("x0", a)).get("y"));
      assertArrayEquals(first.toFloats(), again.toFloats());
      return first;
    }
  }

  @Test
  void aProductOfAnyLengthServesASession() {
    Tensor weight = normal("weight", 16, 24);
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.FLOAT, Shape.parse("[rows, 16]"));
    Value w = g.input("w", DType.FLOAT, Shape.of(16, 24));
    Map<String, Attr> asTheyAre = Map.of("transA", new Attr.Int(0), "transB", new Attr.Int(0));
    Value y = g.ops().emit(OpType.MATMUL_BFLOAT16, List.of(x, w), asTheyAre).get(0);
    byte[] model = OnnxCodec.encode(g.build("lengths", Map.of("y", y)));
    try (ComputeSession session = ComputeSession.open("lengths", model, options(2))) {
      for (int rows : new int[] {300, 1, 0, 77, 300}) {
        Tensor ones = Tensor.ofFloats(new long[] {rows, 16}, filled(rows * 16, 1));
        Tensor sums = requireNonNull(session.run(Map.of("x", ones, "w", weight)).get("y"));
        assertEquals(rows * 24, sums.size());
        for (int i = 0; i < sums.size(); i++) {
          double expected = 0;
          for (int k = 0; k < 16; k++) {
            expected += rounded(weight.get(24 * k + i % 24));
          }
          assertEquals(expected, sums.get(i), 1e-5);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 16384, 16385, 70_000})
  void geluAndItsGradientAreAsExactAsInPyTorch(int size) {
    Tensor x = normal("x", size);
    Tensor dy = normal("dy", size);
    for (int i = 0; i < size; i++) {
      x.bytes().putFloat(4 * i, (float) (x.get(i) * 3)); // into both tails
    }
    for (int threads : new int[] {1, 2}) {
      assertClose(
          expected(OpType.GELU_ONEDNN, x), run(OpType.GELU_ONEDNN, Map.of(), threads, x), 2e-6);
      assertClose(
          expected(OpType.GELU_GRAD_ONEDNN, dy, x),
          run(OpType.GELU_GRAD_ONEDNN, Map.of(), threads, dy, x),
          2e-6);
    }
  }

  @Test
  void geluKeepsWhatIsNotANumberAndTheFarEnds() {
    Tensor x = Tensor.ofFloats(new long[] {4}, Float.NaN, 100, -100, 0);
    float[] y = run(OpType.GELU_ONEDNN, Map.of(), 1, x).toFloats();
    assertArrayEquals(new float[] {Float.NaN, 100, 0, 0}, y, 1e-6f);
    Tensor dy = Tensor.ofFloats(new long[] {4}, 1, 1, 1, Float.NaN);
    float[] dx = run(OpType.GELU_GRAD_ONEDNN, Map.of(), 1, dy, x).toFloats();
    assertArrayEquals(new float[] {Float.NaN, 1, 0, Float.NaN}, dx, 1e-6f);
  }

  @ParameterizedTest
  @CsvSource({"5, 3, 9", "1, 1, 1", "40000, 70, 300", "6, 200, 0"})
  void rowsAreAddedInTheOrderOfTheirIndices(int rows, int width, int count) {
    Randomness random = Randomness.of(SEED, "ids");
    long[] ids = new long[count];
    for (int k = 0; k < count; k++) {
      int row = random.nextInt(Math.min(rows, 7));
      int fromTheEnd = row - rows;
      ids[k] = k % 5 == 0 ? fromTheEnd : row;
    }
    Tensor dy = normal("dy", count, width);
    float[] expected = new float[rows * width];
    for (int k = 0; k < count; k++) {
      int row = Math.floorMod(ids[k], rows);
      for (int c = 0; c < width; c++) {
        expected[row * width + c] += (float) dy.get(k * width + c);
      }
    }
    GraphBuilder g = new GraphBuilder();
    Value at = g.input("ids", DType.INT64, Shape.of(count));
    Value from = g.input("dy", DType.FLOAT, Shape.of(count, width));
    Map<String, Attr> shape = Map.of("shape", new Attr.Sizes(Shape.of(rows, width)));
    Value y = g.ops().emit(OpType.ADD_ROWS, List.of(at, from), shape).get(0);
    byte[] model =
        OnnxCodec.encode(
            Lowering.toOnnx(g.build("rows", Map.of("y", y)), Target.ORT, DeviceKind.CPU_ONEDNN));
    Map<String, Tensor> feeds = Map.of("ids", Tensor.ofLongs(new long[] {count}, ids), "dy", dy);
    for (int threads : new int[] {1, 2}) {
      try (ComputeSession session = ComputeSession.open("rows", model, options(threads))) {
        Tensor found = requireNonNull(session.run(feeds).get("y"));
        assertArrayEquals(expected, found.toFloats());
      }
    }
  }

  private static DoubleTensor expected(OpType op, Tensor... inputs) {
    Map<String, DoubleTensor> feeds = new HashMap<>();
    for (int i = 0; i < inputs.length; i++) {
      feeds.put("x" + i, DoubleTensor.of(inputs[i]));
    }
    return ReferenceEvaluator.get(ReferenceEvaluator.run(graph(op, Map.of(), inputs), feeds), "y");
  }

  private static Tensor run(OpType op, Map<String, Attr> how, int threads, Tensor... inputs) {
    byte[] model = OnnxCodec.encode(graph(op, how, inputs));
    try (ComputeSession session = ComputeSession.open("kernel", model, options(threads))) {
      Map<String, Tensor> feeds = new HashMap<>();
      for (int i = 0; i < inputs.length; i++) {
        feeds.put("x" + i, inputs[i]);
      }
      Tensor first = requireNonNull(session.run(feeds).get("y"));
      Tensor again = requireNonNull(session.run(feeds).get("y"));
      assertArrayEquals(first.toFloats(), again.toFloats());
      return first;
    }
  }

  private static Graph graph(OpType op, Map<String, Attr> how, Tensor... inputs) {
    GraphBuilder g = new GraphBuilder();
    List<Value> x = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      x.add(g.input("x" + i, DType.FLOAT, Shape.of(inputs[i].dims())));
    }
    return g.build("kernel", Map.of("y", g.ops().emit(op, x, how).get(0)));
  }

  private static RuntimeOptions options(int threads) {
    return RuntimeOptions.defaults().withThreads(threads).withCpuKernels(CpuKernels.OWN_BFLOAT16);
  }

  private static Tensor normal(String name, long... dims) {
    int size = 1;
    for (long dim : dims) {
      size *= (int) dim;
    }
    Randomness random = Randomness.of(SEED, name);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.ofFloats(dims, values);
  }

  private static float[] filled(int size, float value) {
    float[] values = new float[size];
    Arrays.fill(values, value);
    return values;
  }

  private static DoubleTensor rounded(Tensor t) {
    return DoubleTensor.of(t).map(KernelsTest::rounded);
  }

  /** To the nearest bfloat16, the even one of two. */
  private static double rounded(double value) {
    int bits = Float.floatToRawIntBits((float) value);
    int even = bits >>> 16 & 1;
    return Float.intBitsToFloat(bits + 0x7fff + even & 0xffff0000);
  }

  private static void assertClose(DoubleTensor expected, Tensor found, double tolerance) {
    assertEquals(expected.size(), found.size());
    for (int i = 0; i < expected.size(); i++) {
      double e = expected.get(i);
      int place = i;
      assertTrue(
          Math.abs(found.get(i) - e) <= tolerance * (1 + Math.abs(e)),
          () ->
              "[%d]: %s, expected %s%s".formatted(place, found.get(place), e, TestSeed.hint(SEED)));
    }
  }
}
