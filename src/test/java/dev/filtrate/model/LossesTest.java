package dev.filtrate.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Objective.Reduction;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The expected figures are PyTorch's, in double. */
class LossesTest {
  private static final DoubleTensor STUDENT =
      DoubleTensor.of(new int[] {2, 3}, 1.5, -2, 0.25, 30, -0.5, -40);
  private static final DoubleTensor TEACHER =
      DoubleTensor.of(new int[] {2, 3}, 0.5, -1, 2, -3, 0.75, -20);

  private interface Loss {
    Value emit(Ops op, Value a, Value b);
  }

  private static double loss(DoubleTensor a, DoubleTensor b, Loss loss) {
    GraphBuilder g = new GraphBuilder();
    Value first = g.input("a", DType.FLOAT, Shape.of(2, 3));
    Value second = g.input("b", DType.FLOAT, Shape.of(2, 3));
    var graph = g.build("loss", Map.of("loss", loss.emit(g.ops(), first, second)));
    return ReferenceEvaluator.get(ReferenceEvaluator.run(graph, Map.of("a", a, "b", b)), "loss")
        .scalarValue();
  }

  @Test
  void binaryCrossEntropyIsThatOfEveryLabelsSigmoid() {
    DoubleTensor labels = DoubleTensor.of(new int[] {2, 3}, 1, 0, 1, 0, 1, 0);
    assertEquals(5.313059615514128, loss(STUDENT, labels, Losses::binaryCrossEntropy), 1e-12);
    DoubleTensor unknown = DoubleTensor.of(new int[] {2, 3}, 1, 0, -1, 0, 1, 0);
    assertEquals(6.260483654641185, loss(STUDENT, unknown, Losses::binaryCrossEntropy), 1e-12);
    DoubleTensor none = DoubleTensor.zeros(2, 3).map(x -> -1);
    assertEquals(0, loss(STUDENT, none, Losses::binaryCrossEntropy));
  }

  @Test
  void divergenceOfLabelsIsThatOfTheirTwoOutcomes() {
    assertEquals(
        12.118185591955381,
        loss(STUDENT, TEACHER, (op, s, t) -> Losses.klOfLabels(op, s, t, 4)),
        1e-12);
    assertEquals(0, loss(STUDENT, STUDENT, (op, s, t) -> Losses.klOfLabels(op, s, t, 2)), 1e-12);
  }

  @Test
  void divergenceOfClassesIsForwardKlWithTheTeacherAsTarget() {
    GraphBuilder g = new GraphBuilder();
    Value student = constant(g, new long[] {2, 2}, 1, 2, 0.5f, -1);
    Value teacher = constant(g, new long[] {2, 2}, 2, 0, 1, 1);
    assertEquals(0.6522541, scalar(g, Losses.kl(g.ops(), student, teacher, 2)), 1e-6);
  }

  @Test
  void paddingLeftOutOfADivergenceAddsNothing() {
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops();
    Value mask = op.constant(Tensor.ofLongs(new long[] {2, 3}, 1, 1, 0, 1, 1, 0));
    Value student = constant(g, new long[] {2, 3}, 1, 2, 9, 0.5f, -1, 70);
    Value teacher = constant(g, new long[] {2, 3}, 2, 0, -8, 1, 1, 3);
    Value kl =
        Losses.kl(
            op,
            Losses.withoutPadding(op, student, mask),
            Losses.withoutPadding(op, teacher, mask),
            2);
    assertEquals(0.6522541, scalar(g, kl), 1e-6);
  }

  @Test
  void aSingleScoreIsComparedOverTheBatchOrScoreByScore() {
    GraphBuilder g = new GraphBuilder();
    Value student = constant(g, new long[] {3, 1}, 1, 2, 3);
    Value teacher = constant(g, new long[] {3, 1}, 1.5f, 1.5f, 4);
    assertEquals(0.0601880, scalar(g, Losses.klOverBatch(g.ops(), student, teacher, 2)), 1e-6);
    assertEquals(0.5, scalar(g, Losses.meanSquare(g.ops(), g.ops().sub(student, teacher))), 1e-12);
  }

  @Test
  void layersAreAveragedOrSummedWithPaddingOrWithout() {
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops();
    List<Value> student = List.of(states(g, 0, 0), states(g, 1, 1));
    List<Value> teacher = List.of(states(g, 2, 2), states(g, 4, 4));
    List<Value> errors = Losses.layerwise(op, student, teacher);
    assertEquals(4, scalar(g, errors.get(0)), 1e-12);
    assertEquals(9, scalar(g, errors.get(1)), 1e-12);
    assertEquals(6.5, scalar(g, Losses.reduced(op, errors, Reduction.MEAN)), 1e-12);
    assertEquals(13, scalar(g, Losses.reduced(op, errors, Reduction.SUM)), 1e-12);
    Value mask = op.constant(Tensor.ofLongs(new long[] {1, 2}, 1, 0));
    List<Value> padded = List.of(states(g, 2, 70), states(g, 4, -3));
    List<Value> masked = Losses.layerwiseMasked(op, student, padded, mask);
    assertEquals(4, scalar(g, masked.get(0)), 1e-12);
    assertEquals(6.5, scalar(g, Losses.reduced(op, masked, Reduction.MEAN)), 1e-12);
    assertEquals(13, scalar(g, Losses.reduced(op, masked, Reduction.SUM)), 1e-12);
  }

  /** Two tokens of width 3, each of one number. */
  private static Value states(GraphBuilder g, float first, float second) {
    return constant(g, new long[] {1, 2, 3}, first, first, first, second, second, second);
  }

  private static Value constant(GraphBuilder g, long[] dims, float... values) {
    return g.ops().constant(Tensor.ofFloats(dims, values));
  }

  private static double scalar(GraphBuilder g, Value loss) {
    var graph = g.build("loss", Map.of("loss", loss));
    return ReferenceEvaluator.get(ReferenceEvaluator.run(graph, Map.of()), "loss").scalarValue();
  }
}
