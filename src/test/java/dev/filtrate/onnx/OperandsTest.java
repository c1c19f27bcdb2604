package dev.filtrate.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OperandsTest {
  private static final Dim B = RandomGraphs.B;
  private static final Dim S = RandomGraphs.S;

  private final GraphBuilder builder = new GraphBuilder();
  private final Ops op = builder.ops();
  private final Value x = builder.input("x", DType.FLOAT, Shape.of(B, S, Dim.of(6)));

  private String listing(Value y) {
    return Operands.asInputs(builder.build("g", Map.of("y", y))).nodes().toString();
  }

  @Test
  void reshapesCopyAxesAndLeaveOneOpenInsteadOfComputing() {
    assertEquals(
        "[shape/Constant:int64[4] = Constant{value=int64{0, 0, 2, 3}}(), ".replace("shape/", "")
            + "y:[batch, sequence, 2, 3] = Reshape(x, Constant)]",
        listing(op.reshape(x, Shape.of(B, S, Dim.of(2), Dim.of(3)))));
    assertTrue(listing(op.reshape(x, Shape.of(B.times(S), Dim.of(6)))).contains("int64{-1, 6}"));
  }

  @Test
  void twoOpenAxesNeedOneSizeOfAnInput() {
    Value flat = op.reshape(x, Shape.of(B.times(S), Dim.of(6)));
    assertEquals(
        "[Constant:int64[2] = Constant{value=int64{-1, 6}}(), "
            + "Reshape:[batch*sequence, 6] = Reshape(x, Constant), "
            + "Neg:[batch*sequence, 6] = Neg(Reshape), "
            + "shape/Shape:int64[1] = Shape{end=1, start=0}(x), "
            + "shape/Concat:int64[3] = Concat{axis=0}(shape/Shape, Constant), "
            + "y:[batch, sequence, 6] = Reshape(Neg, shape/Concat)]",
        listing(op.reshape(op.neg(flat), x.shape())));
  }

  @Test
  void boundsAreCountedFromTheEndWhereTheyLieNearIt() {
    String most = listing(op.slice(x, 1, Dim.of(1), S.plus(-2)));
    assertTrue(most.contains("int64{-2}"), most);
    String rest = listing(op.slice(x, 1, Dim.of(1), S));
    assertTrue(rest.contains("int64{" + Long.MAX_VALUE + "}"), rest);
  }

  @Test
  void sizesAreComputedOnce() {
    Value a = op.pad(x, 1, S.plus(-1), S.times(S).times(2));
    Value b = op.pad(x, 1, S.plus(-1), S.times(S).times(2));
    Graph graph = Operands.asInputs(builder.build("g", Map.of("y", op.add(a, b))));
    assertEquals(1, graph.operatorCounts().get("Shape"));
    assertEquals(1, graph.operatorCounts().get("Concat"));
  }

  @Test
  void aSizeAsANumberComesFromAnInput() {
    assertEquals(
        "[shape/Shape:int64[1] = Shape{end=2, start=1}(x), "
            + "Constant:int64[1] = Constant{value=int64{0}}(), "
            + "Dim:int64[] = Squeeze(shape/Shape, Constant), "
            + "Cast:[] = Cast{to=1}(Dim), "
            + "y:[batch, sequence, 6] = Mul(x, Cast)]",
        listing(op.mul(x, op.size(S))));
  }

  @Test
  void aSizeThatNoInputHasIsNamed() {
    Value y = op.zeros(Shape.of(Dim.named("labels")));
    Graph graph = builder.build("g", Map.of("y", op.add(op.sumAll(x), y)));
    assertEquals(
        "ConstantOfShape: the size 'labels' is needed, but no input has an axis of that size;"
            + " inputs: [x:[batch, sequence, 6]]",
        assertThrows(IllegalArgumentException.class, () -> Operands.asInputs(graph)).getMessage());
  }
}
