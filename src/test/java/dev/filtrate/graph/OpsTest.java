package dev.filtrate.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class OpsTest {
  private final GraphBuilder g = new GraphBuilder();
  private final Ops op = g.ops();
  private final Value x = input("x", "[batch, sequence, 6]");
  private final Value ids = g.input("ids", DType.INT64, Shape.parse("[batch, sequence]"));
  private final Value flag = g.input("flag", DType.BOOL, Shape.parse("[batch, 1, 1]"));
  private final Value w = input("w", "[6, 4]");

  private Value input(String name, String shape) {
    return g.input(name, DType.FLOAT, Shape.parse(shape));
  }

  @TestFactory
  Stream<DynamicTest> everyOperatorInfersItsResult() {
    Dim s = Dim.named("sequence");
    Map<String, Value> cases = new LinkedHashMap<>();
    cases.put("[batch, sequence, 6]", op.gelu(x));
    cases.put("[batch, sequence, 4]", op.matMul(x, w));
    cases.put("[6, 6]", op.matMul(w, w, false, true, 1));
    cases.put("bool[batch, sequence]", op.less(ids, op.constant(3L)));
    cases.put("int64[batch, sequence, 6]", op.cast(x, DType.INT64));
    cases.put(
        "[batch*sequence, 6]", op.reshape(x, Shape.of(Dim.parse("batch*sequence"), Dim.of(6))));
    cases.put("[6, batch, sequence]", op.transpose(x, 2, 0, 1));
    cases.put("[2, batch, sequence, 6]", op.expand(x, Shape.parse("[2, batch, sequence, 6]")));
    cases.put("[batch, 1, sequence, 1, 6]", op.unsqueeze(x, 1, 3));
    cases.put("[batch, sequence-1, 6]", op.slice(x, 1, Dim.of(1), s));
    cases.put("[batch, 2*sequence+2, 6]", op.pad(x, 1, s, Dim.of(2)));
    cases.put("[batch, sequence, 12]", op.concat(-1, List.of(x, x)));
    cases.put("[sequence]", op.reduceMean(x, false, 0, 2));
    cases.put("int64[batch, sequence]", op.cumSum(ids, 1, false));
    cases.put("[1, sequence, 1]", op.reduceSum(x, true, 0, 2));
    cases.put("[]", op.meanAll(x));
    cases.put(
        "[sequence, 4]", op.gather(w, g.input("row", DType.INT64, Shape.parse("[sequence]")), 0));
    cases.put(
        "[batch, sequence, 1]",
        op.layerNormalization(x, input("scale", "[6]"), input("bias", "[6]"), 1).get(2));
    cases.put(
        "int64[2]",
        op.emit(OpType.SHAPE, List.of(x), Map.of("start", new Attr.Int(0), "end", new Attr.Int(2)))
            .get(0));
    List<DynamicTest> tests = new ArrayList<>();
    cases.forEach(
        (expected, v) ->
            tests.add(
                DynamicTest.dynamicTest(
                    v.name(),
                    () -> assertEquals(expected, v.toString().substring(v.name().length() + 1)))));
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> whatDoesNotFitIsNamed() {
    Dim one = Dim.of(1);
    Map<String, Supplier<Object>> mistakes = new LinkedHashMap<>();
    mistakes.put(
        "l/Add: element types differ: ids:int64[batch, sequence] and x:[batch, sequence, 6]",
        () -> op.in("l").add(ids, x));
    mistakes.put(
        "l/Where: expected bool, got x:[batch, sequence, 6]", () -> op.in("l").where(x, x, x));
    mistakes.put(
        "l/Where: element types differ: x:[batch, sequence, 6] and ids:int64[batch, sequence]",
        () -> op.in("l").where(flag, x, ids));
    mistakes.put("l/And: expected bool, got x:[batch, sequence, 6]", () -> op.in("l").and(x, x));
    mistakes.put(
        "l/Reshape: [6, 4] has 24 elements, [5, 5] has 25",
        () -> op.in("l").reshape(w, Shape.of(5, 5)));
    mistakes.put(
        "l/Transpose: perm [0, 0] does not fit [6, 4]", () -> op.in("l").transpose(w, 0, 0));
    mistakes.put("l/Squeeze: axis 1 of [6, 4] is not 1", () -> op.in("l").squeeze(w, 1));
    mistakes.put(
        "l/Slice: [1, 5) is outside axis 1 of [6, 4]",
        () -> op.in("l").slice(w, 1, one, Dim.of(5)));
    mistakes.put(
        "l/Slice: [3, 2) is outside axis 1 of [6, 4]",
        () -> op.in("l").slice(w, 1, Dim.of(3), Dim.of(2)));
    mistakes.put(
        "l/Concat: w:[6, 4] and x:[batch, sequence, 6] differ outside axis 0",
        () -> op.in("l").concat(0, List.of(w, x)));
    mistakes.put(
        "l/MatMul: a product needs two axes, got []", () -> op.in("l").matMul(w, op.constant(1.0)));
    mistakes.put(
        "l/FusedMatMul: inner axes differ: [4, 6] x [4, 6] (6 vs 4)",
        () -> op.in("l").matMul(w, w, true, true, 1));
    mistakes.put(
        "l/ReduceSum: axis 2 of [6, 4]: out of range",
        () ->
            op.in("l")
                .emit(
                    OpType.REDUCE_SUM,
                    List.of(w),
                    Map.of("axes", new Attr.Ints(List.of(2L)), "keepdims", new Attr.Int(0))));
    mistakes.put("l/Softmax: axis 5 of [6, 4]: out of range", () -> op.in("l").softmax(w, 5));
    mistakes.put(
        "l/LayerNormalization: scale and bias must be [6], got [6, 4]",
        () -> op.in("l").layerNormalization(x, w, w, 1));
    mistakes.put(
        "l/Gather: expected int64, got x:[batch, sequence, 6]", () -> op.in("l").gather(w, x, 0));
    mistakes.put(
        "l/GatherElements: ranks differ: x:[batch, sequence, 6] and ids:int64[batch, sequence]",
        () -> op.in("l").gatherElements(x, ids, -1));
    mistakes.put(
        "l/SoftmaxGrad_13: shapes differ: x:[batch, sequence, 6] and w:[6, 4]",
        () -> op.in("l").softmaxGrad(x, w, -1));
    mistakes.put(
        "l/Neg: expected 1 inputs, got [w:[6, 4], w:[6, 4]]",
        () -> op.in("l").emit(OpType.NEG, List.of(w, w), Map.of()));
    mistakes.put(
        "l/Cast: attribute 'to': expected Int, got null",
        () -> op.in("l").emit(OpType.CAST, List.of(w), Map.of()));
    mistakes.put("nothing to concatenate", () -> op.concat(0, List.of()));
    List<DynamicTest> tests = new ArrayList<>();
    mistakes.forEach(
        (message, mistake) ->
            tests.add(
                DynamicTest.dynamicTest(
                    message,
                    () ->
                        assertEquals(
                            message,
                            assertThrows(IllegalArgumentException.class, mistake::get)
                                .getMessage()))));
    return tests.stream();
  }

  @Test
  void whatChangesNothingIsNotEmitted() {
    assertSame(x, op.reshape(x, x.shape()));
    assertSame(x, op.expand(x, x.shape()));
    assertSame(x, op.transpose(x, 0, 1, 2));
    assertSame(x, op.transpose(op.transpose(x, 2, 0, 1), 1, 2, 0));
    assertSame(x, op.slice(x, 1, Dim.of(0), Dim.named("sequence")));
    assertSame(x, op.cast(x, DType.FLOAT));
    assertSame(x, op.mul(x, 1));
    assertSame(x, op.dropout(x, 0));
    assertSame(x, op.reduceSum(x, false));
  }

  @Test
  void transpositionsInARowBecomeOne() {
    Value y = op.transpose(op.transpose(x, 2, 0, 1), 2, 1, 0);
    assertEquals("[sequence, batch, 6]", y.shape().toString());
    assertSame(x, g.producer(y).orElseThrow().in(0));
  }

  @Test
  void aProductWithoutFlagsIsAPlainOne() {
    assertEquals(OpType.MATMUL, g.producer(op.matMul(x, w, false, false, 1)).orElseThrow().op());
    assertEquals(
        OpType.FUSED_MATMUL, g.producer(op.matMul(x, w, false, false, 2)).orElseThrow().op());
  }

  @Test
  void aKnownSizeIsAConstantAndANamedOneIsComputed() {
    assertEquals(OpType.CONSTANT, g.producer(op.size(Dim.of(3))).orElseThrow().op());
    assertEquals(OpType.CAST, g.producer(op.size(Dim.named("batch"))).orElseThrow().op());
  }
}
