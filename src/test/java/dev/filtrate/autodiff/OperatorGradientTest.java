package dev.filtrate.autodiff;

import static dev.filtrate.autodiff.GradientCheck.awayFromZero;
import static dev.filtrate.autodiff.GradientCheck.flags;
import static dev.filtrate.autodiff.GradientCheck.grid;
import static dev.filtrate.autodiff.GradientCheck.ids;
import static dev.filtrate.autodiff.GradientCheck.normal;
import static dev.filtrate.autodiff.GradientCheck.positive;
import static dev.filtrate.autodiff.GradientCheck.spread;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.autodiff.GradientCheck.Body;
import dev.filtrate.autodiff.GradientCheck.Case;
import dev.filtrate.autodiff.GradientCheck.Input;
import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every rule against finite differences, at random sizes, with named and with fixed dims. */
class OperatorGradientTest {
  private static final int TRIALS = 3;

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void gradientMatchesFiniteDifferences(Case c) {
    long seed = TestSeed.get();
    for (int trial = 0; trial < TRIALS; trial++) {
      Randomness random = Randomness.of(seed + trial, "sizes");
      Map<String, Long> sizes = new HashMap<>();
      for (String name : List.of("a", "b", "c", "d")) {
        sizes.put(name, 1L + random.nextInt(4));
      }
      GradientCheck.check(c, sizes, true, seed);
      GradientCheck.check(c, sizes, false, seed);
    }
  }

  @Test
  void everyDifferentiableOperatorHasACase() {
    Set<OpType> missing = EnumSet.allOf(OpType.class);
    missing.removeAll(GradientRulesTest.WITHOUT_DERIVATIVE);
    missing.removeAll(GradientRulesTest.UNREACHABLE);
    cases().forEach(c -> missing.removeAll(c.operators()));
    assertEquals(Set.of(), missing);
  }

  static Stream<Case> cases() {
    List<Case> all = new ArrayList<>();
    elementwise(all);
    binary(all);
    shapes(all);
    products(all);
    reductions(all);
    networks(all);
    graphs(all);
    return all.stream();
  }

  private static void elementwise(List<Case> all) {
    String s = "[a, b, 2]";
    all.add(Case.of("Neg", (op, x) -> op.neg(x.get(0)), normal(s)));
    all.add(Case.of("Abs", (op, x) -> op.abs(x.get(0)), awayFromZero(s)));
    all.add(Case.of("Exp", (op, x) -> op.exp(x.get(0)), normal(s)));
    all.add(Case.of("Log", (op, x) -> op.log(x.get(0)), positive(s)));
    all.add(Case.of("Sqrt", (op, x) -> op.sqrt(x.get(0)), positive(s)));
    all.add(Case.of("Reciprocal", (op, x) -> op.reciprocal(x.get(0)), awayFromZero(s)));
    all.add(Case.of("Tanh", (op, x) -> op.tanh(x.get(0)), normal(s)));
    all.add(Case.of("Erf", (op, x) -> op.erf(x.get(0)), normal(s)));
    all.add(Case.of("Sigmoid", (op, x) -> op.sigmoid(x.get(0)), normal(s)));
    all.add(Case.of("Relu", (op, x) -> op.relu(x.get(0)), awayFromZero(s)));
    all.add(Case.of("Gelu", (op, x) -> op.gelu(x.get(0)), normal(s)));
    all.add(Case.of("Identity", (op, x) -> op.identity(x.get(0)), normal(s)));
    all.add(
        Case.of(
            "Cast", (op, x) -> op.cast(op.cast(x.get(0), DType.DOUBLE), DType.FLOAT), normal(s)));
    all.add(Case.of("number − x", (op, x) -> op.sub(3, x.get(0)), normal(s)));
    all.add(
        Case.of(
            "Where",
            (op, x) -> op.where(x.get(0), x.get(1), x.get(2)),
            flags(s),
            normal(s),
            normal(s)));
    all.add(
        Case.of(
            "Where, branches and condition stretched",
            (op, x) -> op.where(x.get(0), x.get(1), x.get(2)),
            flags("[b, 1]"),
            normal("[]"),
            normal("[a, 1, 2]")));
  }

