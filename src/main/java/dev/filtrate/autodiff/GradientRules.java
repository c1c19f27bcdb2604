package dev.filtrate.autodiff;

import static dev.filtrate.graph.OpType.*;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The table of derivatives. A rule gets the vocabulary (in a scope named after the node), the node
 * and the gradient {@code dy} by its first output, and delivers one gradient per input, {@code
 * null} where there is none. A gradient may have the shape of the result where the input was
 * stretched to it: {@link ReverseMode} sums it back.
 */
final class GradientRules {
  /** How one operator is differentiated. */
  @FunctionalInterface
  interface Rule {
    List<@Nullable Value> apply(Ops op, Node n, Value dy);
  }

  private static final Map<OpType, Rule> RULES = new EnumMap<>(OpType.class);

  static {
    // Elementwise
    rule(NEG, (op, n, dy) -> grads(op.neg(dy)));
    rule(ABS, (op, n, dy) -> grads(op.sub(dyAbove0(op, n.in(0), dy), dyBelow0(op, n.in(0), dy))));
    rule(EXP, (op, n, dy) -> grads(op.mul(dy, n.output())));
    rule(LOG, (op, n, dy) -> grads(op.div(dy, n.in(0))));
    rule(SQRT, (op, n, dy) -> grads(op.div(op.mul(dy, 0.5), n.output())));
    rule(RECIPROCAL, (op, n, dy) -> grads(op.neg(op.mul(dy, square(op, n.output())))));
    rule(TANH, (op, n, dy) -> grads(op.mul(dy, op.sub(1, square(op, n.output())))));
    rule(ERF, (op, n, dy) -> grads(op.mul(dy, bell(op, n.in(0)))));
    rule(SIGMOID, (op, n, dy) -> grads(op.mul(dy, op.sub(n.output(), square(op, n.output())))));
    rule(RELU, (op, n, dy) -> grads(dyAbove0(op, n.in(0), dy)));
    rule(GELU, (op, n, dy) -> grads(op.geluGrad(dy, n.in(0))));
    rule(ADD, (op, n, dy) -> grads(dy, dy));
    rule(SUB, (op, n, dy) -> grads(dy, op.neg(dy)));
    rule(MUL, (op, n, dy) -> grads(op.mul(dy, n.in(1)), op.mul(dy, n.in(0))));
    rule(DIV, GradientRules::div);
    rule(MAX, (op, n, dy) -> either(op, op.greaterOrEqual(n.in(0), n.in(1)), dy));
    rule(MIN, (op, n, dy) -> either(op, op.greaterOrEqual(n.in(1), n.in(0)), dy));
    rule(WHERE, GradientRules::where);
    rule(CAST, (op, n, dy) -> grads(op.cast(dy, n.in(0).type())));
    rule(IDENTITY, (op, n, dy) -> grads(dy));

    // Shape
    rule(RESHAPE, (op, n, dy) -> grads(op.reshape(dy, n.in(0).shape())));
    rule(TRANSPOSE, (op, n, dy) -> grads(op.transpose(dy, inverse(n.ints("perm")))));
    rule(EXPAND, (op, n, dy) -> grads(dy));
    rule(SQUEEZE, (op, n, dy) -> grads(op.unsqueeze(dy, axes(n))));
    rule(UNSQUEEZE, (op, n, dy) -> grads(op.squeeze(dy, axes(n))));
    rule(SLICE, GradientRules::slice);
    rule(PAD, GradientRules::pad);
    rule(CONCAT, GradientRules::concat);

    // Products and sums
    rule(MATMUL, GradientRules::matMul);
    rule(FUSED_MATMUL, GradientRules::matMul);
    rule(REDUCE_SUM, (op, n, dy) -> grads(spread(op, n, dy)));
    rule(REDUCE_SUM_SQUARE, (op, n, dy) -> grads(op.mul(spread(op, n, dy), op.mul(n.in(0), 2))));
    rule(REDUCE_MEAN, (op, n, dy) -> grads(spread(op, n, overCount(op, n, dy))));
    rule(CUM_SUM, (op, n, dy) -> grads(op.cumSum(dy, axis(n), n.integer("reverse", 0) == 0)));

    // Networks
    rule(SOFTMAX, (op, n, dy) -> grads(op.softmaxGrad(dy, n.output(), axis(n))));
    rule(LOG_SOFTMAX, (op, n, dy) -> grads(op.logSoftmaxGrad(dy, n.output(), axis(n))));
    rule(LAYER_NORMALIZATION, GradientRules::layerNormalization);
    rule(GATHER, GradientRules::gather);
    rule(GATHER_ELEMENTS, GradientRules::gatherElements);
    rule(DROPOUT, GradientRules::dropout);
    rule(RELATIVE_SHIFT, (op, n, dy) -> grads(op.relativeShiftGrad(dy)));

    // Without a derivative: truth values, sizes and constants
    rule(EQUAL, GradientRules::none);
    rule(LESS, GradientRules::none);
    rule(GREATER_OR_EQUAL, GradientRules::none);
    rule(AND, GradientRules::none);
    rule(NOT, GradientRules::none);
    rule(SHAPE, GradientRules::none);
    rule(DIM, GradientRules::none);
    rule(RANGE, GradientRules::none);
    rule(CONSTANT, GradientRules::none);
    rule(CONSTANT_OF_SHAPE, GradientRules::none);

    // Never to be reached: backward passes and updates are not differentiated again
    rule(GELU_GRAD, GradientRules::unreachable);
    rule(SOFTMAX_GRAD, GradientRules::unreachable);
    rule(LOG_SOFTMAX_GRAD, GradientRules::unreachable);
    rule(LAYER_NORMALIZATION_GRAD, GradientRules::unreachable);
    rule(GATHER_GRAD, GradientRules::unreachable);
    rule(GATHER_ELEMENTS_GRAD, GradientRules::unreachable);
    rule(DROPOUT_GRAD, GradientRules::unreachable);
    rule(RELATIVE_SHIFT_GRAD, GradientRules::unreachable);
    rule(SCATTER_ELEMENTS, GradientRules::unreachable);
    rule(DYNAMIC_QUANTIZE_LINEAR, GradientRules::unreachable);
    rule(MATMUL_INTEGER, GradientRules::unreachable);
    rule(DEQUANTIZE_LINEAR, GradientRules::unreachable);
    rule(MULTI_HEAD_ATTENTION, GradientRules::unreachable);
    rule(ADAM_OPTIMIZER, GradientRules::unreachable);
    rule(MATMUL_BFLOAT16, GradientRules::unreachable);
    rule(ADD_ROWS, GradientRules::unreachable);
    rule(GELU_ONEDNN, GradientRules::unreachable);
    rule(GELU_GRAD_ONEDNN, GradientRules::unreachable);
  }

