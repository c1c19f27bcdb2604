package dev.filtrate.graph;

import static dev.filtrate.graph.ReferenceKernels.attention;
import static dev.filtrate.graph.ReferenceKernels.cumSum;
import static dev.filtrate.graph.ReferenceKernels.gather;
import static dev.filtrate.graph.ReferenceKernels.gatherElements;
import static dev.filtrate.graph.ReferenceKernels.gatherGrad;
import static dev.filtrate.graph.ReferenceKernels.layerNormalization;
import static dev.filtrate.graph.ReferenceKernels.layerNormalizationGrad;
import static dev.filtrate.graph.ReferenceKernels.logSoftmax;
import static dev.filtrate.graph.ReferenceKernels.logSoftmaxGrad;
import static dev.filtrate.graph.ReferenceKernels.matMul;
import static dev.filtrate.graph.ReferenceKernels.normalCdf;
import static dev.filtrate.graph.ReferenceKernels.normalDensity;
import static dev.filtrate.graph.ReferenceKernels.paste;
import static dev.filtrate.graph.ReferenceKernels.scatterElements;
import static dev.filtrate.graph.ReferenceKernels.slice;
import static dev.filtrate.graph.ReferenceKernels.softmax;
import static dev.filtrate.graph.ReferenceKernels.softmaxGrad;
import static dev.filtrate.graph.ReferenceKernels.sum;
import static dev.filtrate.graph.ReferenceKernels.transpose;
import static dev.filtrate.graph.ReferenceKernels.where;

import dev.filtrate.base.Check;
import dev.filtrate.base.Randomness;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.apache.commons.math3.special.Erf;

/**
 * The oracle of the tests: interprets a graph in double, slowly and plainly, each operator by its
 * own schema's words. Knows nothing of gradient rules or of lowering.
 */
public final class ReferenceEvaluator {
  /** Dropout's masks are a fixed function of this, the mask's name and the element's position. */
  private static final long DROPOUT_SEED = 1;

  private final Map<String, Long> sizes;
  private final Map<String, String> buffers;
  private final Map<String, DoubleTensor> values = new HashMap<>();

  private ReferenceEvaluator(Map<String, Long> sizes, Map<String, String> buffers) {
    this.sizes = sizes;
    this.buffers = buffers;
  }

  /**
   * The graph's outputs by name.
   *
   * @param inputs inputs and parameters by name
   * @param sizes the values of named dims; those that are plain names in an input's shape may be
   *     left out
   */
  public static Map<String, DoubleTensor> run(
      Graph graph, Map<String, DoubleTensor> inputs, Map<String, Long> sizes) {
    return run(graph, inputs, sizes, Map.of());
  }

  /**
   * The graph's outputs where some are bound to the buffers of inputs: such an input is overwritten
   * as soon as its output is computed, and whoever reads it later reads the new value.
   *
   * @param buffers names of outputs to names of inputs
   */
  public static Map<String, DoubleTensor> runInPlace(
      Graph graph, Map<String, DoubleTensor> inputs, Map<String, String> buffers) {
    return run(graph, inputs, Map.of(), buffers);
  }

  private static Map<String, DoubleTensor> run(
      Graph graph,
      Map<String, DoubleTensor> inputs,
      Map<String, Long> sizes,
      Map<String, String> buffers) {
    Map<String, Long> known = new HashMap<>(sizes);
    graph.inputs().forEach(v -> learnSizes(v, get(inputs, v.name()), known));
    ReferenceEvaluator evaluator = new ReferenceEvaluator(known, buffers);
    graph.inputs().forEach(v -> evaluator.put(v, get(inputs, v.name())));
    graph.parameters().forEach(v -> evaluator.put(v, get(inputs, v.name())));
    graph.nodes().forEach(evaluator::run);
    Map<String, DoubleTensor> outputs = new LinkedHashMap<>();
    graph.outputs().forEach(v -> outputs.put(v.name(), evaluator.value(v)));
    return outputs;
  }

  /** The graph's outputs where the inputs tell all sizes. */
  public static Map<String, DoubleTensor> run(Graph graph, Map<String, DoubleTensor> inputs) {
    return run(graph, inputs, Map.of());
  }

  /** The tensor of a name; throws where there is none. */
  public static DoubleTensor get(Map<String, DoubleTensor> tensors, String name) {
    DoubleTensor t = tensors.get(name);
    if (t == null) {
      throw new IllegalArgumentException("no tensor '" + name + "' among " + tensors.keySet());
    }
    return t;
  }

  private static void learnSizes(Value v, DoubleTensor t, Map<String, Long> sizes) {
    for (int i = 0; i < Math.min(v.rank(), t.rank()); i++) {
      if (v.dim(i).isName()) {
        sizes.putIfAbsent(v.dim(i).toString(), (long) t.dim(i));
      }
    }
  }