  /** Two operands in every way of broadcasting. */
  private static void binary(List<Case> all) {
    Map<String, List<String>> ways =
        Map.of(
            "equal shapes", List.of("[a, b, c]", "[a, b, c]"),
            "scalar left", List.of("[]", "[a, b]"),
            "scalar right", List.of("[a, b]", "[]"),
            "row", List.of("[a, b]", "[b]"),
            "column", List.of("[a, b]", "[a, 1]"),
            "stretched middle", List.of("[a, b, c]", "[a, 1, c]"),
            "both stretched", List.of("[a, 1, c]", "[1, b, 1]"),
            "rank mismatch left", List.of("[c]", "[a, b, c]"),
            "rank mismatch right, ones in front and stretched",
                List.of("[a, b, c, 2]", "[1, c, 1]"),
            "ones in front", List.of("[1, 1, a]", "[a]"));
    ways.forEach(
        (way, shapes) -> {
          String l = shapes.get(0);
          String r = shapes.get(1);
          all.add(pair("Add, " + way, Ops::add, normal(l), normal(r)));
          all.add(pair("Sub, " + way, Ops::sub, normal(l), normal(r)));
          all.add(pair("Mul, " + way, Ops::mul, normal(l), normal(r)));
          all.add(pair("Div, " + way, Ops::div, normal(l), awayFromZero(r)));
          all.add(pair("Max, " + way, Ops::max, grid(0, l), grid(0.5, r)));
          all.add(pair("Min, " + way, Ops::min, grid(0, l), grid(0.5, r)));
        });
  }

  @FunctionalInterface
  private interface Binary {
    Value apply(Ops op, Value a, Value b);
  }

  private static Case pair(String name, Binary f, Input a, Input b) {
    return Case.of(name, (op, x) -> f.apply(op, x.get(0), x.get(1)), a, b);
  }

  private static void shapes(List<Case> all) {
    all.add(
        one(
            "Reshape",
            (op, x) -> op.reshape(x, Shape.of(x.dim(2), x.dim(0).times(x.dim(1)))),
            "[a, b, 3]"));
    all.add(one("Transpose", (op, x) -> op.transpose(x, 2, 0, 3, 1), "[a, b, c, 2]"));
    all.add(
        one(
            "Transpose twice",
            (op, x) -> op.exp(op.transpose(op.transpose(x, 1, 2, 0), 2, 1, 0)),
            "[a, b, c]"));
    all.add(
        one(
            "Expand",
            (op, x) -> op.expand(x, Shape.of(Dim.of(2), x.dim(0), Dim.of(3), x.dim(2))),
            "[a, 1, b]"));
    all.add(one("Expand of a scalar", (op, x) -> op.expand(x, Shape.of(2, 3)), "[]"));
    all.add(one("Squeeze", (op, x) -> op.squeeze(x, 1, -1), "[a, 1, b, 1]"));
    all.add(one("Unsqueeze", (op, x) -> op.unsqueeze(x, 0, 2), "[a, b]"));
    all.add(one("Slice", (op, x) -> op.slice(x, 1, Dim.of(1), x.dim(1).plus(-1)), "[a, b+2, 2]"));
    all.add(one("Slice of two axes", OperatorGradientTest::corner, "[a+1, b, c+2]"));
    all.add(
        one(
            "Slices that overlap",
            (op, x) ->
                op.mul(
                    op.slice(x, 0, Dim.of(0), x.dim(0).plus(-1)),
                    op.slice(x, 0, Dim.of(1), x.dim(0))),
            "[a+2, b]"));
    all.add(one("Pad", (op, x) -> op.pad(x, 1, Dim.of(2), x.dim(0)), "[a, b, 2]"));
    all.add(
        Case.of(
            "Concat",
            (op, x) -> op.concat(1, x),
            normal("[a, b, 2]"),
            normal("[a, 3, 2]"),
            normal("[a, c, 2]")));
    all.add(
        Case.of(
            "Concat of one value twice",
            (op, x) -> op.concat(-1, List.of(x.get(0), x.get(1), x.get(0))),
            normal("[a, b]"),
            normal("[a, c]")));
    all.add(one("RelativeShift", Ops::relativeShift, "[b, a, 2*a]"));
  }

