package dev.filtrate.onnx;

import dev.filtrate.base.Randomness;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A small graph around one operator and numbers to feed it: all of them together use the whole
 * vocabulary. Shapes hold the names {@code batch} and {@code sequence}.
 */
public record OperatorCase(String name, Graph graph, Map<String, DoubleTensor> feeds) {
  /** What stands in lowered graphs alone, for other operators. */
  static final Set<OpType> OWN_KERNELS =
      EnumSet.range(OpType.MATMUL_BFLOAT16, OpType.GELU_GRAD_ONEDNN);

  /** Emits the operator from declared inputs. */
  @FunctionalInterface
  private interface Body {
    List<Value> emit(Ops op, List<Value> x);
  }

  @FunctionalInterface
  private interface One {
    Value emit(Ops op, List<Value> x);
  }

  /** An input: its type, shape and bound of integers (0 = normal numbers, −1 = positive ones). */
  private record In(DType type, String shape, int bound) {}

  private static In normal(String shape) {
    return new In(DType.FLOAT, shape, 0);
  }

  private static In positive(String shape) {
    return new In(DType.FLOAT, shape, -1);
  }

  private static In ids(int bound, String shape) {
    return new In(DType.INT64, shape, bound);
  }

  private static In flags(String shape) {
    return new In(DType.BOOL, shape, 2);
  }

  /** Collects cases for one seed. */
  private static final class Cases {
    private final long seed;
    private final Map<String, Long> sizes;
    private final List<OperatorCase> all = new ArrayList<>();

    Cases(long seed) {
      Randomness random = Randomness.of(seed, "sizes");
      this.seed = seed;
      this.sizes = Map.of("batch", 1L + random.nextInt(3), "sequence", 2L + random.nextInt(9));
    }

    void one(String name, One body, In... inputs) {
      add(name, (op, x) -> List.of(body.emit(op, x)), inputs);
    }

    void add(String name, Body body, In... inputs) {
      GraphBuilder g = new GraphBuilder();
      Randomness random = Randomness.of(seed, name);
      Map<String, DoubleTensor> feeds = new HashMap<>();
      List<Value> x = new ArrayList<>();
      for (In in : inputs) {
        Value v = g.input("x" + x.size(), in.type(), Shape.parse(in.shape()));
        x.add(v);
        feeds.put(v.name(), draw(random, in, v.shape()));
      }
      Map<String, Value> outputs = new LinkedHashMap<>();
      for (Value y : body.emit(g.ops().in("body"), x)) {
        outputs.put("y" + outputs.size(), y);
      }
      all.add(new OperatorCase(name, g.build(name, outputs), feeds));
    }

    private DoubleTensor draw(Randomness random, In in, Shape shape) {
      int[] dims = Arrays.stream(shape.evaluate(sizes)).mapToInt(Math::toIntExact).toArray();
      DoubleTensor t =
          in.bound() > 0
              ? DoubleTensor.integers(random, in.bound(), dims)
              : DoubleTensor.normal(random, dims);
      // what float32 can hold, so that both sides compute from the same numbers
      return t.map(v -> (float) (in.bound() < 0 ? Math.abs(v) + 0.1 : v));
    }
  }

  /** A gradient of dropout whose training flag is an input: for portable graphs only. */
  static OperatorCase dropoutGradWhenAsked(long seed) {
    Cases c = new Cases(seed);
    c.one(
        "DropoutGrad when asked",
        (op, x) -> {
          Value keepAll = op.not(x.get(2)); // as the forward pass leaves it when not training
          Value mask = op.not(op.and(op.not(x.get(1)), op.not(keepAll)));
          return op.dropoutGrad(x.get(0), mask, op.constant(0.25), x.get(2));
        },
        normal(BSH),
        flags(BSH),
        flags("[]"));
    return c.all.get(0);
  }

  /** Every operator but Dropout, whose mask is the runtime's own. */
  public static List<OperatorCase> all(long seed) {
    Cases c = new Cases(seed);
    elementwise(c);
    shapes(c);
    productsAndSums(c);
    networks(c);
    bytes(c);
    gradients(c);
    adam(c, "Adam", 0, 1);
    adam(c, "Adam with decay", 0.01f, 1);
    adam(c, "Adam without bias correction", 0.01f, 0);
    return c.all;
  }

  private static final String BSH = "[batch, sequence, 6]";

