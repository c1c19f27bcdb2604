package dev.filtrate.graph;

import dev.filtrate.base.Check;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The vocabulary in which models, losses, gradients and optimizers are written: one method per
 * operator under ONNX's name, emitting into a {@link GraphBuilder} below a scope. A scope is a
 * value, {@code op.in("attention.self.query")}: nothing to close. Every method throws {@link
 * IllegalArgumentException} with the scope's name when shapes do not fit.
 */
public final class Ops {
  private final GraphBuilder builder;
  private final String scope;

  Ops(GraphBuilder builder, String scope) {
    this.builder = builder;
    this.scope = scope;
  }

  /** The same vocabulary, one scope further down. */
  public Ops in(String inner) {
    return new Ops(builder, scope.isEmpty() ? inner : scope + "." + inner);
  }

  /** Where everything is emitted. */
  public GraphBuilder builder() {
    return builder;
  }

  /** Everything goes through here. */
  public List<Value> emit(OpType op, List<Value> inputs, Map<String, Attr> attributes) {
    return builder.emit(scope, op, inputs, attributes);
  }

  private Value one(OpType op, Map<String, Attr> attributes, Value... inputs) {
    return emit(op, List.of(inputs), attributes).get(0);
  }

  private Value one(OpType op, Value... inputs) {
    return one(op, Map.of(), inputs);
  }

  /** A float32 parameter named by the scope, as in {@code layer.3.attention.self.query.weight}. */
  public Value parameter(String name, Shape shape) {
    return builder.parameter(scope.isEmpty() ? name : scope + "." + name, DType.FLOAT, shape);
  }

  // Constants

  /** A constant tensor; equal ones are one value. */
  public Value constant(Tensor content) {
    return builder.constant(content);
  }

  /** A float32 scalar. */
  public Value constant(double value) {
    return constant(Tensor.scalar((float) value));
  }

  /** An int64 scalar. */
  public Value constant(long value) {
    return constant(Tensor.scalar(value));
  }

  /** A scalar of the same element type as {@code like}. */
  public Value constantLike(double value, Value like) {
    return switch (like.type()) {
      case FLOAT -> constant(value);
      case INT64 -> constant((long) value);
      default -> throw new IllegalArgumentException(like + ": no scalar of this type");
    };
  }

  /** float32 zeros. */
  public Value zeros(Shape shape) {
    Attr zero = new Attr.Content(Tensor.ofFloats(new long[] {1}, 0));
    return one(OpType.CONSTANT_OF_SHAPE, Map.of("shape", new Attr.Sizes(shape), "value", zero));
  }

  /** A size as a float32 scalar: a constant when it is known, else computed when the graph runs. */
  public Value size(Dim size) {
    return size.isFixed()
        ? constant((double) size.fixed())
        : cast(one(OpType.DIM, Map.of("size", new Attr.Sizes(Shape.of(size)))), DType.FLOAT);
  }

  /** 0, 1, … below a size, int64 {@code [size]}. */
  public Value range(Dim size) {
    return one(OpType.RANGE, Map.of("size", new Attr.Sizes(Shape.of(size))));
  }

  // Elementwise

  /** −x. */
  public Value neg(Value x) {
    return one(OpType.NEG, x);
  }

  /** |x|. */
  public Value abs(Value x) {
    return one(OpType.ABS, x);
  }

  /** eˣ. */
  public Value exp(Value x) {
    return one(OpType.EXP, x);
  }

  /** ln x. */
  public Value log(Value x) {
    return one(OpType.LOG, x);
  }

  /** √x. */
  public Value sqrt(Value x) {
    return one(OpType.SQRT, x);
  }

  /** 1/x. */
  public Value reciprocal(Value x) {
    return one(OpType.RECIPROCAL, x);
  }

  /** Hyperbolic tangent. */
  public Value tanh(Value x) {
    return one(OpType.TANH, x);
  }

  /** The error function. */
  public Value erf(Value x) {
    return one(OpType.ERF, x);
  }

  /** 1 / (1 + e⁻ˣ). */
  public Value sigmoid(Value x) {
    return one(OpType.SIGMOID, x);
  }

  /** max(x, 0). */
  public Value relu(Value x) {
    return one(OpType.RELU, x);
  }

  /** x·Φ(x), exact. */
  public Value gelu(Value x) {
    return one(OpType.GELU, x);
  }

  /** a + b. */
  public Value add(Value a, Value b) {
    return one(OpType.ADD, a, b);
  }

