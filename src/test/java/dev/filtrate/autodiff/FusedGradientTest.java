package dev.filtrate.autodiff;

import static dev.filtrate.autodiff.GradientCheck.ids;
import static dev.filtrate.autodiff.GradientCheck.normal;
import static dev.filtrate.autodiff.GradientCheck.spread;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.autodiff.GradientCheck.Body;
import dev.filtrate.autodiff.GradientCheck.Input;
import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Operators with a gradient of their own against what they stand for: the same function written in
 * elementary operators, differentiated by the elementary rules.
 */
class FusedGradientTest {
  /** float32 constants (1/√2, 1/n) in the elementary form are this far off. */
  private static final double TOLERANCE = 1e-5;

  /** A function in both forms. */
  private record Pair(String name, OpType gradient, Body fused, Body plain, List<Input> inputs) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Pair> pairs() {
    List<Pair> all = new ArrayList<>();
    for (int axis : List.of(-1, 1)) {
      all.add(
          new Pair(
              "Softmax, axis " + axis,
              OpType.SOFTMAX_GRAD,
              (op, x) -> op.softmax(x.get(0), axis),
              (op, x) -> softmax(op, x.get(0), axis),
              List.of(normal("[a, b, c]"))));
      all.add(
          new Pair(
              "LogSoftmax, axis " + axis,
              OpType.LOG_SOFTMAX_GRAD,
              (op, x) -> op.logSoftmax(x.get(0), axis),
              (op, x) -> op.log(softmax(op, x.get(0), axis)),
              List.of(normal("[a, b, c]"))));
    }
    all.add(
        new Pair(
            "Gelu",
            OpType.GELU_GRAD,
            (op, x) -> op.gelu(x.get(0)),
            (op, x) -> gelu(op, x.get(0)),
            List.of(normal("[a, b]"))));
    all.add(
        new Pair(
            "LayerNormalization",
            OpType.LAYER_NORMALIZATION_GRAD,
            (op, x) -> op.layerNormalization(x.get(0), x.get(1), x.get(2), 1e-5).get(0),
            (op, x) -> layerNormalization(op, x.get(0), x.get(1), x.get(2), 1e-5),
            List.of(spread("[a, b, c+1]"), normal("[c+1]"), normal("[c+1]"))));
    all.add(
        new Pair(
            "Gather",
            OpType.GATHER_GRAD,
            (op, x) -> op.gather(x.get(0), x.get(1), 0),
            (op, x) -> op.matMul(oneHot(op, x.get(1), 5), x.get(0)),
            List.of(normal("[5, a]"), ids(5, "[b, c]"))));
    all.add(
        new Pair(
            "GatherElements",
            OpType.GATHER_ELEMENTS_GRAD,
            (op, x) -> op.gatherElements(x.get(0), x.get(1), 2),
            FusedGradientTest::gatherElements,
            List.of(normal("[a, b, 5]"), ids(5, "[a, b, c]"))));
    all.add(
        new Pair(
            "Dropout",
            OpType.DROPOUT_GRAD,
            (op, x) -> dropout(op, x.get(0)).get(0),
            FusedGradientTest::masked,
            List.of(normal("[a, b, c]"))));
    return all.stream();
  }

  private static Value softmax(Ops op, Value x, int axis) {
    Value e = op.exp(x);
    return op.div(e, op.reduceSum(e, true, axis));
  }

  private static Value gelu(Ops op, Value x) {
    return op.mul(op.mul(x, 0.5), op.add(op.erf(op.mul(x, Math.sqrt(0.5))), 1));
  }

  private static Value layerNormalization(
      Ops op, Value x, Value scale, Value bias, double epsilon) {
    Value centred = op.sub(x, op.reduceMean(x, true, -1));
    Value variance = op.reduceMean(op.mul(centred, centred), true, -1);
    Value normal = op.div(centred, op.sqrt(op.add(variance, epsilon)));
    return op.add(op.mul(normal, scale), bias);
  }

  private static Value oneHot(Ops op, Value ids, int n) {
    long[] range = LongStream.range(0, n).toArray();
    Value classes = op.constant(Tensor.ofLongs(new long[] {n}, range));
    return op.cast(op.equal(op.unsqueeze(ids, ids.rank()), classes), DType.FLOAT);
  }

  private static Value gatherElements(Ops op, List<Value> x) {
    Value chosen = oneHot(op, x.get(1), 5); // (a, b, c, 5)
    return op.reduceSum(op.mul(chosen, op.unsqueeze(x.get(0), 2)), false, -1);
  }

  private static List<Value> dropout(Ops op, Value x) {
    Value ratio = op.constant(0.25);
    Value training = op.constant(Tensor.scalar(true));
    return op.in("dropout").emit(OpType.DROPOUT, List.of(x, ratio, training), Map.of());
  }

  private static Value masked(Ops op, List<Value> x) {
    Value mask = op.cast(dropout(op, x.get(0)).get(1), DType.FLOAT);
    return op.mul(op.mul(x.get(0), mask), 1 / 0.75);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pairs")
  void theFusedFormIsTheElementaryFormDifferentiated(Pair pair) {
    long seed = TestSeed.get();
    Randomness random = Randomness.of(seed, pair.name());
    Map<String, Long> sizes = new HashMap<>();
    for (String name : List.of("a", "b", "c")) {
      sizes.put(name, 1L + random.nextInt(4));
    }
    long drawing = random.nextInt(Integer.MAX_VALUE);
    Map<String, DoubleTensor> fused = run(pair, pair.fused(), sizes, drawing, true);
    Map<String, DoubleTensor> plain = run(pair, pair.plain(), sizes, drawing, false);
    assertEquals(fused.keySet(), plain.keySet());
    fused.forEach(
        (name, t) ->
            assertArrayEquals(
                ReferenceEvaluator.get(plain, name).values(),
                t.values(),
                TOLERANCE,
                name + " at " + sizes + TestSeed.hint(seed)));
  }

  private static Map<String, DoubleTensor> run(
      Pair pair, Body body, Map<String, Long> sizes, long drawing, boolean fused) {
    GraphBuilder g = new GraphBuilder();
    List<Value> xs = new ArrayList<>();
    for (Input input : pair.inputs()) {
      xs.add(g.input("x" + xs.size(), input.type(), input.shape()));
    }
    Value y = body.emit(g.ops(), xs);
    Value cotangent = g.input("cotangent", DType.FLOAT, y.shape());
    Value scale = g.input("gradient_scale", DType.FLOAT, Shape.SCALAR);
    Value loss = g.ops().sumAll(g.ops().mul(y, cotangent));
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("y", y);
    List<Value> wrt = xs.stream().filter(x -> x.type() == DType.FLOAT).toList();
    ReverseMode.gradients(g, loss, scale, wrt)
        .forEach((x, dx) -> outputs.put("grad/" + x.name(), dx));
    Graph graph = g.build("both", outputs);
    assertEquals(fused, graph.operatorCounts().containsKey(pair.gradient().onnx()));

    Randomness random = Randomness.of(drawing, "inputs");
    Map<String, DoubleTensor> feed = new HashMap<>();
    for (int i = 0; i < xs.size(); i++) {
      int[] dims = GradientCheck.dims(xs.get(i), sizes);
      feed.put("x" + i, pair.inputs().get(i).fill().draw(random, dims));
    }
    feed.put("cotangent", DoubleTensor.normal(random, GradientCheck.dims(cotangent, sizes)));
    feed.put("gradient_scale", DoubleTensor.scalar(1));
    return ReferenceEvaluator.run(graph, feed, sizes);
  }
}
