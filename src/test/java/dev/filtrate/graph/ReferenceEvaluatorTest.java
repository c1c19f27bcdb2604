package dev.filtrate.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The oracle against numbers of another implementation (PyTorch 2, float64) or by hand. */
class ReferenceEvaluatorTest {
  private static final double CLOSE = 1e-12;

  private final GraphBuilder g = new GraphBuilder();
  private final Ops op = g.ops();
  private final Map<String, DoubleTensor> feed = new HashMap<>();
  private final Value x = given("x", DType.FLOAT, "[2, 3]", 0.5, -1, 2, 1.5, 0, -0.25);
  private final Value dy = given("dy", DType.FLOAT, "[2, 3]", 1, 2, -1, 0.5, -0.5, 3);

  private Value given(String name, DType type, String shape, double... values) {
    Shape s = Shape.parse(shape);
    int[] dims = Arrays.stream(s.fixed()).mapToInt(Math::toIntExact).toArray();
    feed.put(name, DoubleTensor.of(dims, values));
    return g.input(name, type, s);
  }

  private List<DoubleTensor> run(List<Value> values) {
    Map<String, Value> outputs = new LinkedHashMap<>();
    values.forEach(v -> outputs.put("out" + outputs.size(), v));
    return new ArrayList<>(ReferenceEvaluator.run(g.build("test", outputs), feed).values());
  }

  private void gives(Value value, double... expected) {
    assertArrayEquals(expected, run(List.of(value)).get(0).values(), CLOSE, value.toString());
  }

  @Test
  void elementwiseOperators() {
    gives(
        op.erf(x),
        0.52049987781305,
        -0.84270079294971,
        0.99532226501895,
        0.96610514647531,
        0,
        -0.27632639016824);
    gives(op.sigmoid(op.constant(0.0)), 0.5);
    gives(op.relu(x), 0.5, 0, 2, 1.5, 0, 0);
    gives(op.max(x, op.constant(0.25)), 0.5, 0.25, 2, 1.5, 0.25, 0.25);
    gives(op.cast(op.less(x, op.constant(0.0)), DType.FLOAT), 0, 1, 0, 0, 0, 1);
    gives(op.where(op.greaterOrEqual(x, dy), x, dy), 1, 2, 2, 1.5, 0, 3);
    gives(op.cast(x, DType.INT64), 0, -1, 2, 1, 0, 0);
    gives(op.div(op.cast(op.mul(x, 4), DType.INT64), op.constant(3L)), 0, -1, 2, 2, 0, 0);
  }

  @Test
  void geluAndItsGradient() {
    gives(
        op.gelu(x),
        0.34573123063701,
        -0.15865525393146,
        1.9544997361036,
        1.3997891980967,
        0,
        -0.10032341857927);
    gives(
        op.geluGrad(dy, x),
        0.86749512465616,
        -0.16663094117537,
        -1.0852318010782,
        0.56373459611499,
        -0.25,
        0.91387993534909);
  }

  @Test
  void softmaxAndItsGradientOverEitherAxis() {
    gives(
        op.softmax(x, -1),
        0.17529039214004,
        0.039112573270687,
        0.78559703458928,
        0.71586875392783,
        0.15973190970917,
        0.124399336363);
    gives(
        op.softmaxGrad(dy, op.softmax(x, -1), -1),
        0.26855916620818,
        0.099036223036048,
        -0.36759538924423,
        -0.10828691161305,
        -0.18389398563937,
        0.29218089725242);
    gives(
        op.softmaxGrad(dy, op.softmax(x, 0), 0),
        0.098305966620741,
        0.4915298331037,
        -0.34503177777025,
        -0.098305966620741,
        -0.4915298331037,
        0.34503177777025);
    gives(
        op.logSoftmaxGrad(dy, op.logSoftmax(x, -1), -1),
        0.64941921571993,
        1.9217748534586,
        -2.5711940691786,
        -1.6476062617835,
        -0.97919572912752,
        2.626801990911);
  }

  @Test
  void layerNormalizationAndItsGradient() {
    Value scale = given("scale", DType.FLOAT, "[3]", 1, 2, -1);
    Value bias = given("bias", DType.FLOAT, "[3]", 0, 1, 0.5);
    List<Value> y = op.layerNormalization(x, scale, bias, 0.5);
    gives(
        y.get(0),
        0,
        -1.1213203435596,
        -0.56066017177982,
        1.0342244694284,
        0.20444271582427,
        1.1364458273406);
    gives(y.get(1), 0.5, 0.41666666666667);
    gives(y.get(2), 0.70710678118655, 0.95466874101088);
    List<Value> d = op.layerNormalizationGrad(dy, x, scale, y.get(1), y.get(2));
    gives(
        d.get(0),
        -0.70710678118655,
        0.61871843353823,
        0.088388347648318,
        0.66162169076387,
        0.51660871744576,
        -1.1782304082096);
    gives(d.get(1), 0.51711223471422, -1.9224310225157, -2.9699976538016);
    gives(d.get(2), 1.5, 1.5, 2.0);
  }

  @Test
  void productsWithEveryFlag() {
    Value a = given("a", DType.FLOAT, "[2, 2]", 1, 2, 3, 4);
    Value b = given("b", DType.FLOAT, "[2, 2]", 5, 6, 7, 8);
    gives(op.matMul(a, b), 19, 22, 43, 50);
    gives(op.matMul(a, b, true, false, 1), 26, 30, 38, 44);
    gives(op.matMul(a, b, false, true, 1), 17, 23, 39, 53);
    gives(op.matMul(a, b, true, true, 0.5), 11.5, 15.5, 17, 23);
    Value wide = given("wide", DType.FLOAT, "[2, 1, 2]", 1, 0, 0, 1);
    gives(op.matMul(wide, b), 5, 6, 7, 8);
  }