  private static Case one(
      String name, java.util.function.BiFunction<Ops, Value, Value> f, String shape) {
    return Case.of(name, (op, x) -> f.apply(op, x.get(0)), normal(shape));
  }

  private static Value corner(Ops op, Value x) {
    Map<String, Attr> bounds =
        Map.of(
            "starts", new Attr.Sizes(Shape.of(1, 0)),
            "ends", new Attr.Sizes(Shape.of(x.dim(2).plus(-1), x.dim(0).plus(0))),
            "axes", new Attr.Ints(List.of(-1L, 0L)));
    return op.emit(OpType.SLICE, List.of(x), bounds).get(0);
  }

  private static void products(List<Case> all) {
    for (boolean ta : List.of(false, true)) {
      for (boolean tb : List.of(false, true)) {
        for (double alpha : List.of(1.0, 0.5)) {
          String how = (ta ? " Aᵀ" : "") + (tb ? " Bᵀ" : "") + (alpha == 1 ? "" : " alpha");
          Body product = (op, x) -> op.matMul(x.get(0), x.get(1), ta, tb, alpha);
          String l = ta ? "b, a]" : "a, b]";
          String r = tb ? "c, b]" : "b, c]";
          all.add(Case.of("MatMul" + how, product, normal("[" + l), normal("[" + r)));
          all.add(
              Case.of(
                  "MatMul, batches" + how, product, normal("[d, 2, " + l), normal("[d, 2, " + r)));
          all.add(
              Case.of(
                  "MatMul, 4-D by weight" + how, product, normal("[d, 2, " + l), normal("[" + r)));
          all.add(
              Case.of("MatMul, 3-D by weight" + how, product, normal("[d, " + l), normal("[" + r)));
          all.add(
              Case.of("MatMul, matrix by 3-D" + how, product, normal("[" + l), normal("[d, " + r)));
          all.add(
              Case.of(
                  "MatMul, heads shared by the batch" + how,
                  product,
                  normal("[d, 2, " + l),
                  normal("[2, " + r)));
          all.add(
              Case.of(
                  "MatMul, both stretched" + how,
                  product,
                  normal("[d, 1, " + l),
                  normal("[1, 2, " + r)));
        }
      }
    }
    all.add(
        Case.of(
            "MatMul of a value with itself",
            (op, x) -> op.matMul(x.get(0), x.get(0), false, true, 1),
            normal("[a, b, c]")));
  }

  private static void reductions(List<Case> all) {
    for (boolean keep : List.of(false, true)) {
      String how = keep ? ", kept" : "";
      all.add(
          one(
              "ReduceSum over the last axis" + how,
              (op, x) -> op.reduceSum(x, keep, -1),
              "[a, b, c]"));
      all.add(
          one(
              "ReduceSum over two axes" + how,
              (op, x) -> op.reduceSum(x, keep, 0, 2),
              "[a, b, c]"));
      all.add(
          one(
              "ReduceMean over the middle" + how,
              (op, x) -> op.reduceMean(x, keep, 1),
              "[a, b, c]"));
      all.add(
          one(
              "ReduceMean over two axes" + how,
              (op, x) -> op.reduceMean(x, keep, 0, -1),
              "[a, b, 3]"));
      all.add(one("ReduceSumSquare" + how, (op, x) -> sumSquare(op, x, keep), "[a, b, 3]"));
    }
    all.add(one("CumSum", (op, x) -> op.cumSum(x, 1, false), "[a, b, c]"));
    all.add(one("CumSum from the end", (op, x) -> op.cumSum(x, -1, true), "[a, b, c]"));
    all.add(one("sum of all", Ops::sumAll, "[a, b, c]"));
    all.add(one("mean of all", Ops::meanAll, "[a, b, c]"));
    all.add(one("sum of squares", Ops::sumOfSquares, "[a, b, c]"));
  }

