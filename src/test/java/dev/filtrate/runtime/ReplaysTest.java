package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Target;
import java.util.HashMap;
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
  void whatIsProfiledDoesNotReplay() {
    RuntimeOptions options = RuntimeOptions.defaults().withCudaGraphs(true);
    assertTrue(options.replays());
    assertFalse(options.withProfile("profile").replays());
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
      Replays.Buffers two = replays.of(Map.of("x", row(1, 2)), List.of(), first);
      Replays.Buffers three = replays.of(Map.of("x", row(1, 2, 3)), List.of(), first);
      assertNotSame(two, three);
      assertEquals(List.of(1, 2), List.of(two.number(), three.number()));
      assertSame(two, replays.of(Map.of("x", row(5, 6)), List.of(), first));
      assertArrayEquals(new float[] {5, 6}, two.inputs().get("x").download().toFloats());
      assertEquals(2, firstRuns[0]);
      DeviceTensor lent = two.outputs().get("y").lent();
      replays.close();
      assertThrows(IllegalStateException.class, lent::download);
    }
  }

  @Test
  void otherMemoryIsAnotherGraph() {
    Replays.FirstRun first = () -> DeviceTensors.upload(Map.of("y", row(0)), Device.CPU);
    Map<String, Tensor> feeds = Map.of("x", row(1, 2));
    try (Replays replays = new Replays(Device.CPU);
        DeviceTensors two = DeviceTensors.upload(Map.of("a", row(1), "b", row(1)), Device.CPU)) {
      Replays.Buffers a = replays.of(feeds, List.of(two.get("a")), first);
      assertNotSame(a, replays.of(feeds, List.of(two.get("b")), first));
      assertSame(a, replays.of(feeds, List.of(two.get("a").lent()), first));
    }
  }

  private static TrainingSession training(TinyModel model, boolean replays) {
    Graph gradients = Lowering.toOnnx(model.gradients(), Target.ORT, DeviceKind.CUDA_GRAPH);
    return TrainingSession.open(
        OnnxCodec.encode(gradients),
        model.onnx(model.update()),
        model.initial(1),
        RuntimeOptions.defaults().withThreads(1).withCudaGraphs(replays));
  }

  /** Batches of two sizes, in steps of one and of several. */
  @Test
  void trainingIsThatOfAnyOtherSession() {
    TinyModel model = TinyModel.small();
    try (TrainingSession replayed = training(model, true);
        TrainingSession plain = training(model, false)) {
      long seed = 0;
      for (int step = 1; step <= 6; step++) {
        for (int micro = 0; micro <= step % 3; micro++) {
          Map<String, Tensor> batch = model.batch(step, 4 + (step + micro) % 2, 0.5f);
          seed++;
          assertEquals(
              plain.accumulate(batch, Map.of(), seed).read(),
              replayed.accumulate(batch, Map.of(), seed).read());
        }
        assertEquals(plain.gradients().download(), replayed.gradients().download());
        assertEquals(plain.gradientNorm(), replayed.gradientNorm());
        assertEquals(plain.step(0.01, step).read(), replayed.step(0.01, step).read());
        assertEquals(plain.parameters().download(), replayed.parameters().download());
      }
    }
  }

  @Test
  void aSeedIsANewMaskOnTheSameBuffers() {
    TinyModel model = TinyModel.small();
    Map<String, Tensor> batch = model.batch(1, 5, 1);
    try (TrainingSession session = training(model, true)) {
      Map<String, Float> first = session.accumulate(batch, Map.of(), 7).read();
      session.discard();
      Map<String, Float> other = session.accumulate(batch, Map.of(), 8).read();
      session.discard();
      assertNotEquals(first, other);
      assertEquals(first, session.accumulate(batch, Map.of(), 7).read());
    }
  }

  @Test
  void whatATeacherLeftIsTakenWhereItIs() {
    TinyModel model = TinyModel.small();
    Map<String, Tensor> x = Map.of("x", TinyModel.normal(3, "x", 2, 8));
    RuntimeOptions options = RuntimeOptions.defaults().withThreads(1).withCudaGraphs(true);
    try (TrainingSession session = training(model, true);
        DeviceTensors weights = DeviceTensors.constants(model.initial(5), Device.CPU);
        ComputeSession teacher =
            ComputeSession.open("teacher", model.onnx(model.inference()), options)) {
      teacher.bindInputs(weights);
      for (int step = 1; step <= 3; step++) {
        Map<String, Float> given;
        try (DeviceTensors outputs = teacher.runOnDevice(x)) {
          given = session.accumulate(x, Map.of("target", outputs.get("y")), step).read();
        }
        session.discard();
        Map<String, Tensor> feeds = new HashMap<>(x);
        feeds.put("target", Objects.requireNonNull(teacher.run(x).get("y")));
        assertEquals(given, session.accumulate(feeds, Map.of(), step).read());
        session.discard();
      }
      try (DeviceTensor elsewhere =
          DeviceTensor.upload("elsewhere", TinyModel.normal(3, "y", 2, 4), Device.CPU)) {
        assertEquals(
            "session 'gradients' replays: 'target' must be what another that does left on the"
                + " device",
            assertThrows(
                    IllegalArgumentException.class,
                    () -> session.accumulate(x, Map.of("target", elsewhere), 1))
                .getMessage());
      }
    }
  }
}
