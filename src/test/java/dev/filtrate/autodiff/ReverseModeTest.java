package dev.filtrate.autodiff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReverseModeTest {
  private static final Dim BATCH = Dim.named("batch");
  private static final Dim SEQUENCE = Dim.named("sequence");

  private final GraphBuilder g = new GraphBuilder();
  private final Ops op = g.ops();
  private final Value seed = g.input("gradient_scale", DType.FLOAT, Shape.SCALAR);

  private Graph gradients(Value loss, List<Value> wrt) {
    Map<String, Value> outputs = new LinkedHashMap<>();
    ReverseMode.gradients(g, loss, seed, wrt)
        .forEach((x, dx) -> outputs.put("grad/" + x.name(), dx));
    return g.build("gradients", outputs);
  }

  private Value input(String name, String shape) {
    return g.input(name, DType.FLOAT, Shape.parse(shape));
  }

  private String error(Value loss, Value scale, Value... wrt) {
    return String.valueOf(
        assertThrows(
                IllegalArgumentException.class,
                () -> ReverseMode.gradients(g, loss, scale, List.of(wrt)))
            .getMessage());
  }

  @Test
  void aDenseLayerGivesOneTwoDimensionalProductForItsWeight() {
    Value x = g.input("x", DType.FLOAT, Shape.of(BATCH, SEQUENCE, Dim.of(3)));
    Value loss = op.in("loss").meanAll(op.in("layer.0.dense").linear(x, 4));
    assertEquals(
        """
        graph gradients
        input     gradient_scale:[]
        input     x:[batch, sequence, 3]
          grad.loss/ReduceMean/Dim:int64[] = Dim{size=[4*batch*sequence]}()
          grad.loss/ReduceMean/Cast:[] = Cast{to=1}(grad.loss/ReduceMean/Dim)
          grad.loss/ReduceMean/Div:[] = Div(gradient_scale, grad.loss/ReduceMean/Cast)
          grad.loss/ReduceMean/Expand:[batch, sequence, 4] = \
        Expand{shape=[batch, sequence, 4]}(grad.loss/ReduceMean/Div)
          grad/layer.0.dense.bias:[4] = \
        ReduceSum{axes=[0, 1], keepdims=0}(grad.loss/ReduceMean/Expand)
          grad.layer.0.dense/FusedMatMul/Reshape:[batch*sequence, 3] = \
        Reshape{shape=[batch*sequence, 3]}(x)
          grad.layer.0.dense/FusedMatMul/Reshape_1:[batch*sequence, 4] = \
        Reshape{shape=[batch*sequence, 4]}(grad.loss/ReduceMean/Expand)
          grad/layer.0.dense.weight:[4, 3] = FusedMatMul{alpha=1.0, transA=1, transB=0}\
        (grad.layer.0.dense/FusedMatMul/Reshape_1, grad.layer.0.dense/FusedMatMul/Reshape)
        output    grad/layer.0.dense.weight:[4, 3]
        output    grad/layer.0.dense.bias:[4]
        """,
        gradients(loss, g.parameters()).toString());
  }

  @Test
  void aProductsGradientsAreProductsWithoutTranspositions() {
    Value a = input("a", "[batch, 2, sequence, 3]");
    Value b = input("b", "[2, sequence, 3]");
    for (boolean ta : List.of(false, true)) {
      Value y = op.matMul(ta ? b : a, ta ? a : b, ta, !ta, 1);
      Graph graph = gradients(op.sumAll(y), List.of(a, b));
      assertFalse(graph.operatorCounts().containsKey("Transpose"), graph::toString);
    }
  }

  @Test
  void onlyWhatLiesBetweenIsWalked() {
    Value x = input("x", "[batch, 3]");
    Value frozen = op.in("frozen").linear(op.in("frozen").tanh(x), 3);
    Value trained = op.in("trained").linear(frozen, 2);
    op.in("other").linear(trained, 5); // beside the loss
    Value loss = op.in("loss").sumAll(trained);
    int before = g.nodes().size();
    List<Value> wrt = g.parameters().stream().filter(p -> p.name().startsWith("trained")).toList();
    ReverseMode.gradients(g, loss, seed, wrt);
    List<Node> added = g.nodes().subList(before, g.nodes().size());
    assertTrue(
        added.stream().noneMatch(n -> n.output().name().matches("grad\\.(frozen|other).*")),
        added::toString);
  }

  @Test
  void anInnerValueMayBeDifferentiatedByBesideWhatIsBelowIt() {
    Value x = input("x", "[2]");
    Value y = op.mul(x, 3);
    Graph graph = gradients(op.sumAll(op.mul(y, y)), List.of(x, y));
    Map<String, DoubleTensor> results =
        ReferenceEvaluator.run(
            graph,
            Map.of("x", DoubleTensor.vector(1, -2), "gradient_scale", DoubleTensor.scalar(0.5)));
    String name = "grad/" + y.name();
    assertEquals("[2][3.0, -6.0]", ReferenceEvaluator.get(results, name).toString());
    assertEquals("[2][9.0, -18.0]", ReferenceEvaluator.get(results, "grad/x").toString());
  }

  @Test
  void theOutputItselfHasTheSeedAsItsGradient() {
    Value loss = op.sumAll(input("x", "[2]"));
    assertEquals(Map.of(loss, seed), ReverseMode.gradients(g, loss, seed, List.of(loss)));
  }

  @Test
  void gradientsComeInTheOrderAskedForAndShapedLikeTheirValues() {
    Value a = input("a", "[3]");
    Value b = input("b", "[1, batch, 1]");
    Value loss = op.sumAll(op.mul(a, b));
    Map<Value, Value> gradients = ReverseMode.gradients(g, loss, seed, List.of(b, a));
    assertEquals(List.of(b, a), List.copyOf(gradients.keySet()));
    gradients.forEach((x, dx) -> assertEquals(x.shape(), dx.shape()));
  }

  @Test
  void theSameModelGivesTheSameListing() {
    assertEquals(listing(), listing());
  }

  private static String listing() {
    ReverseModeTest fresh = new ReverseModeTest();
    Value x = fresh.input("x", "[batch, sequence, 4]");
    Value h = fresh.op.in("a").linear(x, 4);
    Value y = fresh.op.in("b").linear(fresh.op.softmax(fresh.op.add(h, x), -1), 2);
    return fresh.gradients(fresh.op.meanAll(y), fresh.g.parameters()).toString();
  }

  @Test
  void theGradientOfASumIsTheSumOfGradients() {
    Value x = input("x", "[3]");
    Value f = op.sumAll(op.exp(x));
    Value h = op.sumAll(op.tanh(x));
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("f", gradient(f, x));
    outputs.put("h", gradient(h, x));
    outputs.put("both", gradient(op.add(f, h), x));
    Map<String, DoubleTensor> d =
        ReferenceEvaluator.run(
            g.build("sum", outputs),
            Map.of("x", DoubleTensor.vector(0.5, -1, 2), "gradient_scale", DoubleTensor.scalar(1)));
    for (int i = 0; i < 3; i++) {
      assertEquals(
          ReferenceEvaluator.get(d, "f").get(i) + ReferenceEvaluator.get(d, "h").get(i),
          ReferenceEvaluator.get(d, "both").get(i),
          1e-14);
    }
  }

  private Value gradient(Value loss, Value x) {
    return List.copyOf(ReverseMode.gradients(g, loss, seed, List.of(x)).values()).get(0);
  }

  @Test
  void paddingRowsOfAnEmbeddingGetNoGradient() {
    Value table = input("table", "[3, 2]");
    Value ids = g.input("ids", DType.INT64, Shape.parse("[batch, sequence]"));
    Value rows =
        op.emit(
                OpType.GATHER,
                List.of(table, ids),
                Map.of("axis", new Attr.Int(0), "padding_idx", new Attr.Int(1)))
            .get(0);
    Map<String, DoubleTensor> results =
        ReferenceEvaluator.run(
            gradients(op.sumAll(rows), List.of(table)),
            Map.of(
                "ids", DoubleTensor.of(new int[] {2, 2}, 0, 1, 2, 2),
                "gradient_scale", DoubleTensor.scalar(1)));
    assertEquals(
        "[3, 2][1.0, 1.0, 0.0, 0.0, 2.0, 2.0]",
        ReferenceEvaluator.get(results, "grad/table").toString());
  }

  @Test
  void onlyAScalarIsDifferentiated() {
    Value x = input("x", "[2]");
    assertEquals("only a scalar is differentiated, got x:[2]", error(x, seed, x));
    Value loss = op.sumAll(x);
    assertEquals("the seed must be a scalar like ReduceSum:[], got x:[2]", error(loss, x, x));
  }

  @Test
  void aGradientThatIsZeroByConstructionIsNamed() {
    Value x = input("x", "[2]");
    Value unused = input("layer.7.weight", "[2]");
    Value loss = op.in("loss").sumAll(x);
    assertEquals(
        "'loss/ReduceSum' does not depend on 'layer.7.weight': its gradient would be zero",
        error(loss, seed, x, unused));
    Value steps = op.sumAll(op.cast(op.less(x, unused), DType.FLOAT)); // through a truth value
    assertEquals(
        "'ReduceSum' does not depend on 'x': its gradient would be zero", error(steps, seed, x));
  }

  @Test
  void integersHaveNoGradient() {
    Value ids = g.input("ids", DType.INT64, Shape.of(2));
    Value loss = op.sumAll(op.cast(ids, DType.FLOAT));
    assertEquals("no gradient by ids:int64[2]: it is not floating point", error(loss, seed, ids));
  }

  @Test
  void aBackwardPassIsNotDifferentiatedAgain() {
    Value x = input("x", "[2]");
    Value dx = gradient(op.in("layer").sumAll(op.in("layer").softmax(x, -1)), x);
    assertEquals(
        "grad.layer/Softmax/SoftmaxGrad_13: a backward pass must not reach SoftmaxGrad_13, which"
            + " is not differentiated",
        error(op.sumAll(dx), seed, x));
  }

  @Test
  void statisticsOfANormalisationCarryNoGradient() {
    Value x = input("x", "[2, 3]");
    List<Value> all =
        op.in("norm").layerNormalization(x, input("scale", "[3]"), input("bias", "[3]"), 1e-5);
    assertEquals(
        "norm/LayerNormalization: no gradient flows through output 1 of LayerNormalization",
        error(op.sumAll(all.get(1)), seed, x));
  }
}
