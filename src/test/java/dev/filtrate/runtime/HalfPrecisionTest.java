package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Target;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** On a CPU values in 16 bits are rounded as everywhere, though nothing computes in them there. */
@Tag("ort")
class HalfPrecisionTest {
  @ParameterizedTest
  @CsvSource({"FLOAT16, ORT, 2048", "BFLOAT16, ORT, 256", "FLOAT16, PORTABLE, 2048"})
  void factorsAndSumsAreRounded(DType type, Target target, float last) {
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops();
    Shape square = Shape.of(2, 2);
    Value x = op.cast(g.input("x", DType.FLOAT, square), type);
    Value one = op.cast(op.constant(Tensor.ofFloats(new long[] {2, 2}, 1, 0, 0, 1)), type);
    Value y = op.cast(op.matMul(x, one, false, true, 1), DType.FLOAT);
    Value sum = op.cast(op.add(x, op.gelu(one)), DType.FLOAT);
    byte[] model =
        OnnxCodec.encode(
            Lowering.toOnnx(g.build("half", Map.of("y", y, "sum", sum)), target, DeviceKind.CPU));
    // One more than the last whole number of the type, and less than it can tell from 1.
    Tensor feed = Tensor.ofFloats(new long[] {2, 2}, last + 1, 1 + 0x1p-12f, -last - 1, 0);
    try (ComputeSession session =
        ComputeSession.open("half", model, RuntimeOptions.defaults().withThreads(1))) {
      Map<String, Tensor> results = session.run(Map.of("x", feed));
      assertArrayEquals(new float[] {last, 1, -last, 0}, floats(results, "y"));
      assertArrayEquals(new float[] {last, 1, -last}, first(floats(results, "sum")));
    }
  }

  /** The fourth is Gelu(1), rounded: not what this is about. */
  private static float[] first(float[] values) {
    return new float[] {values[0], values[1], values[2]};
  }

  private static float[] floats(Map<String, Tensor> results, String name) {
    return Objects.requireNonNull(results.get(name)).toFloats();
  }
}
