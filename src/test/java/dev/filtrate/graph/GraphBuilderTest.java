package dev.filtrate.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class GraphBuilderTest {
  private final GraphBuilder g = new GraphBuilder();
  private final Ops op = g.ops();
  private final Value x = g.input("x", DType.FLOAT, Shape.parse("[batch, 3]"));

  private static String error(Executable mistake) {
    return String.valueOf(assertThrows(IllegalArgumentException.class, mistake).getMessage());
  }

  @Test
  void parametersAndNodesAreNamedByTheirScope() {
    Value y = op.in("encoder.layer.2").in("query").linear(x, 4);
    assertEquals("encoder.layer.2.query/Add:[batch, 4]", y.toString());
    assertEquals(
        "[encoder.layer.2.query.weight:[4, 3], encoder.layer.2.query.bias:[4]]",
        g.parameters().toString());
  }

  @Test
  void aSecondNodeOfAScopeAndFurtherOutputsGetNumbers() {
    Ops scope = op.in("norm");
    assertEquals("norm/Neg", scope.neg(x).name());
    assertEquals("norm/Neg_1", scope.neg(x).name());
    Value w = op.parameter("w", Shape.of(3));
    List<Value> outputs = scope.layerNormalization(x, w, w, 1e-5);
    assertEquals("norm/LayerNormalization.1:[batch, 1]", outputs.get(1).toString());
    assertEquals("Neg", op.neg(x).name());
  }

  @Test
  void aMistakeFailsAtTheCallWithTheScopesName() {
    Value w = op.parameter("w", Shape.of(4, 4));
    assertEquals(
        "encoder.layer.2.query/MatMul: inner axes differ: [batch, 3] x [4, 4] (3 vs 4)",
        error(() -> op.in("encoder.layer.2.query").matMul(x, w)));
    assertEquals(
        "a.b/Add: cannot broadcast [batch, 3] with [4, 4] (batch vs 4)",
        error(() -> op.in("a").in("b").add(x, w)));
  }

  @Test
  void everyInputAndParameterIsDeclaredOnce() {
    assertSame(x, g.input("x", DType.FLOAT, Shape.parse("[batch, 3]")));
    assertEquals(
        "x:[batch, 3] is declared again as x:[3]",
        error(() -> g.input("x", DType.FLOAT, Shape.of(3))));
    Value w = op.parameter("w", Shape.of(3));
    assertSame(w, op.parameter("w", Shape.of(3)));
    assertEquals("the name 'w' is taken", error(() -> g.input("w", DType.FLOAT, Shape.of(3))));
  }

  @Test
  void equalConstantsAreOneValue() {
    assertSame(op.constant(0.5), op.in("elsewhere").constant(0.5));
    assertEquals(1, g.nodes().size());
  }

  @Test
  void buildingKeepsWhatTheOutputsNeed() {
    Value y = op.in("used").linear(x, 2);
    op.in("unused").linear(y, 5);
    g.input("labels", DType.INT64, Shape.parse("[batch]"));
    assertEquals(
        """
        graph test
        input     x:[batch, 3]
        parameter used.weight:[2, 3]
        parameter used.bias:[2]
          used/FusedMatMul:[batch, 2] = FusedMatMul{alpha=1.0, transA=0, transB=1}\
        (x, used.weight)
          logits:[batch, 2] = Add(used/FusedMatMul, used.bias)
        output    logits:[batch, 2]
        """,
        g.build("test", Map.of("logits", y)).toString());
  }

  @Test
  void outputsTakeTheirNamesAlsoWhereTheyAreUsedInside() {
    Value h = op.neg(x);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("hidden", h);
    outputs.put("y", op.exp(h));
    Graph graph = g.build("test", outputs);
    assertEquals(
        List.of("hidden:[batch, 3] = Neg(x)", "y:[batch, 3] = Exp(hidden)"),
        graph.nodes().stream().map(Node::toString).toList());
    assertEquals(Optional.of(graph.outputs().get(1)), graph.output("y"));
    assertEquals(Optional.of(x), graph.input("x"));
    assertEquals(Optional.empty(), graph.output("z"));
  }

  @Test
  void inputsAndValuesDeliveredTwicePassThroughAnIdentity() {
    Value h = op.neg(x);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("a", h);
    outputs.put("b", h);
    outputs.put("same", x);
    assertEquals(
        List.of(
            "a:[batch, 3] = Neg(x)", "b:[batch, 3] = Identity(a)", "same:[batch, 3] = Identity(x)"),
        g.build("test", outputs).nodes().stream().map(Node::toString).toList());
  }

  @Test
  void anOutputMayNotTakeTheNameOfAnotherValue() {
    Value h = op.neg(x);
    Value y = op.exp(h);
    assertEquals("the output name 'x' is taken", error(() -> g.build("test", Map.of("x", y))));
    assertEquals("the output name 'x' is taken", error(() -> g.build("test", Map.of("x", x))));
    assertEquals("the output name 'Neg' is taken", error(() -> g.build("test", Map.of("Neg", y))));
    assertEquals("Exp", g.build("test", Map.of("Exp", y)).outputs().get(0).name());
  }

  @Test
  void aBuilderMayBuildSeveralGraphs() {
    Value h = op.neg(x);
    Graph first = g.build("first", Map.of("h", h));
    Graph second = g.build("second", Map.of("y", op.exp(h)));
    assertEquals("[h:[batch, 3] = Neg(x)]", first.nodes().toString());
    assertEquals("[Neg:[batch, 3] = Neg(x), y:[batch, 3] = Exp(Neg)]", second.nodes().toString());
  }

  @Test
  void countsTellOperatorsAndParameters() {
    Graph graph = g.build("test", Map.of("y", op.in("b").linear(op.in("a").linear(x, 2), 5)));
    assertEquals(Map.of("Add", 2, "FusedMatMul", 2), graph.operatorCounts());
    assertEquals(2 * 3 + 2 + 5 * 2 + 5, graph.parameterCount());
  }

  @Test
  void theSameCallsGiveTheSameListing() {
    assertEquals(randomGraph(7, false).toString(), randomGraph(7, false).toString());
  }

  @Test
  void pruningKeepsWhatTheOutputsDeliver() {
    long seed = TestSeed.get();
    for (int trial = 0; trial < 50; trial++) {
      Graph pruned = randomGraph(seed + trial, false);
      Graph all = randomGraph(seed + trial, true);
      assertTrue(pruned.nodes().size() < all.nodes().size());
      assertEquals(pruned, pruned.pruned());
      Map<String, DoubleTensor> feed = new HashMap<>();
      Randomness random = Randomness.of(seed + trial, "feed");
      all.inputs().forEach(v -> feed.put(v.name(), DoubleTensor.normal(random, 2, 3)));
      assertEquals(
          ReferenceEvaluator.get(ReferenceEvaluator.run(all, feed), "y").toString(),
          ReferenceEvaluator.get(ReferenceEvaluator.run(pruned, feed), "y").toString(),
          TestSeed.hint(seed + trial));
    }
  }

  /** Twenty random nodes; y is one of the middle, and z the last if all are to be kept. */
  private static Graph randomGraph(long seed, boolean all) {
    Randomness random = Randomness.of(seed, "graph");
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops().in("random");
    List<Value> values = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      values.add(g.input("in" + i, DType.FLOAT, Shape.parse("[batch, 3]")));
    }
    for (int i = 0; i < 20; i++) {
      Value a = values.get(random.nextInt(values.size()));
      Value b = values.get(random.nextInt(values.size()));
      values.add(
          switch (random.nextInt(4)) {
            case 0 -> op.add(a, b);
            case 1 -> op.mul(a, b);
            case 2 -> op.tanh(a);
            default -> op.softmax(a, -1);
          });
    }
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("y", values.get(12));
    if (all) {
      for (int i = 13; i < values.size(); i++) {
        outputs.put("z" + i, values.get(i));
      }
    }
    return g.build("random", outputs);
  }
}
