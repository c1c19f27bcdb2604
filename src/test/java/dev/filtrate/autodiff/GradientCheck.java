package dev.filtrate.autodiff;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Compares the emitted gradients with finite differences, all in double. */
final class GradientCheck {
  /** Half the distance between neighbouring points of the difference formula. */
  private static final double H = 1e-3;

  private GradientCheck() {}

  /** What is differentiated: a value made of inputs. */
  @FunctionalInterface
  interface Body {
    Value emit(Ops op, List<Value> x);
  }

  /** How an input's numbers are drawn. */
  @FunctionalInterface
  interface Fill {
    DoubleTensor draw(Randomness random, int[] dims);
  }

  /** An input: float32 ones are differentiated by. */
  record Input(DType type, Shape shape, Fill fill) {
    static Input of(String shape, Fill fill) {
      return new Input(DType.FLOAT, Shape.parse(shape), fill);
    }
  }

  /** A named function with its inputs. */
  record Case(String name, Body body, List<Input> inputs) {
    static Case of(String name, Body body, Input... inputs) {
      return new Case(name, body, List.of(inputs));
    }

    /** The operators of the function itself. */
    Set<OpType> operators() {
      GraphBuilder g = new GraphBuilder();
      body.emit(g.ops(), declare(g, this, Map.of()));
      Set<OpType> operators = EnumSet.noneOf(OpType.class);
      g.nodes().forEach(n -> operators.add(n.op()));
      return operators;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** Standard normal numbers. */
  static Input normal(String shape) {
    return Input.of(shape, DoubleTensor::normal);
  }

  /** Numbers in [0.5, 2.5). */
  static Input positive(String shape) {
    return Input.of(
        shape, (r, dims) -> DoubleTensor.zeros(dims).map(zero -> 0.5 + 2 * r.nextDouble()));
  }

  /** Numbers of either sign whose size is in [0.5, 2.5). */
  static Input awayFromZero(String shape) {
    return Input.of(
        shape,
        (r, dims) ->
            DoubleTensor.zeros(dims)
                .map(zero -> (0.5 + 2 * r.nextDouble()) * (r.nextInt(2) == 0 ? 1 : -1)));
  }

  /** Integers from −3 to 3 and an offset: two inputs with different offsets are never equal. */
  static Input grid(double offset, String shape) {
    return Input.of(
        shape, (r, dims) -> DoubleTensor.zeros(dims).map(zero -> r.nextInt(7) - 3 + offset));
  }

  /** Numbers that are well apart along the last axis. */
  static Input spread(String shape) {
    return Input.of(
        shape,
        (r, dims) -> {
          DoubleTensor x = DoubleTensor.normal(r, dims).map(v -> 0.1 * v);
          for (int i = 0; i < x.size(); i++) {
            x.values()[i] += i % x.dim(-1);
          }
          return x;
        });
  }

  /** Integers in [0, bound). */
  static Input ids(int bound, String shape) {
    return new Input(
        DType.INT64, Shape.parse(shape), (r, dims) -> DoubleTensor.integers(r, bound, dims));
  }

  /** Truth values. */
  static Input flags(String shape) {
    return new Input(
        DType.BOOL, Shape.parse(shape), (r, dims) -> DoubleTensor.integers(r, 2, dims));
  }

  /** Checks a case with named dims, or with the same dims fixed. */
  static void check(Case c, Map<String, Long> sizes, boolean named, long seed) {
    GraphBuilder g = new GraphBuilder();
    List<Value> xs = declare(g, c, named ? Map.of() : sizes);
    Value y = c.body().emit(g.ops().in("body"), xs);
    Value cotangent = g.input("cotangent", DType.FLOAT, y.shape());
    Value scale = g.input("gradient_scale", DType.FLOAT, Shape.SCALAR);
    Value loss = g.ops().in("loss").sumAll(g.ops().mul(y, cotangent));
    List<Value> wrt = xs.stream().filter(x -> x.type() == DType.FLOAT).toList();

    Map<String, Value> outputs = new LinkedHashMap<>();
    ReverseMode.gradients(g, loss, scale, wrt)
        .forEach((x, dx) -> outputs.put("grad/" + x.name(), dx));
    Graph forward = g.build("forward", Map.of("value", loss));
    Graph backward = g.build("backward", outputs);

    Randomness random = Randomness.of(seed, c.name());
    Map<String, DoubleTensor> feed = new HashMap<>();
    for (int i = 0; i < xs.size(); i++) {
      feed.put(xs.get(i).name(), c.inputs().get(i).fill().draw(random, dims(xs.get(i), sizes)));
    }
    feed.put("cotangent", DoubleTensor.normal(random, dims(cotangent, sizes)));
    feed.put("gradient_scale", DoubleTensor.scalar(0.75)); // not 1: a forgotten seed is seen
    Map<String, DoubleTensor> gradients = ReferenceEvaluator.run(backward, feed, sizes);
    for (Value x : wrt) {
      DoubleTensor analytic = ReferenceEvaluator.get(gradients, "grad/" + x.name());
      double[] point = ReferenceEvaluator.get(feed, x.name()).values();
      for (int i = 0; i < point.length; i++) {
        double numeric = 0.75 * derivative(forward, feed, sizes, point, i);
        assertEquals( // constants of graphs are float32: a third in one is off by 1e-8
            numeric,
            analytic.get(i),
            1e-6 * (1 + Math.abs(numeric)),
            "d(%s)/d(%s)[%d] at %s%s".formatted(c.name(), x, i, sizes, TestSeed.hint(seed)));
      }
    }
  }

  /** The central difference of fourth order (Abramowitz and Stegun 25.3.6). */
  private static double derivative(
      Graph forward,
      Map<String, DoubleTensor> feed,
      Map<String, Long> sizes,
      double[] point,
      int i) {
    double near = difference(forward, feed, sizes, point, i, H);
    double far = difference(forward, feed, sizes, point, i, 2 * H);
    return (8 * near - far) / (12 * H);
  }

  private static double difference(
      Graph forward,
      Map<String, DoubleTensor> feed,
      Map<String, Long> sizes,
      double[] point,
      int i,
      double h) {
    double x = point[i];
    point[i] = x + h;
    double above = value(forward, feed, sizes);
    point[i] = x - h;
    double below = value(forward, feed, sizes);
    point[i] = x;
    return above - below;
  }

  private static double value(
      Graph forward, Map<String, DoubleTensor> feed, Map<String, Long> sizes) {
    return ReferenceEvaluator.get(ReferenceEvaluator.run(forward, feed, sizes), "value")
        .scalarValue();
  }

  private static List<Value> declare(GraphBuilder g, Case c, Map<String, Long> fixed) {
    List<Value> xs = new ArrayList<>();
    for (Input input : c.inputs()) {
      Shape shape = fixed.isEmpty() ? input.shape() : Shape.of(input.shape().evaluate(fixed));
      xs.add(g.input("x" + xs.size(), input.type(), shape));
    }
    return xs;
  }

  static int[] dims(Value x, Map<String, Long> sizes) {
    return Arrays.stream(x.shape().evaluate(sizes)).mapToInt(Math::toIntExact).toArray();
  }
}
