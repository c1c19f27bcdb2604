package dev.filtrate.graph;

import dev.filtrate.base.Check;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What an operator delivers for given inputs: one entry per operator, no default. */
final class ShapeRules {
  private ShapeRules() {}

  /** Type and shape of one output. */
  record Signature(DType type, Shape shape) {}

  static List<Signature> infer(OpType op, List<Value> in, Map<String, Attr> attributes) {
    Node n = new Node(op, in, List.of(), attributes);
    return switch (op) {
      case NEG,
          ABS,
          EXP,
          LOG,
          SQRT,
          RECIPROCAL,
          TANH,
          ERF,
          SIGMOID,
          RELU,
          GELU,
          GELU_ONEDNN,
          IDENTITY ->
          List.of(like(arity(n, 1).in(0)));
      case NOT -> List.of(like(typed(arity(n, 1).in(0), DType.BOOL)));
      case ADD, SUB, MUL, DIV, MAX, MIN ->
          one(
              sameType(arity(n, 2)).in(0).type(),
              Shape.broadcast(n.in(0).shape(), n.in(1).shape()));
      case AND ->
          one(
              typed(sameType(arity(n, 2)).in(0), DType.BOOL).type(),
              Shape.broadcast(n.in(0).shape(), n.in(1).shape()));
      case EQUAL, LESS, GREATER_OR_EQUAL ->
          one(DType.BOOL, Shape.broadcast(sameType(arity(n, 2)).in(0).shape(), n.in(1).shape()));
      case WHERE ->
          one(
              sameType(arity(n, 3), 1, 2).in(1).type(),
              Shape.broadcast(
                  typed(n.in(0), DType.BOOL).shape(),
                  Shape.broadcast(n.in(1).shape(), n.in(2).shape())));
      case CAST -> one(DType.ofOnnx((int) n.integer("to")), arity(n, 1).in(0).shape());
      case RESHAPE -> one(arity(n, 1).in(0).type(), reshape(n));
      case TRANSPOSE -> one(arity(n, 1).in(0).type(), transpose(n));
      case EXPAND ->
          one(arity(n, 1).in(0).type(), Shape.broadcast(n.in(0).shape(), n.sizes("shape")));
      case SQUEEZE -> one(arity(n, 1).in(0).type(), squeeze(n));
      case UNSQUEEZE -> one(arity(n, 1).in(0).type(), unsqueeze(n));
      case SLICE -> one(arity(n, 1).in(0).type(), slice(n));
      case PAD -> one(arity(n, 1).in(0).type(), pad(n));
      case CONCAT -> one(n.in(0).type(), concat(n));
      case RELATIVE_SHIFT -> {
        Shape x = arity(n, 1).in(0).shape();
        Dim positions = x.dim(-2);
        Check.argument(
            x.dim(-1).equals(positions.times(2)), "a column for each of 2S distances, got %s", x);
        yield one(n.in(0).type(), x.with(-1, positions));
      }
      case RELATIVE_SHIFT_GRAD -> {
        Shape dy = arity(n, 1).in(0).shape();
        Check.argument(dy.dim(-1).equals(dy.dim(-2)), "as many columns as rows, got %s", dy);
        yield one(n.in(0).type(), dy.with(-1, dy.dim(-1).times(2)));
      }
      case CONSTANT -> {
        Tensor t = n.attribute("value", Attr.Content.class).value();
        yield one(t.type(), t.shape());
      }
      case CONSTANT_OF_SHAPE ->
          one(n.attribute("value", Attr.Content.class).value().type(), n.sizes("shape"));
      case SHAPE -> one(DType.INT64, Shape.of(n.integer("end") - n.integer("start")));
      case DIM -> {
        Check.argument(arity(n, 0).sizes("size").rank() == 1, "one size, got %s", n.sizes("size"));
        yield one(DType.INT64, Shape.SCALAR);
      }
      case RANGE -> {
        Check.argument(arity(n, 0).sizes("size").rank() == 1, "one size, got %s", n.sizes("size"));
        yield one(DType.INT64, n.sizes("size"));
      }
      case MATMUL, FUSED_MATMUL, MATMUL_BFLOAT16 ->
          one(sameType(arity(n, 2)).in(0).type(), matMul(n));
      case REDUCE_SUM, REDUCE_MEAN, REDUCE_SUM_SQUARE -> one(arity(n, 1).in(0).type(), reduce(n));
      case CUM_SUM -> {
        n.in(0).shape().axis((int) arity(n, 1).integer("axis"));
        yield List.of(like(n.in(0)));
      }
      case SOFTMAX, LOG_SOFTMAX -> {
        n.in(0).shape().axis((int) arity(n, 1).integer("axis"));
        yield List.of(like(n.in(0)));
      }
      case LAYER_NORMALIZATION -> layerNormalization(arity(n, 3));
      case GATHER -> one(arity(n, 2).in(0).type(), gather(n));
      case GATHER_ELEMENTS -> {
        Check.argument(
            arity(n, 2).in(0).rank() == typed(n.in(1), DType.INT64).rank(),
            "ranks differ: %s and %s",
            n.in(0),
            n.in(1));
        yield one(n.in(0).type(), n.in(1).shape());
      }
      case SCATTER_ELEMENTS -> {
        same(typed(sameType(arity(n, 3), 0, 2).in(1), DType.INT64), n.in(2));
        yield List.of(like(n.in(0)));
      }
      case DROPOUT -> List.of(like(arity(n, 3).in(0)), new Signature(DType.BOOL, n.in(0).shape()));
      case MULTI_HEAD_ATTENTION -> {
        sameType(sameType(arity(n, 6), 0, 5), 1, 2);
        same(sameType(n, 0, 1).in(1), n.in(2));
        yield List.of(like(n.in(0)));
      }
      case DYNAMIC_QUANTIZE_LINEAR -> {
        Shape x = typed(arity(n, 1).in(0), DType.FLOAT).shape();
        yield List.of(
            new Signature(DType.UINT8, x),
            new Signature(DType.FLOAT, Shape.SCALAR),
            new Signature(DType.UINT8, Shape.SCALAR));
      }
      case MATMUL_INTEGER -> {
        sameType(sameType(arity(n, 4), 0, 2), 1, 3);
        yield one(DType.INT32, matMul(n));
      }
      case DEQUANTIZE_LINEAR -> {
        sameType(arity(n, 3), 0, 2);
        same(typed(n.in(1), DType.FLOAT), n.in(2));
        yield one(DType.FLOAT, n.in(0).shape());
      }
      case GELU_GRAD, GELU_GRAD_ONEDNN, SOFTMAX_GRAD, LOG_SOFTMAX_GRAD -> {
        same(arity(n, 2).in(0), n.in(1));
        yield List.of(like(n.in(0)));
      }
      case LAYER_NORMALIZATION_GRAD -> {
        same(arity(n, 5).in(0), n.in(1));
        yield List.of(like(n.in(1)), like(n.in(2)), like(n.in(2)));
      }
      case GATHER_GRAD, ADD_ROWS, GATHER_ELEMENTS_GRAD ->
          one(arity(n, 2).in(op == OpType.GATHER_ELEMENTS_GRAD ? 0 : 1).type(), n.sizes("shape"));
      case DROPOUT_GRAD -> {
        same(arity(n, 4).in(0), typed(n.in(1), DType.BOOL));
        yield List.of(like(n.in(0)));
      }
      case ADAM_OPTIMIZER -> {
        // R, T, weights, gradients, moment 1, moment 2 -> T + 1, moment 1, moment 2, weights
        arity(n, 6);
        n.inputs().subList(3, 6).forEach(v -> same(n.in(2), v));
        yield List.of(like(n.in(1)), like(n.in(4)), like(n.in(5)), like(n.in(2)));
      }
    };
  }