  /** a + number. */
  public Value add(Value a, double b) {
    return add(a, constantLike(b, a));
  }

  /** a − b. */
  public Value sub(Value a, Value b) {
    return one(OpType.SUB, a, b);
  }

  /** number − b. */
  public Value sub(double a, Value b) {
    return sub(constantLike(a, b), b);
  }

  /** a · b. */
  public Value mul(Value a, Value b) {
    return one(OpType.MUL, a, b);
  }

  /** a · number. */
  public Value mul(Value a, double b) {
    return b == 1 ? a : mul(a, constantLike(b, a));
  }

  /** a / b. */
  public Value div(Value a, Value b) {
    return one(OpType.DIV, a, b);
  }

  /** The larger of two. */
  public Value max(Value a, Value b) {
    return one(OpType.MAX, a, b);
  }

  /** The smaller of two. */
  public Value min(Value a, Value b) {
    return one(OpType.MIN, a, b);
  }

  /** a = b, as booleans. */
  public Value equal(Value a, Value b) {
    return one(OpType.EQUAL, a, b);
  }

  /** a &lt; b, as booleans. */
  public Value less(Value a, Value b) {
    return one(OpType.LESS, a, b);
  }

  /** a ≥ b, as booleans. */
  public Value greaterOrEqual(Value a, Value b) {
    return one(OpType.GREATER_OR_EQUAL, a, b);
  }

  /** a and b, of booleans. */
  public Value and(Value a, Value b) {
    return one(OpType.AND, a, b);
  }

  /** not a, of booleans. */
  public Value not(Value a) {
    return one(OpType.NOT, a);
  }

  /** {@code condition ? a : b}, elementwise. */
  public Value where(Value condition, Value a, Value b) {
    return one(OpType.WHERE, condition, a, b);
  }

  /** x in another element type. */
  public Value cast(Value x, DType to) {
    return x.type() == to ? x : one(OpType.CAST, Map.of("to", new Attr.Int(to.onnx())), x);
  }

  /** x under another name. */
  public Value identity(Value x) {
    return one(OpType.IDENTITY, x);
  }

  // Shape

  /** x's elements in another shape. */
  public Value reshape(Value x, Shape shape) {
    return x.shape().equals(shape)
        ? x
        : one(OpType.RESHAPE, Map.of("shape", new Attr.Sizes(shape)), x);
  }

  /** x with its axes in another order; two in a row become one. */
  public Value transpose(Value x, int... perm) {
    Node before = builder.producer(x).orElse(null);
    if (before != null && before.op() == OpType.TRANSPOSE) {
      List<Long> first = before.ints("perm");
      int[] both = IntStream.of(perm).map(p -> first.get(p).intValue()).toArray();
      return transpose(before.in(0), both);
    }
    return Arrays.equals(perm, IntStream.range(0, perm.length).toArray())
        ? x
        : one(OpType.TRANSPOSE, Map.of("perm", ints(perm)), x);
  }

  /** x with its last two axes swapped. */
  public Value t(Value x) {
    int[] perm = IntStream.range(0, x.rank()).toArray();
    perm[x.rank() - 2] = x.rank() - 1;
    perm[x.rank() - 1] = x.rank() - 2;
    return transpose(x, perm);
  }

  /** x stretched to a shape. */
  public Value expand(Value x, Shape shape) {
    return x.shape().equals(shape)
        ? x
        : one(OpType.EXPAND, Map.of("shape", new Attr.Sizes(shape)), x);
  }

  /** x without these axes of size 1. */
  public Value squeeze(Value x, int... axes) {
    return one(OpType.SQUEEZE, Map.of("axes", axes(x.shape(), axes)), x);
  }

  /** x with new axes of size 1 at these positions of the result (not negative). */
  public Value unsqueeze(Value x, int... axes) {
    return one(OpType.UNSQUEEZE, Map.of("axes", ints(axes)), x);
  }

  /** The part of x from {@code start} (included) to {@code end} (not) along an axis. */
  public Value slice(Value x, int axis, Dim start, Dim end) {
    if (start.is(0) && end.equals(x.dim(axis))) {
      return x;
    }
    return one(
        OpType.SLICE,
        Map.of(
            "starts", new Attr.Sizes(Shape.of(start)),
            "ends", new Attr.Sizes(Shape.of(end)),
            "axes", axes(x.shape(), axis)),
        x);
  }

