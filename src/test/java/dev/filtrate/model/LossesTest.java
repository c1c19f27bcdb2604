package dev.filtrate.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
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
}
