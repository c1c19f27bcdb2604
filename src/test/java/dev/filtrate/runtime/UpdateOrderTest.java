package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.base.TestSeed;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.AdamW;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Target;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The runtime does not know that an update's inputs and outputs share buffers, nor side by side.
 */
@Tag("ort")
class UpdateOrderTest {
  private static final RuntimeOptions OPTIONS = RuntimeOptions.defaults().withThreads(2);
  private static final int STEPS = 3;

  private final long seed = TestSeed.get();
  private final Random random = new Random(seed);

  @ParameterizedTest
  @EnumSource(Target.class)
  void anUpdateInPlaceDoesNotDependOnTheOrderOfItsNodes(Target target) {
    List<Value> parameters = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      Shape shape = i % 2 == 0 ? Shape.of(40, 30) : Shape.of(70);
      parameters.add(new Value("layer." + i, DType.FLOAT, shape));
    }
    Graph update = AdamW.with(0.01, OptionalDouble.of(1)).graph("update", parameters);
    Graph lowered = Lowering.toOnnx(update, target, DeviceKind.CPU);
    Map<String, Tensor> start = new HashMap<>();
    for (Value in : lowered.inputs()) {
      if (in.rank() > 0) {
        start.put(in.name(), numbers(in.shape(), in.name().startsWith("moment2/")));
      }
    }
    Map<String, Tensor> expected = apart(lowered, start);
    for (int i = 0; i < 8; i++) {
      RuntimeOptions options = OPTIONS.withParallel(i % 2 == 1);
      Map<String, Tensor> actual = inPlace(permuted(lowered), start, options);
      assertEquals(expected.keySet(), actual.keySet());
      expected.forEach(
          (name, e) -> assertEquals(e, actual.get(name), () -> name + TestSeed.hint(seed)));
    }
  }

  private Tensor numbers(Shape shape, boolean positive) {
    Tensor t = Tensor.zeros(DType.FLOAT, shape.fixed());
    for (int i = 0; i < t.size(); i++) {
      double v = random.nextGaussian();
      t.bytes().putFloat(4 * i, (float) (positive ? v * v : v));
    }
    return t;
  }

  /** The same graph with its nodes in another order that is possible. */
  private Graph permuted(Graph g) {
    List<Node> waiting = new ArrayList<>(g.nodes());
    Set<Value> known = new HashSet<>(g.inputs());
    List<Node> order = new ArrayList<>();
    while (!waiting.isEmpty()) {
      List<Node> ready = waiting.stream().filter(n -> known.containsAll(n.inputs())).toList();
      Node next = ready.get(random.nextInt(ready.size()));
      waiting.remove(next);
      known.addAll(next.outputs());
      order.add(next);
    }
    return new Graph(g.name(), g.inputs(), g.parameters(), order, g.outputs());
  }

  private static Map<String, Tensor> scalars(int step) {
    return Map.of("learning_rate", Tensor.scalar(0.01f), "step", Tensor.scalar((long) step));
  }

  /** What the steps give when nothing shares a buffer. */
  private static Map<String, Tensor> apart(Graph update, Map<String, Tensor> start) {
    Map<String, Tensor> state = new HashMap<>(start);
    try (ComputeSession session = open(update, OPTIONS)) {
      for (int step = 1; step <= STEPS; step++) {
        Map<String, Tensor> feeds = new HashMap<>(state);
        feeds.putAll(scalars(step));
        session
            .run(feeds)
            .forEach(
                (name, value) -> {
                  if (name.startsWith("next/")) {
                    state.put(name.substring("next/".length()), value);
                  }
                });
      }
    }
    return state;
  }

  private static Map<String, Tensor> inPlace(
      Graph update, Map<String, Tensor> start, RuntimeOptions options) {
    Map<String, Tensor> state = new LinkedHashMap<>();
    try (ComputeSession session = open(update, options);
        DeviceTensors buffers = DeviceTensors.upload(start, Device.CPU)) {
      session.bindInputs(buffers);
      for (String output : session.outputs()) {
        if (output.startsWith("next/")) {
          session.bindOutput(output, buffers.get(output.substring("next/".length())));
        }
      }
      for (int step = 1; step <= STEPS; step++) {
        session.run(scalars(step));
      }
      buffers.asMap().forEach((name, tensor) -> state.put(name, tensor.download()));
    }
    return state;
  }

  private static ComputeSession open(Graph update, RuntimeOptions options) {
    return ComputeSession.open("update", OnnxCodec.encode(update), options);
  }
}