  /** x with zeros before and after along an axis. */
  public Value pad(Value x, int axis, Dim before, Dim after) {
    List<Dim> pads = new ArrayList<>();
    for (int i = 0; i < 2 * x.rank(); i++) {
      pads.add(Dim.of(0));
    }
    pads.set(x.shape().axis(axis), before);
    pads.set(x.shape().axis(axis) + x.rank(), after);
    return one(OpType.PAD, Map.of("pads", new Attr.Sizes(new Shape(pads))), x);
  }

  /** The parts joined along an axis. */
  public Value concat(int axis, List<Value> parts) {
    Check.argument(!parts.isEmpty(), "nothing to concatenate");
    return emit(OpType.CONCAT, parts, Map.of("axis", new Attr.Int(axis))).get(0);
  }

  /**
   * From a column for each distance to one for each position; see {@link OpType#RELATIVE_SHIFT}.
   */
  public Value relativeShift(Value x) {
    return one(OpType.RELATIVE_SHIFT, x);
  }

  /** The gradient of {@link #relativeShift}. */
  public Value relativeShiftGrad(Value dy) {
    return one(OpType.RELATIVE_SHIFT_GRAD, dy);
  }

  // Products and sums

  /** The matrix product over the last two axes, broadcast over the others. */
  public Value matMul(Value a, Value b) {
    return one(OpType.MATMUL, a, b);
  }

  /** {@code alpha · op(a) · op(b)}; trans swaps the last two axes of an operand. */
  public Value matMul(Value a, Value b, boolean transA, boolean transB, double alpha) {
    if (!transA && !transB && alpha == 1) {
      return matMul(a, b);
    }
    Map<String, Attr> attributes = new LinkedHashMap<>();
    attributes.put("transA", new Attr.Int(transA ? 1 : 0));
    attributes.put("transB", new Attr.Int(transB ? 1 : 0));
    attributes.put("alpha", new Attr.Real((float) alpha));
    return one(OpType.FUSED_MATMUL, attributes, a, b);
  }

  /**
   * The scope's dense layer, x·Wᵀ + b: parameters {@code weight [out, in]} and {@code bias [out]},
   * as checkpoints store them; x {@code [..., in]} to {@code [..., out]}.
   */
  public Value linear(Value x, long out) {
    Value weight = parameter("weight", new Shape(List.of(Dim.of(out), x.dim(-1))));
    return add(matMul(x, weight, false, true, 1), parameter("bias", Shape.of(out)));
  }

  /** The sum over axes. */
  public Value reduceSum(Value x, boolean keepdims, int... axes) {
    return reduce(OpType.REDUCE_SUM, x, keepdims, axes);
  }

  /** The mean over axes. */
  public Value reduceMean(Value x, boolean keepdims, int... axes) {
    return reduce(OpType.REDUCE_MEAN, x, keepdims, axes);
  }

  /** The sum of all elements, a scalar. */
  public Value sumAll(Value x) {
    return reduceSum(x, false, IntStream.range(0, x.rank()).toArray());
  }

  /** The sum of the squares of all elements, a scalar. */
  public Value sumOfSquares(Value x) {
    return reduce(OpType.REDUCE_SUM_SQUARE, x, false, IntStream.range(0, x.rank()).toArray());
  }

  /** The root of the sum of the squares of all elements of all of these, a scalar. */
  public Value globalNorm(Collection<Value> tensors) {
    Value sum = constant(0.0);
    for (Value tensor : tensors) {
      sum = add(sum, sumOfSquares(tensor));
    }
    return sqrt(sum);
  }

  /** The mean of all elements, a scalar. */
  public Value meanAll(Value x) {
    return reduceMean(x, false, IntStream.range(0, x.rank()).toArray());
  }

  /**
   * Running sums along an axis: of x up to each place, or from it to the end if {@code reverse}.
   */
  public Value cumSum(Value x, int axis, boolean reverse) {
    Map<String, Attr> attributes =
        Map.of("axis", new Attr.Int(axis), "reverse", new Attr.Int(reverse ? 1 : 0));
    return one(OpType.CUM_SUM, attributes, x);
  }

  private Value reduce(OpType op, Value x, boolean keepdims, int... axes) {
    if (axes.length == 0) {
      return x;
    }
    return one(
        op, Map.of("axes", axes(x.shape(), axes), "keepdims", new Attr.Int(keepdims ? 1 : 0)), x);
  }

  // Networks

  /** eˣ over its sum along an axis. */
  public Value softmax(Value x, int axis) {
    return one(OpType.SOFTMAX, Map.of("axis", new Attr.Int(axis)), x);
  }