  private void put(Value v, DoubleTensor t) {
    Check.state(
        Arrays.equals(dims(v.shape()), t.dims()), "%s got %s", v, Arrays.toString(t.dims()));
    values.put(v.name(), t);
    String buffer = buffers.get(v.name());
    if (buffer != null) {
      values.put(buffer, t);
    }
  }

  private DoubleTensor value(Value v) {
    DoubleTensor t = values.get(v.name());
    if (t == null) {
      throw new IllegalStateException(v + " is used before it is computed");
    }
    return t;
  }

  private int[] dims(Shape shape) {
    return Arrays.stream(shape.evaluate(sizes)).mapToInt(Math::toIntExact).toArray();
  }

  private void run(Node n) {
    List<DoubleTensor> results = evaluate(n, dims(n.output().shape()));
    for (int i = 0; i < n.outputs().size(); i++) { // trailing ones may be left out
      put(n.out(i), results.get(i));
    }
  }

  private DoubleTensor in(Node n, int i) {
    return value(n.in(i));
  }

  /** What a node delivers; {@code to} is the shape of its first output. */
  private List<DoubleTensor> evaluate(Node n, int[] to) {
    return switch (n.op()) {
      case NEG -> map(n, x -> -x);
      case ABS -> map(n, Math::abs);
      case EXP -> map(n, Math::exp);
      case LOG -> map(n, Math::log);
      case SQRT -> map(n, Math::sqrt);
      case RECIPROCAL -> map(n, x -> 1 / x);
      case TANH -> map(n, Math::tanh);
      case ERF -> map(n, Erf::erf);
      case SIGMOID -> map(n, x -> 1 / (1 + Math.exp(-x)));
      case RELU -> map(n, x -> Math.max(x, 0));
      case GELU, GELU_ONEDNN -> map(n, x -> x * normalCdf(x));
      case NOT -> map(n, x -> 1 - x);
      case CAST -> map(n, cast(n.output().type()));
      case IDENTITY -> List.of(in(n, 0));
      case ADD -> zip(n, to, Double::sum);
      case SUB -> zip(n, to, (a, b) -> a - b);
      case MUL, AND -> zip(n, to, (a, b) -> a * b);
      case DIV -> {
        DoubleUnaryOperator rounding = cast(n.output().type());
        yield zip(n, to, (a, b) -> rounding.applyAsDouble(a / b));
      }
      case MAX -> zip(n, to, Math::max);
      case MIN -> zip(n, to, Math::min);
      case EQUAL -> zip(n, to, (a, b) -> a == b ? 1 : 0);
      case LESS -> zip(n, to, (a, b) -> a < b ? 1 : 0);
      case GREATER_OR_EQUAL -> zip(n, to, (a, b) -> a >= b ? 1 : 0);
      case WHERE -> List.of(where(to, in(n, 0), in(n, 1), in(n, 2)));

      case RESHAPE, SQUEEZE, UNSQUEEZE -> List.of(in(n, 0).reshaped(to));
      case TRANSPOSE -> List.of(transpose(in(n, 0), to, n.ints("perm")));
      case EXPAND -> List.of(in(n, 0).stretched(to));
      case SLICE -> List.of(slice(in(n, 0), to, dims(n.sizes("starts")), n.ints("axes")));
      case PAD -> {
        int[] before = Arrays.copyOf(dims(n.sizes("pads")), to.length);
        yield List.of(paste(DoubleTensor.zeros(to), in(n, 0), before));
      }
      case CONCAT -> List.of(concat(n, to));
      case RELATIVE_SHIFT -> List.of(relativeShift(in(n, 0), to));
      case RELATIVE_SHIFT_GRAD -> List.of(relativeShiftGrad(in(n, 0), to));
      case CONSTANT -> List.of(content(n));
      case CONSTANT_OF_SHAPE -> List.of(content(n).stretched(to));
      case SHAPE -> List.of(shape(n));
      case RANGE ->
          List.of(DoubleTensor.vector(IntStream.range(0, to[0]).asDoubleStream().toArray()));
      case DIM -> List.of(DoubleTensor.scalar(dims(n.sizes("size"))[0]));

      case MATMUL, FUSED_MATMUL, MATMUL_BFLOAT16 -> {
        boolean transA = n.integer("transA", 0) != 0;
        boolean transB = n.integer("transB", 0) != 0;
        yield List.of(matMul(in(n, 0), in(n, 1), to, transA, transB, n.real("alpha", 1)));
      }
      case REDUCE_SUM -> List.of(sum(in(n, 0), axes(n)).reshaped(to));
      case REDUCE_SUM_SQUARE -> List.of(sum(in(n, 0).map(x -> x * x), axes(n)).reshaped(to));
      case REDUCE_MEAN -> {
        double count = (double) in(n, 0).size() / DoubleTensor.count(to);
        yield List.of(sum(in(n, 0), axes(n)).reshaped(to).map(x -> x / count));
      }
      case CUM_SUM -> List.of(cumSum(in(n, 0), axis(n), n.integer("reverse", 0) != 0));

      case SOFTMAX -> List.of(softmax(in(n, 0), axis(n)));
      case LOG_SOFTMAX -> List.of(logSoftmax(in(n, 0), axis(n)));
      case LAYER_NORMALIZATION ->
          layerNormalization(in(n, 0), in(n, 1), in(n, 2), n.real("epsilon", 1e-5f));
      case GATHER -> List.of(gather(in(n, 0), in(n, 1), axis(n), to));
      case GATHER_ELEMENTS -> List.of(gatherElements(in(n, 0), in(n, 1), axis(n)));
      case SCATTER_ELEMENTS -> {
        boolean add = n.attribute("reduction", Attr.Text.class).value().equals("add");
        yield List.of(scatterElements(in(n, 0), in(n, 1), in(n, 2), axis(n), add));
      }
      case DROPOUT -> dropout(n);

      case MULTI_HEAD_ATTENTION ->
          List.of(
              attention(
                  in(n, 0),
                  in(n, 1),
                  in(n, 2),
                  in(n, 5),
                  Math.toIntExact(n.integer("num_heads")),
                  n.real("scale", 1)));

      case DYNAMIC_QUANTIZE_LINEAR -> dynamicQuantizeLinear(in(n, 0));
      case MATMUL_INTEGER -> {
        DoubleTensor a = shifted(in(n, 0), in(n, 2));
        DoubleTensor b = shifted(in(n, 1), in(n, 3));
        yield List.of(matMul(a, b, to, false, false, 1));
      }
      case DEQUANTIZE_LINEAR -> {
        int[] along = new int[to.length];
        Arrays.fill(along, 1);
        if (in(n, 1).rank() == 1) {
          int axis = n.in(0).shape().axis((int) n.integer("axis", 1));
          along[axis] = to[axis];
        }
        DoubleTensor steps = shifted(in(n, 0), in(n, 2).reshaped(along));
        yield List.of(
            DoubleTensor.zip(to, steps, in(n, 1).reshaped(along), (x, scale) -> x * scale));
      }

      case GELU_GRAD, GELU_GRAD_ONEDNN ->
          zip(n, to, (dy, x) -> dy * (normalCdf(x) + x * normalDensity(x)));
      case SOFTMAX_GRAD -> List.of(softmaxGrad(in(n, 0), in(n, 1), axis(n)));
      case LOG_SOFTMAX_GRAD -> List.of(logSoftmaxGrad(in(n, 0), in(n, 1), axis(n)));
      case LAYER_NORMALIZATION_GRAD ->
          layerNormalizationGrad(in(n, 0), in(n, 1), in(n, 2), in(n, 3), in(n, 4));
      case GATHER_GRAD -> List.of(gatherGrad(in(n, 0), in(n, 1), axis(n), to));
      case ADD_ROWS -> List.of(gatherGrad(in(n, 0), in(n, 1), 0, to));
      case GATHER_ELEMENTS_GRAD -> {
        DoubleTensor zeros = DoubleTensor.zeros(to);
        yield List.of(scatterElements(zeros, in(n, 1), in(n, 0), axis(n), true));
      }
      case DROPOUT_GRAD -> {
        double scale = in(n, 3).scalarValue() == 0 ? 1 : 1 / (1 - in(n, 2).scalarValue());
        yield zip(n, to, (dy, kept) -> dy * kept * scale);
      }
      case ADAM_OPTIMIZER -> adam(n);
    };
  }

