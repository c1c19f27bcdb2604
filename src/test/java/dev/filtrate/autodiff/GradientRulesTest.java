package dev.filtrate.autodiff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.FieldSource;

class GradientRulesTest {
  static final Set<OpType> WITHOUT_DERIVATIVE =
      EnumSet.of(
          OpType.EQUAL,
          OpType.LESS,
          OpType.GREATER_OR_EQUAL,
          OpType.AND,
          OpType.NOT,
          OpType.SHAPE,
          OpType.DIM,
          OpType.RANGE,
          OpType.CONSTANT,
          OpType.CONSTANT_OF_SHAPE);

  static final Set<OpType> UNREACHABLE =
      EnumSet.of(
          OpType.GELU_GRAD,
          OpType.SOFTMAX_GRAD,
          OpType.LOG_SOFTMAX_GRAD,
          OpType.LAYER_NORMALIZATION_GRAD,
          OpType.GATHER_GRAD,
          OpType.GATHER_ELEMENTS_GRAD,
          OpType.DROPOUT_GRAD,
          OpType.SCATTER_ELEMENTS,
          OpType.DYNAMIC_QUANTIZE_LINEAR,
          OpType.MATMUL_INTEGER,
          OpType.DEQUANTIZE_LINEAR,
          OpType.MULTI_HEAD_ATTENTION,
          OpType.ADAM_OPTIMIZER,
          OpType.MATMUL_BFLOAT16,
          OpType.RELATIVE_SHIFT_GRAD,
          OpType.ADD_ROWS,
          OpType.GELU_ONEDNN,
          OpType.GELU_GRAD_ONEDNN);

  private final GraphBuilder g = new GraphBuilder();
  private final Value x = g.input("x", DType.FLOAT, Shape.of(2));

  @ParameterizedTest
  @EnumSource(OpType.class)
  void everyOperatorHasARule(OpType op) {
    assertNotNull(GradientRules.of(op), "add an entry for " + op + " to GradientRules");
  }

  @ParameterizedTest
  @FieldSource("WITHOUT_DERIVATIVE")
  void operatorsWithoutDerivativeSaySo(OpType op) {
    Node n = new Node(op, List.of(x, x), List.of(x.named("y")), Map.of());
    List<Value> gradients = GradientRules.of(op).apply(g.ops(), n, x);
    assertEquals(2, gradients.size());
    assertTrue(gradients.stream().allMatch(Objects::isNull));
  }

  @ParameterizedTest
  @FieldSource("UNREACHABLE")
  void operatorsThatABackwardPassMustNotReachRefuse(OpType op) {
    Node n = new Node(op, List.of(x, x), List.of(x.named("layer.0/y")), Map.of());
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> GradientRules.of(op).apply(g.ops(), n, x));
    assertEquals(
        "layer.0/y: a backward pass must not reach " + op + ", which is not differentiated",
        e.getMessage());
  }

  @Test
  void aSecondRuleForAnOperatorIsRefused() {
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class,
            () -> GradientRules.rule(OpType.ADD, (op, n, dy) -> List.of()));
    assertEquals("operator Add has a gradient rule already", e.getMessage());
  }
}
