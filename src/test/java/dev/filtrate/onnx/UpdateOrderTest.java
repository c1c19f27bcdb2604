package dev.filtrate.onnx;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import dev.filtrate.model.AdamW;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The runtime orders the nodes of an update as it likes and does not know that new and old state
 * are one buffer: in every order the result must be the same.
 */
class UpdateOrderTest {
  private static final int ORDERS = 40;

  /** Of these every fourth shows the mistake: all of them miss it once in 10²⁴ times. */
  private static final int MANY_ORDERS = 200;

  @ParameterizedTest(name = "{0}, clipping {1}")
  @CsvSource({
    "none, true",
    "none, false",
    "ORT, true",
    "ORT, false",
    "PORTABLE, true",
    "PORTABLE, false"
  })
  void theUpdateGivesTheSameStateInEveryOrderOfItsNodes(String lowering, boolean clipped) {
    OptionalDouble most = clipped ? OptionalDouble.of(0.5) : OptionalDouble.empty();
    List<Value> parameters =
        List.of(
            new Value("a.weight", DType.FLOAT, Shape.of(3, 2)),
            new Value("a.bias", DType.FLOAT, Shape.of(3)),
            new Value("b.weight", DType.FLOAT, Shape.of(2, 2)));
    Graph graph = AdamW.with(0.1, most).graph("update", parameters);
    if (!lowering.equals("none")) {
      graph = Lowering.lower(graph, Target.valueOf(lowering), DeviceKind.CPU);
    }
    assertFalse(differsInSomeOrder(graph, ORDERS, TestSeed.get()), lowering);
  }

  @Test
  void aValueReadBesideItsUpdateIsFound() {
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops();
    Value w = g.input("w", DType.FLOAT, Shape.of(3));
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("next/w", op.mul(w, 0.5));
    outputs.put("norm", op.sumOfSquares(w));
    assertTrue(differsInSomeOrder(g.build("update", outputs), MANY_ORDERS, TestSeed.get()));
  }

  private static boolean differsInSomeOrder(Graph graph, int orders, long seed) {
    Randomness random = Randomness.of(seed, "orders");
    Map<String, DoubleTensor> feed = new HashMap<>();
    for (Value v : graph.inputs()) {
      int[] dims = Arrays.stream(v.shape().fixed()).mapToInt(Math::toIntExact).toArray();
      feed.put(v.name(), DoubleTensor.normal(random, dims).map(Math::abs));
    }
    feed.put("step", DoubleTensor.scalar(3));
    Map<String, String> buffers = new HashMap<>();
    for (Value v : graph.outputs()) {
      if (v.name().startsWith("next/")) {
        buffers.put(v.name(), v.name().substring("next/".length()));
      }
    }
    Map<String, DoubleTensor> apart = ReferenceEvaluator.run(graph, feed);
    for (int i = 0; i < orders; i++) {
      Graph permuted =
          new Graph(
              graph.name(),
              graph.inputs(),
              graph.parameters(),
              permuted(graph, random),
              graph.outputs());
      Map<String, DoubleTensor> inPlace = ReferenceEvaluator.runInPlace(permuted, feed, buffers);
      for (String name : apart.keySet()) {
        double[] expected = ReferenceEvaluator.get(apart, name).values();
        if (!Arrays.equals(expected, ReferenceEvaluator.get(inPlace, name).values())) {
          return true;
        }
      }
    }
    return false;
  }

  /** A random order in which every value still comes before its use. */
  private static List<Node> permuted(Graph graph, Randomness random) {
    Set<Value> known = new HashSet<>(graph.inputs());
    List<Node> waiting = new ArrayList<>(graph.nodes());
    List<Node> order = new ArrayList<>();
    while (!waiting.isEmpty()) {
      List<Node> ready =
          waiting.stream()
              .filter(
                  n ->
                      known.containsAll(
                          n.inputs().stream().filter(v -> !v.equals(Value.NONE)).toList()))
              .toList();
      Node next = ready.get(random.nextInt(ready.size()));
      known.addAll(next.outputs());
      waiting.remove(next);
      order.add(next);
    }
    return order;
  }
}
