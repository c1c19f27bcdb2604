package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Target;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("ort")
class DropoutTest {
  private static final int NODES = 4;
  private static final int SIZE = 20_000;

  /** Dropouts of one value side by side: nothing but the generator tells them apart. */
  private static ComputeSession session() {
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops();
    Value x = g.input("x", DType.FLOAT, Shape.of(Dim.named("size")));
    Map<String, Value> outputs = new LinkedHashMap<>();
    for (int i = 0; i < NODES; i++) {
      outputs.put("y" + i, op.dropout(x, 0.25));
    }
    byte[] model =
        OnnxCodec.encode(Lowering.toOnnx(g.build("dropout", outputs), Target.ORT, DeviceKind.CPU));
    return ComputeSession.open("dropout", model, RuntimeOptions.defaults().withThreads(2));
  }

  private static Map<String, Tensor> run(ComputeSession session, long seed) {
    float[] ones = new float[SIZE];
    Arrays.fill(ones, 1);
    OnnxRuntime.setSeed(seed);
    return session.run(Map.of("x", Tensor.ofFloats(new long[] {SIZE}, ones)));
  }

  /** The share of elements that both dropped or both kept. */
  private static double agreement(Tensor a, Tensor b) {
    int same = 0;
    for (int i = 0; i < SIZE; i++) {
      same += a.get(i) == b.get(i) ? 1 : 0;
    }
    return same / (double) SIZE;
  }

  private static Tensor the(String name, Map<String, Tensor> tensors) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  @Test
  void masksAreAFunctionOfTheSeed() {
    try (ComputeSession first = session();
        ComputeSession second = session()) {
      Map<String, Tensor> masks = run(first, 17);
      assertEquals(masks, run(first, 17));
      assertNotEquals(masks, run(first, 18));
      assertEquals(masks, run(second, 17));
    }
  }

  @Test
  void masksOfOneRunAreIndependent() {
    double independent = 0.75 * 0.75 + 0.25 * 0.25;
    try (ComputeSession session = session()) {
      Map<String, Tensor> masks = run(session, 17);
      for (int i = 0; i < NODES; i++) {
        Tensor mask = the("y" + i, masks);
        double kept = 0;
        for (int k = 0; k < SIZE; k++) {
          assertTrue(mask.get(k) == 0 || Math.abs(mask.get(k) - 4 / 3.0) < 1e-6);
          kept += mask.get(k) == 0 ? 0 : 1.0 / SIZE;
        }
        assertEquals(0.75, kept, 0.02);
        for (int k = 0; k < i; k++) {
          double both = agreement(mask, the("y" + k, masks));
          assertEquals(independent, both, 0.02, i + " and " + k);
        }
      }
    }
  }
}