  private GradientRules() {}

  /** The rule of an operator; throws {@link IllegalStateException} if the table lacks it. */
  static Rule of(OpType op) {
    Rule rule = RULES.get(op);
    if (rule == null) {
      throw new IllegalStateException("operator " + op + " has no gradient rule");
    }
    return rule;
  }

  static void rule(OpType op, Rule rule) {
    Check.state(!RULES.containsKey(op), "operator %s has a gradient rule already", op);
    RULES.put(op, rule);
  }

  private static List<@Nullable Value> grads(@Nullable Value... gradients) {
    return Collections.unmodifiableList(Arrays.asList(gradients));
  }

  private static List<@Nullable Value> none(Ops op, Node n, Value dy) {
    return Collections.nCopies(n.inputs().size(), null);
  }

  private static List<@Nullable Value> unreachable(Ops op, Node n, Value dy) {
    throw new IllegalArgumentException(
        "%s: a backward pass must not reach %s, which is not differentiated"
            .formatted(n.output().name(), n.op()));
  }

  // Elementwise

  private static Value square(Ops op, Value x) {
    return op.mul(x, x);
  }

  private static Value zero(Ops op, Value like) {
    return op.constantLike(0, like);
  }

  private static Value dyAbove0(Ops op, Value x, Value dy) {
    return op.where(op.less(zero(op, x), x), dy, zero(op, dy));
  }

  private static Value dyBelow0(Ops op, Value x, Value dy) {
    return op.where(op.less(x, zero(op, x)), dy, zero(op, dy));
  }

  /** 2/√π·e^(−x²), the derivative of the error function. */
  private static Value bell(Ops op, Value x) {
    return op.mul(op.exp(op.neg(square(op, x))), 2 / Math.sqrt(Math.PI));
  }

  /** dy for the first of two where {@code first} holds, else for the second. */
  private static List<@Nullable Value> either(Ops op, Value first, Value dy) {
    return grads(op.where(first, dy, zero(op, dy)), op.where(first, zero(op, dy), dy));
  }

  private static List<@Nullable Value> where(Ops op, Node n, Value dy) {
    List<@Nullable Value> branches = either(op, n.in(0), dy);
    return grads(null, branches.get(0), branches.get(1));
  }

  private static List<@Nullable Value> div(Ops op, Node n, Value dy) {
    Value da = op.div(dy, n.in(1));
    return grads(da, op.neg(op.mul(da, n.output())));
  }

  // Shape

  private static int[] axes(Node n) {
    Shape longer = n.op() == UNSQUEEZE ? n.output().shape() : n.in(0).shape();
    return n.ints("axes").stream().mapToInt(a -> longer.axis(a.intValue())).toArray();
  }

  private static int axis(Node n) {
    return n.in(0).shape().axis((int) n.integer("axis"));
  }

