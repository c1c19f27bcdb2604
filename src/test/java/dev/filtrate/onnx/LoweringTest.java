package dev.filtrate.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.TestSeed;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import dev.filtrate.model.AdamW;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LoweringTest {
  private static final long SEED = TestSeed.get();

  static Stream<OperatorCase> cases() {
    return OperatorCase.all(SEED).stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void chainsComputeWhatTheirOperatorSays(OperatorCase c) {
    Map<String, DoubleTensor> expected = ReferenceEvaluator.run(c.graph(), c.feeds());
    for (Target target : Target.values()) {
      for (DeviceKind device : DeviceKind.values()) {
        Graph lowered = Lowering.lower(c.graph(), target, device);
        assertEquals(c.graph().outputs(), lowered.outputs());
        assertEquals(c.graph().inputs(), lowered.inputs());
        Map<String, DoubleTensor> actual = ReferenceEvaluator.run(lowered, c.feeds());
        expected.forEach(
            (name, e) -> assertClose(c, name, e, ReferenceEvaluator.get(actual, name)));
      }
    }
  }

  @Test
  void aTrainingFlagThatIsFedIsForPortableGraphsOnly() {
    OperatorCase c = OperatorCase.dropoutGradWhenAsked(SEED);
    Graph portable = Lowering.lower(c.graph(), Target.PORTABLE, DeviceKind.CPU);
    DoubleTensor expected =
        ReferenceEvaluator.get(ReferenceEvaluator.run(c.graph(), c.feeds()), "y0");
    DoubleTensor actual = ReferenceEvaluator.get(ReferenceEvaluator.run(portable, c.feeds()), "y0");
    assertClose(c, "y0", expected, actual);
    assertEquals(
        "y0: ONNX Runtime's DropoutGrad takes training for granted, but its flag is not constant",
        assertThrows(
                IllegalStateException.class,
                () -> Lowering.lower(c.graph(), Target.ORT, DeviceKind.CPU))
            .getMessage());
  }

  private static void assertClose(OperatorCase c, String name, DoubleTensor e, DoubleTensor a) {
    for (int i = 0; i < e.size(); i++) {
      assertEquals(
          e.get(i),
          a.get(i),
          1e-6 + 1e-6 * Math.abs(e.get(i)), // constants of chains are float32
          "%s: %s[%d]%s".formatted(c, name, i, TestSeed.hint(SEED)));
    }
  }

  @Test
  void portableGraphsHoldStandardOperatorsOnly() {
    Set<OpType> seen = EnumSet.copyOf(OperatorCase.OWN_KERNELS);
    seen.add(OpType.DROPOUT);
    for (OperatorCase c : OperatorCase.all(SEED)) {
      c.graph().nodes().forEach(n -> seen.add(n.op()));
      Graph portable = Lowering.toOnnx(c.graph(), Target.PORTABLE, DeviceKind.CPU);
      for (Node n : portable.nodes()) {
        assertEquals("", n.op().domain(), () -> c + ": " + n);
      }
    }
    assertEquals(EnumSet.allOf(OpType.class), seen, "operators without a case");
  }

  @Test
  void everyLoweredGraphCanBeWrittenAndRead() {
    for (OperatorCase c : OperatorCase.all(SEED)) {
      for (Target target : Target.values()) {
        Graph onnx = Lowering.toOnnx(c.graph(), target, DeviceKind.CPU);
        assertEquals(onnx, OnnxCodec.decode(OnnxCodec.encode(onnx)).graph());
      }
    }
  }

  @Test
  void whatIsLeftUnloweredIsNamed() {
    GraphBuilder builder = new GraphBuilder();
    Value x = builder.input("x", DType.FLOAT, Shape.of(2));
    Graph graph = builder.build("g", Map.of("y", builder.ops().gelu(x)));
    assertEquals(
        "y: Gelu of com.microsoft is not a standard operator; give it a chain in Lowering's table",
        assertThrows(
                IllegalStateException.class, () -> Lowering.requireRunnable(graph, Target.PORTABLE))
            .getMessage());
  }

  @Test
  void valuesKeepTheirNamesAndOutputsTheirOrder() {
    GraphBuilder builder = new GraphBuilder();
    Value x = builder.input("x", DType.FLOAT, Shape.of(2));
    Value gelu = builder.ops().in("layer").gelu(x);
    Value neg = builder.ops().in("layer").neg(gelu);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("last", neg);
    outputs.put("layer/Gelu", gelu);
    Graph lowered = Lowering.lower(builder.build("g", outputs), Target.PORTABLE, DeviceKind.CPU);
    assertEquals(
        List.of("last", "layer/Gelu"), lowered.outputs().stream().map(Value::name).toList());
    assertTrue(
        lowered.toString().contains("layer/Gelu:[2] = Mul(layer/Gelu/Mul, "), lowered::toString);
    assertTrue(lowered.toString().contains("last:[2] = Neg(layer/Gelu)"), lowered::toString);
  }

  @Test
  void whatChainsHaveInCommonIsComputedOnce() {
    List<Value> parameters =
        List.of(new Value("a", DType.FLOAT, Shape.of(2)), new Value("b", DType.FLOAT, Shape.of(3)));
    Graph update = AdamW.with(0, OptionalDouble.empty()).graph("update", parameters);
    Graph portable = Lowering.lower(update, Target.PORTABLE, DeviceKind.CPU);
    assertEquals(2, portable.operatorCounts().get("Exp")); // 1 - beta1^t and 1 - beta2^t
    Graph kernels = Lowering.lower(update, Target.ORT, DeviceKind.CPU);
    assertEquals(2, kernels.operatorCounts().get("AdamOptimizer"));
    List<Value> steps =
        kernels.nodes().stream()
            .filter(n -> n.op() == OpType.ADAM_OPTIMIZER)
            .map(n -> n.in(1))
            .distinct()
            .toList();
    assertEquals(2, steps.size(), "the kernel advances the step that it reads");
  }

  @Test
  void masksOfTheSameValueStayApart() {
    GraphBuilder builder = new GraphBuilder();
    Ops op = builder.ops();
    Value x = builder.input("x", DType.FLOAT, Shape.of(2));
    Value y = op.mul(op.dropout(op.exp(x), 0.5), op.dropout(op.exp(x), 0.5));
    Graph lowered =
        Lowering.lower(builder.build("g", Map.of("y", y)), Target.PORTABLE, DeviceKind.CPU);
    assertEquals(2, lowered.operatorCounts().get("Dropout"));
    assertEquals(1, lowered.operatorCounts().get("Exp"));
  }

  @Test
  void outputsThatNobodyReadsAreNotAskedFor() {
    GraphBuilder builder = new GraphBuilder();
    Ops op = builder.ops();
    Value x = builder.input("x", DType.FLOAT, Shape.of(2, 4));
    Value scale = op.parameter("scale", Shape.of(4));
    List<Value> norm = op.layerNormalization(x, scale, scale, 1e-5);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("y", op.dropout(norm.get(0), 0.5));
    Graph plain = Lowering.lower(builder.build("g", outputs), Target.ORT, DeviceKind.CPU);
    plain.nodes().forEach(n -> assertEquals(1, n.outputs().size(), n::toString));
    outputs.put("deviation", norm.get(2));
    Graph asked = Lowering.lower(builder.build("g", outputs), Target.ORT, DeviceKind.CPU);
    assertEquals(3, asked.nodes().get(0).outputs().size());
  }

  @Test
  void thePortableUpdateReadsOldValuesOnlyOnTheWayToTheirNewOnes() {
    OperatorCase adam =
        OperatorCase.all(SEED).stream().filter(c -> c.name().startsWith("Adam")).toList().get(1);
    Graph portable = Lowering.lower(adam.graph(), Target.PORTABLE, DeviceKind.CPU);
    // new moment 1, moment 2 and weight are y1, y2, y3, made from x4, x5 and x2
    assertEquals(Set.of("y3"), readers(portable, "x2"));
    assertEquals(Set.of("y1"), readers(portable, "x4"));
    assertEquals(Set.of("y2"), readers(portable, "x5"));
  }

  /** The new values that are reached from an old one without passing through a new one. */
  private static Set<String> readers(Graph graph, String old) {
    Set<String> news = Set.of("y1", "y2", "y3");
    Set<String> reached = new java.util.HashSet<>(Set.of(old));
    Set<String> found = new java.util.HashSet<>();
    for (Node n : graph.nodes()) {
      if (n.inputs().stream().anyMatch(v -> reached.contains(v.name()))) {
        (news.contains(n.output().name()) ? found : reached).add(n.output().name());
      }
    }
    return found;
  }
}