  private static void elementwise(Cases c) {
    c.one("Neg", (op, x) -> op.neg(x.get(0)), normal(BSH));
    c.one("Abs", (op, x) -> op.abs(x.get(0)), normal(BSH));
    c.one("Exp", (op, x) -> op.exp(x.get(0)), normal(BSH));
    c.one("Log", (op, x) -> op.log(x.get(0)), positive(BSH));
    c.one("Sqrt", (op, x) -> op.sqrt(x.get(0)), positive(BSH));
    c.one("Reciprocal", (op, x) -> op.reciprocal(x.get(0)), positive(BSH));
    c.one("Tanh", (op, x) -> op.tanh(x.get(0)), normal(BSH));
    c.one("Erf", (op, x) -> op.erf(x.get(0)), normal(BSH));
    c.one("Sigmoid", (op, x) -> op.sigmoid(x.get(0)), normal(BSH));
    c.one("Relu", (op, x) -> op.relu(x.get(0)), normal(BSH));
    c.one("Gelu", (op, x) -> op.gelu(op.mul(x.get(0), 3)), normal(BSH));
    c.one("Add", (op, x) -> op.add(x.get(0), x.get(1)), normal(BSH), normal("[6]"));
    c.one("Sub", (op, x) -> op.sub(x.get(0), x.get(1)), normal(BSH), normal("[sequence, 1]"));
    c.one("Mul", (op, x) -> op.mul(x.get(0), x.get(1)), normal(BSH), normal("[]"));
    c.one("Div", (op, x) -> op.div(x.get(0), x.get(1)), normal(BSH), positive(BSH));
    c.one("Max", (op, x) -> op.max(x.get(0), x.get(1)), normal(BSH), normal("[6]"));
    c.one("Min", (op, x) -> op.min(x.get(0), x.get(1)), normal(BSH), normal("[6]"));
    c.one("Equal", (op, x) -> op.equal(x.get(0), x.get(1)), ids(3, BSH), ids(3, BSH));
    c.one("Less", (op, x) -> op.less(x.get(0), x.get(1)), normal(BSH), normal("[6]"));
    c.one(
        "GreaterOrEqual",
        (op, x) -> op.greaterOrEqual(x.get(0), x.get(1)),
        ids(3, BSH),
        ids(3, "[6]"));
    c.one("And", (op, x) -> op.and(x.get(0), x.get(1)), flags(BSH), flags("[6]"));
    c.one("Not", (op, x) -> op.not(x.get(0)), flags(BSH));
    c.one(
        "Where",
        (op, x) -> op.where(x.get(0), x.get(1), x.get(2)),
        flags("[sequence, 1]"),
        normal(BSH),
        normal("[]"));
    c.one("Cast", (op, x) -> op.cast(x.get(0), DType.FLOAT), ids(9, BSH));
    c.one("Identity", (op, x) -> op.identity(x.get(0)), normal(BSH));
  }