  private static int[] inverse(List<Long> perm) {
    int[] inverse = new int[perm.size()];
    for (int i = 0; i < inverse.length; i++) {
      inverse[perm.get(i).intValue()] = i;
    }
    return inverse;
  }

  /** What was cut off comes back as zeros. */
  private static List<@Nullable Value> slice(Ops op, Node n, Value dy) {
    int rank = n.in(0).rank();
    List<Dim> pads = new ArrayList<>(Collections.nCopies(2 * rank, Dim.of(0)));
    int[] axes = axes(n);
    for (int i = 0; i < axes.length; i++) {
      pads.set(axes[i], n.sizes("starts").dim(i));
      pads.set(axes[i] + rank, n.in(0).dim(axes[i]).minus(n.sizes("ends").dim(i)));
    }
    return grads(op.emit(PAD, List.of(dy), Map.of("pads", new Attr.Sizes(new Shape(pads)))).get(0));
  }

  private static List<@Nullable Value> pad(Ops op, Node n, Value dy) {
    Value dx = dy;
    for (int i = 0; i < dy.rank(); i++) {
      Dim before = n.sizes("pads").dim(i);
      dx = op.slice(dx, i, before, before.plus(n.in(0).dim(i)));
    }
    return grads(dx);
  }

  private static List<@Nullable Value> concat(Ops op, Node n, Value dy) {
    List<@Nullable Value> parts = new ArrayList<>();
    int axis = axis(n);
    Dim start = Dim.of(0);
    for (Value part : n.inputs()) {
      Dim end = start.plus(part.dim(axis));
      parts.add(op.slice(dy, axis, start, end));
      start = end;
    }
    return parts;
  }

  // Products and sums

  /** Y = alpha·op(A)·op(B): both gradients are products with other flags. */
  private static List<@Nullable Value> matMul(Ops op, Node n, Value dy) {
    Value a = n.in(0);
    Value b = n.in(1);
    boolean ta = n.integer("transA", 0) != 0;
    boolean tb = n.integer("transB", 0) != 0;
    double alpha = n.real("alpha", 1);
    Value da = ta ? op.matMul(b, dy, tb, true, alpha) : op.matMul(dy, b, false, !tb, alpha);
    if (b.rank() == 2 && a.rank() > 2 && !ta) {
      // A weight's gradient: one product [in, rows]·[rows, out] in place of one per example, whose
      // results would take [batch, in, out] before they are summed.
      a = rows(op, a);
      dy = rows(op, dy);
    }
    Value db = tb ? op.matMul(dy, a, true, ta, alpha) : op.matMul(a, dy, !ta, false, alpha);
    return grads(da, db);
  }

  /** [..., n] as [rows, n]. */
  private static Value rows(Ops op, Value x) {
    Dim rows = new Shape(x.shape().dims().subList(0, x.rank() - 1)).elements();
    return op.reshape(x, Shape.of(rows, x.dim(-1)));
  }

  /** dy stretched over the axes that were summed. */
  private static Value spread(Ops op, Node n, Value dy) {
    boolean gone = n.integer("keepdims") == 0 && dy.rank() > 0;
    return op.expand(gone ? op.unsqueeze(dy, axes(n)) : dy, n.in(0).shape());
  }

  /** dy over the number of elements that each mean is taken of. */
  private static Value overCount(Ops op, Node n, Value dy) {
    Dim count = Dim.of(1);
    for (int axis : axes(n)) {
      count = count.times(n.in(0).dim(axis));
    }
    return count.isFixed() ? op.mul(dy, 1.0 / count.fixed()) : op.div(dy, op.size(count));
  }

  // Networks

  private static List<@Nullable Value> layerNormalization(Ops op, Node n, Value dy) {
    List<Value> all = op.layerNormalizationGrad(dy, n.in(0), n.in(1), n.out(1), n.out(2));
    return grads(all.get(0), all.get(1), all.get(2));
  }

  private static List<@Nullable Value> gather(Ops op, Node n, Value dy) {
    long padding = n.integer("padding_idx", -1);
    if (padding >= 0 && axis(n) == 0) {
      Value real = op.cast(op.not(op.equal(n.in(1), op.constant(padding))), dy.type());
      for (int axis = n.in(1).rank(); axis < dy.rank(); axis++) {
        real = op.unsqueeze(real, axis);
      }
      dy = op.mul(dy, real);
    }
    return grads(op.gatherGrad(n.in(1), dy, axis(n), n.in(0).shape()), null);
  }

  private static List<@Nullable Value> gatherElements(Ops op, Node n, Value dy) {
    return grads(op.gatherElementsGrad(dy, n.in(1), axis(n), n.in(0).shape()), null);
  }

  /** The mask of the forward pass; ratio and mode are constants. */
  private static List<@Nullable Value> dropout(Ops op, Node n, Value dy) {
    return grads(op.dropoutGrad(dy, n.out(1), n.in(1), n.in(2)), null, null);
  }
}