  /** The logarithm of the softmax. */
  public Value logSoftmax(Value x, int axis) {
    return one(OpType.LOG_SOFTMAX, Map.of("axis", new Attr.Int(axis)), x);
  }

  /**
   * Normalisation over the last axis. Delivers y, mean and inverse standard deviation, as training
   * needs all three.
   */
  public List<Value> layerNormalization(Value x, Value scale, Value bias, double epsilon) {
    return emit(
        OpType.LAYER_NORMALIZATION,
        List.of(x, scale, bias),
        Map.of("axis", new Attr.Int(-1), "epsilon", new Attr.Real((float) epsilon)));
  }

  /** Rows (or slices along {@code axis}) of data at int64 indices. */
  public Value gather(Value data, Value indices, int axis) {
    return one(OpType.GATHER, Map.of("axis", new Attr.Int(axis)), data, indices);
  }

  /** {@code out[i][j] = data[i][indices[i][j]]} along {@code axis}, as the schema has it. */
  public Value gatherElements(Value data, Value indices, int axis) {
    return one(OpType.GATHER_ELEMENTS, Map.of("axis", new Attr.Int(axis)), data, indices);
  }

  /** Zeroes a share {@code ratio} of x at random and scales the rest by 1/(1−ratio). */
  public Value dropout(Value x, double ratio) {
    return ratio == 0 ? x : one(OpType.DROPOUT, x, constant(ratio), constant(Tensor.scalar(true)));
  }

  /**
   * softmax(scale · q·kᵀ + bias)·v of every head; q, k and v {@code [B, S, H]}, to the same shape.
   *
   * @param bias {@code [B, heads or 1, S, S]}
   */
  public Value multiHeadAttention(Value q, Value k, Value v, Value bias, long heads, double scale) {
    return emit(
            OpType.MULTI_HEAD_ATTENTION,
            List.of(q, k, v, Value.NONE, Value.NONE, bias),
            Map.of("num_heads", new Attr.Int(heads), "scale", new Attr.Real((float) scale)))
        .get(0);
  }

  // Gradients with a form of their own

  /** The gradient of {@link #gelu} at x. */
  public Value geluGrad(Value dy, Value x) {
    return one(OpType.GELU_GRAD, dy, x);
  }

  /** The gradient of {@link #softmax}, from its result y: y·(dy − Σ dy·y). */
  public Value softmaxGrad(Value dy, Value y, int axis) {
    return one(OpType.SOFTMAX_GRAD, Map.of("axis", new Attr.Int(axis)), dy, y);
  }

  /** The gradient of {@link #logSoftmax}, from its result y: dy − eʸ·Σ dy. */
  public Value logSoftmaxGrad(Value dy, Value y, int axis) {
    return one(OpType.LOG_SOFTMAX_GRAD, Map.of("axis", new Attr.Int(axis)), dy, y);
  }

  /**
   * The gradients of {@link #layerNormalization} by x, scale and bias, from x, the scale and the
   * mean and inverse standard deviation that it delivered.
   */
  public List<Value> layerNormalizationGrad(
      Value dy, Value x, Value scale, Value mean, Value invStd) {
    return emit(
        OpType.LAYER_NORMALIZATION_GRAD,
        List.of(dy, x, scale, mean, invStd),
        Map.of("axis", new Attr.Int(-1)));
  }

  /** The gradient of {@link #gather} by data of this shape: dy's slices added up at the indices. */
  public Value gatherGrad(Value indices, Value dy, int axis, Shape shape) {
    return one(
        OpType.GATHER_GRAD,
        Map.of("axis", new Attr.Int(axis), "shape", new Attr.Sizes(shape)),
        indices,
        dy);
  }

  /** The gradient of {@link #gatherElements} by data of this shape. */
  public Value gatherElementsGrad(Value dy, Value indices, int axis, Shape shape) {
    return one(
        OpType.GATHER_ELEMENTS_GRAD,
        Map.of("axis", new Attr.Int(axis), "shape", new Attr.Sizes(shape)),
        dy,
        indices);
  }

  /** The gradient of {@link #dropout}: dy where the mask kept x, scaled as x was. */
  public Value dropoutGrad(Value dy, Value mask, Value ratio, Value training) {
    return one(OpType.DROPOUT_GRAD, dy, mask, ratio, training);
  }

  private static Attr ints(int... values) {
    return new Attr.Ints(IntStream.of(values).mapToObj(Long::valueOf).toList());
  }

  private static Attr axes(Shape shape, int... axes) {
    return ints(IntStream.of(axes).map(shape::axis).toArray());
  }
}