  private static void shapes(Cases c) {
    Dim b = Dim.named("batch");
    Dim s = Dim.named("sequence");
    Dim six = Dim.of(6);
    c.one(
        "Reshape to heads",
        (op, x) -> op.reshape(x.get(0), shape("[batch, sequence, 2, 3]")),
        normal(BSH));
    c.one(
        "Reshape to rows",
        (op, x) -> op.reshape(x.get(0), shape("[batch*sequence, 6]")),
        normal(BSH));
    c.one(
        "Reshape from rows",
        (op, x) ->
            op.reshape(op.neg(op.reshape(x.get(0), shape("[batch*sequence, 6]"))), shape(BSH)),
        normal(BSH));
    c.one(
        "Reshape across",
        (op, x) -> op.reshape(x.get(0), shape("[6, sequence, batch]")),
        normal(BSH));
    c.one(
        "Reshape of a product",
        (op, x) -> op.reshape(x.get(0), shape("[3, 2*sequence, batch]")),
        normal(BSH));
    c.one("Transpose", (op, x) -> op.transpose(x.get(0), 2, 0, 1), normal(BSH));
    c.one(
        "Expand",
        (op, x) -> op.add(op.expand(x.get(0), shape(BSH)), x.get(1)),
        normal("[sequence, 1]"),
        normal(BSH));
    c.one(
        "Expand in front",
        (op, x) -> op.add(op.expand(x.get(0), shape(BSH)), x.get(1)),
        normal("[6]"),
        normal(BSH));
    c.one("Squeeze", (op, x) -> op.squeeze(x.get(0), 1), normal("[batch, 1, 6]"));
    c.one("Unsqueeze", (op, x) -> op.unsqueeze(x.get(0), 0, 2), normal("[batch, 6]"));
    c.one("Slice", (op, x) -> op.slice(x.get(0), 1, Dim.of(1), s), normal(BSH));
    c.one("Slice between", (op, x) -> op.slice(x.get(0), 1, Dim.of(1), s.plus(-1)), normal(BSH));
    c.one(
        "Slice of arithmetic",
        (op, x) -> op.add(op.slice(x.get(0), 0, s.plus(-1), s.times(2).plus(-1)), x.get(1)),
        normal("[3*sequence, batch]"),
        normal("[sequence, 1]"));
    c.one("Pad", (op, x) -> op.pad(x.get(0), 1, s.times(b).plus(-1), Dim.of(2)), normal(BSH));
    In distances = normal("[batch, 3, sequence, 2*sequence]");
    c.one("RelativeShift", (op, x) -> op.relativeShift(x.get(0)), distances);
    In positions = normal("[batch, 3, sequence, sequence]");
    c.one("RelativeShiftGrad", (op, x) -> op.relativeShiftGrad(x.get(0)), positions);
    c.one("Concat", (op, x) -> op.concat(1, x), normal(BSH), normal("[batch, 2, 6]"));
    c.one(
        "Constant",
        (op, x) -> op.add(x.get(0), op.constant(Tensor.ofFloats(new long[] {6}, 1, 2, 3, 4, 5, 6))),
        normal(BSH));
    c.one(
        "ConstantOfShape", (op, x) -> op.add(x.get(0), op.zeros(Shape.of(b, s, six))), normal(BSH));
    c.one(
        "Shape",
        (op, x) ->
            op.emit(OpType.SHAPE, x, Map.of("start", new Attr.Int(1), "end", new Attr.Int(3)))
                .get(0),
        normal(BSH));
    c.one(
        "Range", (op, x) -> op.add(op.range(s.times(2)), x.get(0)), ids(9, "[batch, sequence, 1]"));
    c.one("Dim", (op, x) -> op.mul(x.get(0), op.size(s.times(2).plus(-1))), normal(BSH));
    // the shift of relative positions: out[i, j] = a[i, j - i + S - 1]
    c.one(
        "Shift",
        (op, x) -> {
          Dim columns = s.times(2).plus(-1);
          Value flat = op.reshape(x.get(0), Shape.of(b, s.times(columns)));
          Dim start = s.plus(-1);
          Value cut = op.slice(flat, 1, start, start.plus(s.times(columns.plus(-1))));
          return op.slice(op.reshape(cut, Shape.of(b, s, columns.plus(-1))), 2, Dim.of(0), s);
        },
        normal("[batch, sequence, 2*sequence-1]"));
  }

  private static Shape shape(String text) {
    return Shape.parse(text);
  }

  private static void productsAndSums(Cases c) {
    c.one("MatMul", (op, x) -> op.matMul(x.get(0), x.get(1)), normal(BSH), normal("[6, 4]"));
    c.one(
        "FusedMatMul A",
        (op, x) -> op.matMul(x.get(0), x.get(1), true, false, 1),
        normal("[sequence, 6]"),
        normal("[sequence, 4]"));
    c.one(
        "FusedMatMul B",
        (op, x) -> op.matMul(x.get(0), x.get(1), false, true, 0.5),
        normal("[batch, 2, sequence, 6]"),
        normal("[batch, 2, sequence, 6]"));
    c.one(
        "FusedMatMul both",
        (op, x) -> op.matMul(x.get(0), x.get(1), true, true, 2),
        normal("[6, sequence]"),
        normal("[4, 6]"));
    c.one(
        "FusedMatMul broadcast",
        (op, x) -> op.matMul(x.get(0), x.get(1), false, true, 2),
        normal("[batch, 2, sequence, 6]"),
        normal("[2, 4, 6]"));
    c.one("ReduceSum", (op, x) -> op.reduceSum(x.get(0), false, 0, 1), normal(BSH));
    c.one("ReduceSum kept", (op, x) -> op.reduceSum(x.get(0), true, -1), normal(BSH));
    c.one("ReduceMean", (op, x) -> op.reduceMean(x.get(0), true, -1), normal(BSH));
    c.one("ReduceSumSquare", (op, x) -> op.sumOfSquares(x.get(0)), normal(BSH));
    c.one("CumSum", (op, x) -> op.cumSum(x.get(0), 1, false), normal(BSH));
    c.one("CumSum from the end", (op, x) -> op.cumSum(x.get(0), 1, true), normal(BSH));
    c.one("CumSum of integers", (op, x) -> op.cumSum(x.get(0), 1, false), ids(9, BSH));
  }