  private static Signature like(Value v) {
    return new Signature(v.type(), v.shape());
  }

  private static List<Signature> one(DType type, Shape shape) {
    return List.of(new Signature(type, shape));
  }

  private static Node arity(Node n, int expected) {
    Check.argument(
        n.inputs().size() == expected, "expected %d inputs, got %s", expected, n.inputs());
    return n;
  }

  private static Node sameType(Node n) {
    return sameType(n, 0, 1);
  }

  private static Node sameType(Node n, int i, int j) {
    Check.argument(
        n.in(i).type() == n.in(j).type(), "element types differ: %s and %s", n.in(i), n.in(j));
    return n;
  }

  private static Value typed(Value v, DType type) {
    Check.argument(v.type() == type, "expected %s, got %s", type, v);
    return v;
  }

  private static void same(Value a, Value b) {
    Check.argument(a.shape().equals(b.shape()), "shapes differ: %s and %s", a, b);
  }

  private static Shape reshape(Node n) {
    Shape from = n.in(0).shape();
    Shape to = n.sizes("shape");
    Check.argument(
        from.elements().equals(to.elements()),
        "%s has %s elements, %s has %s",
        from,
        from.elements(),
        to,
        to.elements());
    return to;
  }

  private static Shape transpose(Node n) {
    Shape x = n.in(0).shape();
    List<Long> perm = n.ints("perm");
    Check.argument(
        perm.stream()
            .sorted()
            .toList()
            .equals(java.util.stream.LongStream.range(0, x.rank()).boxed().toList()),
        "perm %s does not fit %s",
        perm,
        x);
    return new Shape(perm.stream().map(p -> x.dim(p.intValue())).toList());
  }

