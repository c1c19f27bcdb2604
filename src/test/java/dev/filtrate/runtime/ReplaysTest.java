package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.OnnxCodec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Fixed buffers by shape: on a CPU all of what CUDA graphs need but the graphs. */
@Tag("ort")
class ReplaysTest {
  private static Tensor row(float... values) {
    return Tensor.ofFloats(new long[] {values.length}, values);
  }

  /** y = 2x, z = x + 1. */
  private static ComputeSession session(boolean replays) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.FLOAT, Shape.of(Dim.named("n")));
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("y", g.ops().mul(x, 2));
    outputs.put("z", g.ops().add(x, 1));
    return ComputeSession.open(
        "replayed",
        OnnxCodec.encode(g.build("replayed", outputs)),
        RuntimeOptions.defaults().withThreads(1).withCudaGraphs(replays));
  }

  @Test
  void resultsAreThoseOfAnyOtherSession() {
    try (ComputeSession replayed = session(true);
        ComputeSession plain = session(false)) {
      for (Tensor x : List.of(row(1, 2), row(3), row(4, 5), row(6, 7), row(8))) {
        Map<String, Tensor> feeds = Map.of("x", x);
        assertEquals(plain.run(feeds), replayed.run(feeds));
        ComputeSession.Outputs outputs = replayed.run(feeds, Map.of(), Set.of("z"));
        try (DeviceTensors left = outputs.device()) {
          assertEquals(Set.of("z"), left.names());
          assertEquals(plain.run(feeds).get("z"), left.get("z").download());
          assertEquals(Set.of("y"), outputs.host().keySet());
        }
      }
    }
  }

  @Test
  void whatIsLeftBelongsToTheSession() {
    DeviceTensor lent;
    try (ComputeSession replayed = session(true)) {
      try (DeviceTensors left = replayed.runOnDevice(Map.of("x", row(1, 2)))) {
        lent = left.get("y");
        assertArrayEquals(new float[] {2, 4}, lent.download().toFloats());
      }
      assertThrows(IllegalStateException.class, lent::download); // closed by who got it
      assertArrayEquals(
          new float[] {6, 8},
          Objects.requireNonNull(replayed.run(Map.of("x", row(3, 4))).get("y")).toFloats());
    }
  }

  @Test
  void everyShapeHasBuffersAndANumber() {
    int[] firstRuns = {0};
    Replays.FirstRun first =
        () -> {
          firstRuns[0]++;
          return DeviceTensors.upload(Map.of("y", row(0)), Device.CPU);
        };
    try (Replays replays = new Replays(Device.CPU)) {
      Replays.Buffers two = replays.of(Map.of("x", row(1, 2)), first);
      Replays.Buffers three = replays.of(Map.of("x", row(1, 2, 3)), first);
      assertNotSame(two, three);
      assertEquals(List.of(1, 2), List.of(two.number(), three.number()));
      assertSame(two, replays.of(Map.of("x", row(5, 6)), first));
      assertArrayEquals(new float[] {5, 6}, two.inputs().get("x").download().toFloats());
      assertEquals(2, firstRuns[0]);
      DeviceTensor lent = two.outputs().get("y").lent();
      replays.close();
      assertThrows(IllegalStateException.class, lent::download);
    }
  }
}