  private static DoubleTensor shifted(DoubleTensor x, DoubleTensor zeroPoint) {
    return DoubleTensor.zip(x.dims(), x, zeroPoint, (value, zero) -> value - zero);
  }

  private static List<DoubleTensor> dynamicQuantizeLinear(DoubleTensor x) {
    double[] ends = {0, 0};
    DoubleTensor unused =
        x.map(
            v -> {
              ends[0] = Math.min(ends[0], v);
              ends[1] = Math.max(ends[1], v);
              return v;
            });
    double scale = (ends[1] - ends[0]) / 255;
    double zero = Math.rint(-ends[0] / scale);
    return List.of(
        unused.map(v -> Math.max(0, Math.min(255, Math.rint(v / scale) + zero))),
        DoubleTensor.scalar(scale),
        DoubleTensor.scalar(zero));
  }

  private List<DoubleTensor> map(Node n, DoubleUnaryOperator f) {
    return List.of(in(n, 0).map(f));
  }

  private List<DoubleTensor> zip(Node n, int[] to, DoubleBinaryOperator f) {
    return List.of(DoubleTensor.zip(to, in(n, 0), in(n, 1), f));
  }

  private static DoubleUnaryOperator cast(DType to) {
    if (to == DType.BOOL) {
      return x -> x == 0 ? 0 : 1;
    }
    return to.isFloatingPoint() ? x -> x : x -> (long) x;
  }