  private static void networks(Cases c) {
    c.one("Softmax", (op, x) -> op.softmax(x.get(0), -1), normal(BSH));
    c.one("LogSoftmax", (op, x) -> op.logSoftmax(x.get(0), -1), normal(BSH));
    c.add(
        "LayerNormalization",
        (op, x) -> op.layerNormalization(spread(op, x.get(0)), x.get(1), x.get(2), 1e-5),
        normal(BSH),
        normal("[6]"),
        normal("[6]"));
    c.one(
        "LayerNormalization alone",
        (op, x) -> op.layerNormalization(spread(op, x.get(0)), x.get(1), x.get(2), 1e-5).get(0),
        normal(BSH),
        normal("[6]"),
        normal("[6]"));
    c.one(
        "MultiHeadAttention",
        (op, x) -> op.multiHeadAttention(x.get(0), x.get(1), x.get(2), x.get(3), 2, 0.6),
        normal(BSH),
        normal(BSH),
        normal(BSH),
        normal("[batch, 2, sequence, sequence]"));
    c.one(
        "MultiHeadAttention with a bias for all heads",
        (op, x) -> op.multiHeadAttention(x.get(0), x.get(1), x.get(2), x.get(3), 3, 1),
        normal(BSH),
        normal(BSH),
        normal(BSH),
        normal("[batch, 1, sequence, sequence]"));
    c.one(
        "Gather",
        (op, x) -> op.gather(x.get(0), x.get(1), 0),
        normal("[9, 6]"),
        ids(9, "[batch, sequence]"));
    c.one(
        "Gather with padding",
        (op, x) ->
            op.emit(
                    OpType.GATHER,
                    x,
                    Map.of("axis", new Attr.Int(0), "padding_idx", new Attr.Int(0)))
                .get(0),
        normal("[9, 6]"),
        ids(9, "[batch, sequence]"));
    c.one(
        "GatherElements",
        (op, x) -> op.gatherElements(x.get(0), x.get(1), -1),
        normal(BSH),
        ids(6, "[batch, sequence, 4]"));
    c.one(
        "ScatterElements",
        (op, x) ->
            op.emit(
                    OpType.SCATTER_ELEMENTS,
                    x,
                    Map.of("axis", new Attr.Int(2), "reduction", new Attr.Text("add")))
                .get(0),
        normal(BSH),
        ids(6, "[batch, sequence, 4]"),
        normal("[batch, sequence, 4]"));
  }

  private static void bytes(Cases c) {
    c.add(
        "DynamicQuantizeLinear",
        (op, x) -> {
          List<Value> q = op.emit(OpType.DYNAMIC_QUANTIZE_LINEAR, x, Map.of());
          return List.of(op.emit(OpType.DEQUANTIZE_LINEAR, q, Map.of()).get(0), q.get(1));
        },
        normal(BSH));
    c.one(
        "MatMulInteger",
        (op, x) -> {
          List<Value> q = op.emit(OpType.DYNAMIC_QUANTIZE_LINEAR, x.subList(0, 1), Map.of());
          Value b = op.cast(op.sub(x.get(1), op.constant(60L)), DType.INT8);
          Value zero = op.cast(op.sub(x.get(2), op.constant(3L)), DType.INT8);
          List<Value> in = List.of(q.get(0), b, q.get(2), zero);
          return op.cast(op.emit(OpType.MATMUL_INTEGER, in, Map.of()).get(0), DType.FLOAT);
        },
        normal(BSH),
        ids(120, "[6, 4]"),
        ids(7, "[4]"));
    c.one(
        "DequantizeLinear by columns",
        (op, x) -> {
          Value bytes = op.cast(x.get(0), DType.UINT8);
          Value zero = op.cast(x.get(2), DType.UINT8);
          List<Value> in = List.of(bytes, x.get(1), zero);
          return op.emit(OpType.DEQUANTIZE_LINEAR, in, Map.of("axis", new Attr.Int(-1))).get(0);
        },
        ids(256, BSH),
        positive("[6]"),
        ids(256, "[6]"));
  }