  @Test
  void shapesAndReductions() {
    gives(op.transpose(x, 1, 0), 0.5, 1.5, -1, 0, 2, -0.25);
    gives(op.slice(x, 1, Dim.of(1), Dim.of(3)), -1, 2, 0, -0.25);
    gives(op.pad(op.slice(x, 1, Dim.of(2), Dim.of(3)), 1, Dim.of(1), Dim.of(0)), 0, 2, 0, -0.25);
    gives(
        op.concat(1, List.of(x, op.slice(x, 1, Dim.of(0), Dim.of(1)))),
        0.5,
        -1,
        2,
        0.5,
        1.5,
        0,
        -0.25,
        1.5);
    gives(op.expand(op.reduceSum(x, true, 1), Shape.of(2, 2)), 1.5, 1.5, 1.25, 1.25);
    gives(op.reduceMean(x, false, 0), 1, -0.5, 0.875);
    gives(op.cumSum(op.constant(Tensor.ofLongs(new long[] {4}, 1, 0, 2, 3)), 0, false), 1, 1, 3, 6);
    gives(op.cumSum(op.constant(Tensor.ofLongs(new long[] {4}, 1, 0, 2, 3)), 0, true), 6, 5, 5, 3);
    gives(op.sumOfSquares(x), 0.25 + 1 + 4 + 2.25 + 0.0625);
    gives(op.size(Dim.of(7)), 7);
    gives(op.zeros(Shape.of(2)), 0, 0);
  }

  @Test
  void gathersAndScatters() {
    Value ids = given("ids", DType.INT64, "[3]", 1, -1, 0);
    gives(op.gather(x, ids, 0), 1.5, 0, -0.25, 1.5, 0, -0.25, 0.5, -1, 2);
    gives(op.gatherGrad(ids, op.gather(x, ids, 0), 0, Shape.of(2, 3)), 0.5, -1, 2, 3, 0, -0.5);
    Value each = given("each", DType.INT64, "[2, 2]", 2, 2, 0, 1);
    gives(op.gatherElements(x, each, 1), 2, 2, 1.5, 0);
    Value chosen = op.gatherElements(x, each, 1);
    gives(op.gatherElementsGrad(chosen, each, 1, Shape.of(2, 3)), 0, 0, 4, 1.5, 0, 0);
    Map<String, Attr> add = Map.of("axis", new Attr.Int(1), "reduction", new Attr.Text("add"));
    gives(
        op.emit(OpType.SCATTER_ELEMENTS, List.of(x, each, chosen), add).get(0),
        0.5,
        -1,
        6,
        3,
        0,
        -0.25);
  }

  @Test
  void dropoutKeepsItsShareAndScalesTheRest() {
    Value ones =
        given(
            "ones", DType.FLOAT, "[4000]", IntStream.range(0, 4000).mapToDouble(i -> 1).toArray());
    DoubleTensor y = run(List.of(op.dropout(ones, 0.25))).get(0);
    double kept = Arrays.stream(y.values()).filter(v -> v != 0).count();
    assertEquals(0.75, kept / 4000, 0.03);
    assertEquals(kept / 0.75, Arrays.stream(y.values()).sum(), 1e-6);
  }

  @Test
  void anAdamStepIsThatOfPyTorchsAdamW() {
    Value w = given("w", DType.FLOAT, "[2]", 0.9253256739106844, -2.081945341337046);
    List<Value> next =
        op.emit(
            OpType.ADAM_OPTIMIZER,
            List.of(
                given("learning_rate", DType.FLOAT, "[]", 0.1),
                given("step", DType.INT64, "[]", 3),
                w,
                given("g", DType.FLOAT, "[2]", 0.25, -3),
                given("m1", DType.FLOAT, "[2]", -0.375, 1.25),
                given("m2", DType.FLOAT, "[2]", 0.296875, 1.1875)),
            Map.of(
                "alpha", new Attr.Real(0.5f),
                "beta", new Attr.Real(0.75f),
                "epsilon", new Attr.Real(0.125f),
                "lambda", new Attr.Real(0.25f)));
    gives(next.get(0), 4);
    gives(next.get(1), -0.0625, -0.875);
    gives(next.get(2), 0.23828125, 3.140625);
    gives(next.get(3), 0.9115052706190417, -1.9891760815499229);
  }

  @Test
  void sizesComeFromTheInputsOrAreGiven() {
    Value rows = g.input("rows", DType.FLOAT, Shape.parse("[batch, 2]"));
    feed.put("rows", DoubleTensor.zeros(3, 2));
    gives(op.add(op.size(rows.shape().elements()), op.sumAll(rows)), 6);
  }

  @Test
  void whatIsMissingOrMisshapenIsNamed() {
    Graph graph = g.build("test", Map.of("y", op.neg(x)));
    assertEquals(
        "no tensor 'x' among []",
        assertThrows(IllegalArgumentException.class, () -> ReferenceEvaluator.run(graph, Map.of()))
            .getMessage());
    assertEquals(
        "x:[2, 3] got [2]",
        assertThrows(
                IllegalStateException.class,
                () -> ReferenceEvaluator.run(graph, Map.of("x", DoubleTensor.vector(1, 2))))
            .getMessage());
  }
}