  private static int axis(Node n) {
    Value data = n.op() == OpType.GATHER_GRAD ? n.output() : n.in(0);
    return data.shape().axis((int) n.integer("axis"));
  }

  private static DoubleTensor relativeShift(DoubleTensor x, int[] to) {
    int s = to[to.length - 1];
    double[] y = new double[DoubleTensor.count(to)];
    for (int k = 0; k < y.length; k++) {
      int i = k / s % s;
      y[k] = x.get(k / s * 2 * s + k % s - i + s - 1);
    }
    return DoubleTensor.of(to, y);
  }

  private static DoubleTensor relativeShiftGrad(DoubleTensor dy, int[] to) {
    int s = to[to.length - 1] / 2;
    double[] dx = new double[DoubleTensor.count(to)];
    for (int k = 0; k < dy.size(); k++) {
      int i = k / s % s;
      dx[k / s * 2 * s + k % s - i + s - 1] = dy.get(k);
    }
    return DoubleTensor.of(to, dx);
  }

  private static int[] axes(Node n) {
    return n.ints("axes").stream().mapToInt(a -> n.in(0).shape().axis(a.intValue())).toArray();
  }

  private static DoubleTensor content(Node n) {
    return DoubleTensor.of(n.attribute("value", Attr.Content.class).value());
  }

  private DoubleTensor shape(Node n) {
    int[] dims = in(n, 0).dims();
    int start = (int) n.integer("start");
    int end = (int) n.integer("end");
    return DoubleTensor.vector(Arrays.stream(dims, start, end).asDoubleStream().toArray());
  }

  private DoubleTensor concat(Node n, int[] to) {
    DoubleTensor joined = DoubleTensor.zeros(to);
    int[] at = new int[to.length];
    for (Value part : n.inputs()) {
      paste(joined, value(part), at);
      at[axis(n)] += value(part).dim(axis(n));
    }
    return joined;
  }

  /**
   * Keeps an element where a number that depends on the mask's name and the position is at least
   * the ratio.
   */
  private List<DoubleTensor> dropout(Node n) {
    DoubleTensor x = in(n, 0);
    double ratio = in(n, 2).scalarValue() == 0 ? 0 : in(n, 1).scalarValue();
    Randomness random = Randomness.of(DROPOUT_SEED, n.out(1).name());
    DoubleTensor mask = x.map(any -> random.nextDouble() >= ratio ? 1 : 0);
    return List.of(DoubleTensor.zip(x.dims(), x, mask, (v, kept) -> v * kept / (1 - ratio)), mask);
  }

  /** As ONNX Runtime's AdamOptimizer with weight_decay_mode 0 (Loshchilov and Hutter 2019). */
  private List<DoubleTensor> adam(Node n) {
    Check.argument(n.integer("weight_decay_mode", 0) == 0, "only weight_decay_mode 0");
    double rate = in(n, 0).scalarValue();
    double step = in(n, 1).scalarValue();
    double alpha = n.real("alpha", 0.9f);
    double beta = n.real("beta", 0.999f);
    double decay = n.real("lambda", 0);
    double epsilon = n.real("epsilon", 1e-8f);
    boolean corrected = n.integer("do_bias_correction", 1) != 0;
    double c1 = corrected ? 1 - Math.pow(alpha, step) : 1;
    double c2 = corrected ? 1 - Math.pow(beta, step) : 1;
    DoubleTensor w = in(n, 2);
    DoubleTensor g = in(n, 3);
    int[] to = w.dims();
    DoubleTensor m1 = DoubleTensor.zip(to, in(n, 4), g, (m, d) -> alpha * m + (1 - alpha) * d);
    DoubleTensor m2 = DoubleTensor.zip(to, in(n, 5), g, (m, d) -> beta * m + (1 - beta) * d * d);
    DoubleTensor direction =
        DoubleTensor.zip(to, m1, m2, (m, v) -> m / c1 / (Math.sqrt(v / c2) + epsilon));
    DoubleTensor next = DoubleTensor.zip(to, w, direction, (x, d) -> x - rate * (d + decay * x));
    return List.of(DoubleTensor.scalar(step + 1), m1, m2, next);
  }
}