  private static void gradients(Cases c) {
    c.one(
        "GeluGrad",
        (op, x) -> op.geluGrad(x.get(0), op.mul(x.get(1), 3)),
        normal(BSH),
        normal(BSH));
    c.one(
        "SoftmaxGrad",
        (op, x) -> op.softmaxGrad(x.get(0), op.softmax(x.get(1), -1), -1),
        normal(BSH),
        normal(BSH));
    c.one(
        "SoftmaxGrad inside",
        (op, x) -> op.softmaxGrad(x.get(0), op.softmax(x.get(1), 1), 1),
        normal(BSH),
        normal(BSH));
    c.one(
        "LogSoftmaxGrad",
        (op, x) -> op.logSoftmaxGrad(x.get(0), op.logSoftmax(x.get(1), -1), -1),
        normal(BSH),
        normal(BSH));
    c.add(
        "LayerNormalizationGrad",
        OperatorCase::layerNormalizationGrad,
        normal(BSH),
        normal(BSH),
        normal("[6]"));
    c.add(
        "LayerNormalizationGrad of rows",
        OperatorCase::layerNormalizationGrad,
        normal("[sequence, 6]"),
        normal("[sequence, 6]"),
        normal("[6]"));
    c.one(
        "LayerNormalizationGrad by x",
        (op, x) -> layerNormalizationGrad(op, x).get(0),
        normal(BSH),
        normal(BSH),
        normal("[6]"));
    c.one(
        "GatherGrad",
        (op, x) -> op.gatherGrad(x.get(0), x.get(1), 0, Shape.of(3, 6)),
        ids(3, "[batch, sequence]"),
        normal(BSH));
    c.one(
        "GatherGrad inside",
        (op, x) -> op.gatherGrad(x.get(0), x.get(1), 1, shape("[batch, 4, 6]")),
        ids(4, "[sequence]"),
        normal(BSH));
    c.one(
        "GatherGrad of a large table",
        (op, x) -> op.gatherGrad(x.get(0), x.get(1), 0, Shape.of(8192, 6)),
        ids(5, "[batch, sequence]"),
        normal(BSH));
    c.one(
        "GatherElementsGrad",
        (op, x) -> op.gatherElementsGrad(x.get(0), x.get(1), 2, shape("[batch, sequence, 6]")),
        normal("[batch, sequence, 4]"),
        ids(6, "[batch, sequence, 4]"));
    c.one(
        "DropoutGrad",
        (op, x) ->
            op.dropoutGrad(x.get(0), x.get(1), op.constant(0.25), op.constant(Tensor.scalar(true))),
        normal(BSH),
        flags(BSH));
  }

  private static List<Value> layerNormalizationGrad(Ops op, List<Value> x) {
    Value rows = spread(op, x.get(1));
    List<Value> y = op.layerNormalization(rows, x.get(2), x.get(2), 1e-5);
    return op.layerNormalizationGrad(x.get(0), rows, x.get(2), y.get(1), y.get(2));
  }

  /** Rows of six numbers that lie apart: where they hardly differ, float32 loses what is asked. */
  private static Value spread(Ops op, Value rows) {
    return op.add(rows, op.constant(Tensor.ofFloats(new long[] {6}, 2, -6, 8, -2, 6, 0)));
  }

  private static void adam(Cases c, String name, float decay, int correction) {
    Map<String, Attr> attributes =
        Map.of(
            "alpha", new Attr.Real(0.9f),
            "beta", new Attr.Real(0.999f),
            "epsilon", new Attr.Real(1e-8f),
            "lambda", new Attr.Real(decay),
            "do_bias_correction", new Attr.Int(correction),
            "weight_decay_mode", new Attr.Int(0));
    c.add(
        name,
        (op, x) -> {
          List<Value> in = new ArrayList<>(x);
          in.set(1, op.add(x.get(1), op.constant(1L))); // steps count from 1
          return op.emit(OpType.ADAM_OPTIMIZER, in, attributes);
        },
        positive("[]"),
        ids(20, "[]"),
        normal("[4, 6]"),
        normal("[4, 6]"),
        normal("[4, 6]"),
        positive("[4, 6]"));
  }

  @Override
  public String toString() {
    return name;
  }
}