  private static Shape squeeze(Node n) {
    Shape x = n.in(0).shape();
    List<Integer> axes = n.ints("axes").stream().map(a -> x.axis(a.intValue())).toList();
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < x.rank(); i++) {
      if (axes.contains(i)) {
        Check.argument(x.dim(i).is(1), "axis %d of %s is not 1", i, x);
      } else {
        dims.add(x.dim(i));
      }
    }
    return new Shape(dims);
  }

  private static Shape unsqueeze(Node n) {
    List<Dim> dims = new ArrayList<>(n.in(0).shape().dims());
    n.ints("axes").stream().sorted().forEach(a -> dims.add(a.intValue(), Dim.of(1)));
    return new Shape(dims);
  }

  private static Shape slice(Node n) {
    Shape x = n.in(0).shape();
    Shape starts = n.sizes("starts");
    Shape ends = n.sizes("ends");
    List<Long> axes = n.ints("axes");
    for (int i = 0; i < axes.size(); i++) {
      int axis = axes.get(i).intValue();
      Dim length = ends.dim(i).minus(starts.dim(i));
      Dim rest = n.in(0).dim(axis).minus(ends.dim(i));
      Check.argument(
          (!length.isFixed() || length.fixed() >= 0) && (!rest.isFixed() || rest.fixed() >= 0),
          "[%s, %s) is outside axis %d of %s",
          starts.dim(i),
          ends.dim(i),
          axis,
          n.in(0).shape());
      x = x.with(axis, length);
    }
    return x;
  }

  private static Shape pad(Node n) {
    Shape x = n.in(0).shape();
    Shape pads = n.sizes("pads");
    Check.argument(pads.rank() == 2 * x.rank(), "pads %s do not fit %s", pads, x);
    for (int i = 0; i < x.rank(); i++) {
      x = x.with(i, x.dim(i).plus(pads.dim(i)).plus(pads.dim(i + x.rank())));
    }
    return x;
  }

  private static Shape concat(Node n) {
    Shape first = n.in(0).shape();
    int axis = first.axis((int) n.integer("axis"));
    Dim sum = Dim.of(0);
    for (Value v : n.inputs()) {
      Check.argument(v.type() == n.in(0).type(), "element types differ: %s and %s", n.in(0), v);
      Check.argument(
          v.rank() == first.rank() && v.shape().with(axis, first.dim(axis)).equals(first),
          "%s and %s differ outside axis %d",
          n.in(0),
          v,
          axis);
      sum = sum.plus(v.dim(axis));
    }
    return first.with(axis, sum);
  }

  private static Shape matMul(Node n) {
    Shape a = swapped(n.in(0).shape(), n.integer("transA", 0) != 0);
    Shape b = swapped(n.in(1).shape(), n.integer("transB", 0) != 0);
    Check.argument(
        a.dim(-1).equals(b.dim(-2)),
        "inner axes differ: %s x %s (%s vs %s)",
        a,
        b,
        a.dim(-1),
        b.dim(-2));
    Shape batch = Shape.broadcast(leading(a), leading(b));
    List<Dim> dims = new ArrayList<>(batch.dims());
    dims.add(a.dim(-2));
    dims.add(b.dim(-1));
    return new Shape(dims);
  }

  private static Shape swapped(Shape x, boolean swap) {
    Check.argument(x.rank() >= 2, "a product needs two axes, got %s", x);
    return swap ? x.with(-1, x.dim(-2)).with(-2, x.dim(-1)) : x;
  }

  private static Shape leading(Shape x) {
    return new Shape(x.dims().subList(0, x.rank() - 2));
  }

  private static Shape reduce(Node n) {
    Shape x = n.in(0).shape();
    List<Integer> axes = n.ints("axes").stream().map(a -> x.axis(a.intValue())).toList();
    boolean keep = n.integer("keepdims") != 0;
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < x.rank(); i++) {
      if (!axes.contains(i)) {
        dims.add(x.dim(i));
      } else if (keep) {
        dims.add(Dim.of(1));
      }
    }
    return new Shape(dims);
  }

  private static List<Signature> layerNormalization(Node n) {
    Value x = n.in(0);
    for (int i = 1; i <= 2; i++) {
      Check.argument(
          n.in(i).shape().equals(Shape.of(x.dim(-1))),
          "scale and bias must be [%s], got %s",
          x.dim(-1),
          n.in(i).shape());
    }
    Signature statistic = new Signature(x.type(), x.shape().with(-1, Dim.of(1)));
    return List.of(like(x), statistic, statistic);
  }

  private static Shape gather(Node n) {
    Shape data = n.in(0).shape();
    int axis = data.axis((int) n.integer("axis"));
    typed(n.in(1), DType.INT64);
    List<Dim> dims = new ArrayList<>(data.dims().subList(0, axis));
    dims.addAll(n.in(1).shape().dims());
    dims.addAll(data.dims().subList(axis + 1, data.rank()));
    return new Shape(dims);
  }
}