  private static Value sumSquare(Ops op, Value x, boolean keep) {
    Map<String, Attr> attributes =
        Map.of("axes", new Attr.Ints(List.of(0L, 2L)), "keepdims", new Attr.Int(keep ? 1 : 0));
    return op.emit(OpType.REDUCE_SUM_SQUARE, List.of(x), attributes).get(0);
  }

  private static void networks(List<Case> all) {
    for (int axis : List.of(-1, 1)) {
      all.add(one("Softmax, axis " + axis, (op, x) -> op.softmax(x, axis), "[a, b, c]"));
      all.add(one("LogSoftmax, axis " + axis, (op, x) -> op.logSoftmax(x, axis), "[a, b, c]"));
    }
    all.add(
        Case.of(
            "LayerNormalization",
            (op, x) -> op.layerNormalization(x.get(0), x.get(1), x.get(2), 1e-5).get(0),
            spread("[a, b, c+1]"),
            normal("[c+1]"),
            normal("[c+1]")));
    all.add(
        Case.of(
            "Gather, rows",
            (op, x) -> op.gather(x.get(0), x.get(1), 0),
            normal("[3, a]"),
            ids(3, "[b, c]")));
    all.add(
        Case.of(
            "Gather, rows that get no gradient are not asked for",
            (op, x) -> op.gather(x.get(0), x.get(1), 0),
            normal("[9, a]"),
            ids(3, "[b, c]")));
    all.add(
        Case.of(
            "Gather, middle axis",
            (op, x) -> op.gather(x.get(0), x.get(1), 1),
            normal("[a, 3, b]"),
            ids(3, "[c]")));
    all.add(
        Case.of(
            "Gather, one",
            (op, x) -> op.gather(x.get(0), x.get(1), -1),
            normal("[a, 3]"),
            ids(3, "[]")));
    all.add(
        Case.of(
            "GatherElements",
            (op, x) -> op.gatherElements(x.get(0), x.get(1), -1),
            normal("[a, b, 4]"),
            ids(4, "[a, b, c]")));
    all.add(
        Case.of(
            "GatherElements, first axis",
            (op, x) -> op.gatherElements(x.get(0), x.get(1), 0),
            normal("[3, a]"),
            ids(3, "[b, a]")));
    all.add(one("Dropout", (op, x) -> op.dropout(x, 0.25), "[a, b, c]"));
  }

  /** Values with more than one use. */
  private static void graphs(List<Case> all) {
    all.add(one("a value used twice", (op, x) -> op.mul(x, x), "[a, b]"));
    all.add(one("a value used three times", (op, x) -> op.add(op.mul(x, op.tanh(x)), x), "[a, b]"));
    all.add(
        one(
            "a value on two paths",
            (op, x) -> op.mul(op.exp(op.neg(x)), op.sigmoid(op.mul(x, 2))),
            "[a, b]"));
    all.add(
        one(
            "a value and its stretched self",
            (op, x) -> op.mul(x, op.transpose(x, 1, 0)),
            "[1, b]"));
    all.add(one("a mean taken off", (op, x) -> op.sub(x, op.reduceMean(x, true, -1)), "[a, b]"));
    all.add(
        Case.of(
            "attention",
            OperatorGradientTest::attention,
            normal("[a, 2, b, c]"),
            normal("[a, 2, b, c]"),
            normal("[a, 2, b, c]")));
  }

  private static Value attention(Ops op, List<Value> qkv) {
    Value scores = op.matMul(qkv.get(0), qkv.get(1), false, true, 0.5);
    return op.matMul(op.dropout(op.softmax(scores, -1), 0.25), qkv.get(2));
  }
}
