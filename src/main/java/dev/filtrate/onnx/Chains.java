package dev.filtrate.onnx;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Training operators written in standard ones. Each chain passes over memory as few times as its
 * formula allows: on a CPU the elementwise operators run at the speed of memory, not of arithmetic.
 */
final class Chains {
  /** Rows from which on a table of zeros is worth avoiding. */
  private static final long LARGE = 8192;

  /** Rows of a table whose gradient is a product, on CUDA. */
  private static final long SMALL = 1024;

  private Chains() {}

  /** Gelu(x) = ½·x·(1 + erf(x/√2)), in the order that runtimes recognise and fuse again. */
  static List<Value> gelu(Ops op, Node n) {
    Value x = n.in(0);
    Value erf = op.erf(op.div(x, op.constantLike(Math.sqrt(2), x)));
    return List.of(op.mul(op.mul(x, op.add(erf, 1)), 0.5));
  }

  /** alpha · op(A) · op(B). */
  static List<Value> fusedMatMul(Ops op, Node n) {
    Value a = n.integer("transA", 0) == 0 ? n.in(0) : op.t(n.in(0));
    Value b = n.integer("transB", 0) == 0 ? n.in(1) : op.t(n.in(1));
    return List.of(op.mul(op.matMul(a, b), n.real("alpha", 1)));
  }

  /**
   * The same product in bfloat16 where the second factor is a matrix: weights' products and their
   * gradients. Those with a vector are means and sums, and those of two batches small: both stay.
   */
  static List<Value> productInBFloat16(Ops op, Node n) {
    Value a = n.in(0);
    Value b = n.in(1);
    long transA = n.integer("transA", 0);
    List<Dim> sizes = new ArrayList<>(b.shape().dims());
    sizes.addAll(a.shape().dims().subList(Math.max(0, a.rank() - 2), a.rank()));
    boolean fits =
        b.rank() == 2
            && a.rank() >= 2
            && (transA == 0 || a.rank() == 2)
            && n.real("alpha", 1) == 1
            && sizes.stream().noneMatch(d -> d.is(1));
    if (!fits) {
      return op.emit(n.op(), n.inputs(), n.attributes());
    }
    Attr left = new Attr.Int(transA);
    Attr right = new Attr.Int(n.integer("transB", 0));
    return op.emit(OpType.MATMUL_BFLOAT16, n.inputs(), Map.of("transA", left, "transB", right));
  }

  /**
   * Without a gather: flattened, row i of x starts at i·2S, so the wanted entry is at i(2S−1) + j +
   * (S−1): drop S−1 entries and read rows of 2S−1.
   */
  static List<Value> relativeShift(Ops op, Node n) {
    Value x = n.in(0);
    Dim s = x.dim(-2);
    Dim row = x.dim(-1).plus(-1);
    int axis = x.rank() - 2;
    Value flat = op.reshape(x, flattened(x.shape(), s.times(x.dim(-1))));
    Value rest = op.slice(flat, axis, s.plus(-1), s.plus(-1).plus(s.times(row)));
    Value rows = op.reshape(rest, x.shape().with(-1, row));
    return List.of(op.slice(rows, axis + 1, Dim.of(0), s));
  }

  /** The same backwards: pads where slices were. */
  static List<Value> relativeShiftGrad(Ops op, Node n) {
    Value dy = n.in(0);
    Dim s = dy.dim(-1);
    int axis = dy.rank() - 2;
    Value rows = op.pad(dy, axis + 1, Dim.of(0), s.plus(-1));
    Value rest = op.reshape(rows, flattened(dy.shape(), s.times(rows.dim(-1))));
    Value flat = op.pad(rest, axis, s.plus(-1), Dim.of(1));
    return List.of(op.reshape(flat, dy.shape().with(-1, s.times(2))));
  }

  /** Of the last two axes one. */
  private static Shape flattened(Shape shape, Dim both) {
    List<Dim> dims = new ArrayList<>(shape.dims().subList(0, shape.rank() - 2));
    dims.add(both);
    return new Shape(dims);
  }

  /** A kernel of this project, which knows float32 alone, or else what stands for other types. */
  static Chain own(OpType kernel, Chain otherwise) {
    return (op, n) ->
        n.in(0).type() == DType.FLOAT
            ? op.emit(kernel, n.inputs(), Map.of())
            : otherwise.emit(op, n);
  }

  /** By the kernel of this project, where it is about rows of float32 that an int can count. */
  static List<Value> ownGatherGrad(Ops op, Node n) {
    Shape shape = n.sizes("shape");
    Dim size = shape.elements();
    boolean fits = size.isFixed() && size.fixed() <= Integer.MAX_VALUE / Float.BYTES;
    return fits && n.in(1).type() == DType.FLOAT && shape.axis((int) n.integer("axis")) == 0
        ? op.emit(OpType.ADD_ROWS, n.inputs(), Map.of("shape", new Attr.Sizes(shape)))
        : gatherGradOfLargeTable(op, n);
  }

  /** The heads apart, softmax(scale · q·kᵀ + bias)·v, and side by side again. */
  static List<Value> multiHeadAttention(Ops op, Node n) {
    long heads = n.integer("num_heads");
    Value q = heads(op, n.in(0), heads);
    Value k = heads(op, n.in(1), heads);
    Value scores = op.mul(op.matMul(q, op.t(k)), n.real("scale", 1));
    Value p = op.softmax(op.add(scores, n.in(5)), -1);
    Value merged = op.transpose(op.matMul(p, heads(op, n.in(2), heads)), 0, 2, 1, 3);
    return List.of(op.reshape(merged, n.in(0).shape()));
  }

  private static Value heads(Ops op, Value x, long heads) {
    Dim size = Dim.of(x.dim(2).fixed() / heads);
    Value apart = op.reshape(x, Shape.of(x.dim(0), x.dim(1), Dim.of(heads), size));
    return op.transpose(apart, 0, 2, 1, 3);
  }

  /** With u = x/√2: dx = ½·dy·(1 + erf(u) + u·exp(ln(2/√π) − u²)), the derivative of x·Φ(x). */
  static List<Value> geluGrad(Ops op, Node n) {
    Value u = op.mul(n.in(1), Math.sqrt(0.5));
    Value bell = op.exp(op.sub(Math.log(2 / Math.sqrt(Math.PI)), op.mul(u, u)));
    Value sum = op.add(op.add(op.erf(u), op.mul(u, bell)), 1);
    return List.of(op.mul(op.mul(sum, 0.5), n.in(0)));
  }

  /** dx = y·(dy − Σ dy·y). */
  static List<Value> softmaxGrad(Ops op, Node n) {
    Value dy = n.in(0);
    Value y = n.in(1);
    Value sum = op.reduceSum(op.mul(dy, y), true, (int) n.integer("axis"));
    return List.of(op.mul(op.sub(dy, sum), y));
  }

  /** dx = dy − eʸ·Σ dy. */
  static List<Value> logSoftmaxGrad(Ops op, Node n) {
    Value dy = n.in(0);
    Value sum = op.reduceSum(dy, true, (int) n.integer("axis"));
    return List.of(op.sub(dy, op.mul(op.exp(n.in(1)), sum)));
  }

  /**
   * With x̂ = (x − mean)·r and r the inverse deviation: dx = r·(g − mean(g) − x̂·mean(g·x̂)) for g
   * = dy·scale, dscale = Σ dy·x̂ and dbias = Σ dy over the rows. x̂ is never formed, r² goes into
   * its coefficient instead; both means are products with the vector scale/H, dscale is one with r:
   * seven passes over [rows, H] and four readings.
   */
  static List<Value> layerNormalizationGrad(Ops op, Node n) {
    Value dy = n.in(0);
    Value x = n.in(1);
    Value scale = n.in(2);
    Value r = n.in(4);
    long width = scale.dim(0).fixed();
    Value weights = op.mul(op.reshape(scale, Shape.of(width, 1)), 1.0 / width);

    Value centred = op.sub(x, n.in(3));
    Value product = op.mul(dy, centred);
    Value mean = op.matMul(dy, weights); // [..., 1]
    Value slope = op.mul(op.matMul(product, weights), op.mul(r, r)); // [..., 1]
    Value tangent = op.add(op.mul(centred, slope), mean);
    Value dx = op.mul(op.sub(op.mul(dy, scale), tangent), r);

    Dim rows = new Shape(x.shape().dims().subList(0, x.rank() - 1)).elements();
    Shape flat = Shape.of(rows, Dim.of(width));
    Value deviations = op.reshape(r, Shape.of(Dim.of(1), rows));
    Value dscale = op.matMul(deviations, op.reshape(product, flat));
    Value dbias = op.reduceSum(op.reshape(dy, flat), false, 0);
    return List.of(dx, op.reshape(dscale, Shape.of(width)), dbias);
  }

  /**
   * Adds the rows of dy into zeros at their indices, in float32: CUDA's kernel takes all numbers of
   * two bytes for float16.
   */
  static List<Value> gatherGrad(Ops op, Node n) {
    Shape shape = n.sizes("shape");
    int axis = shape.axis((int) n.integer("axis"));
    Value dy = op.cast(n.in(1), DType.FLOAT);
    return List.of(op.cast(addRows(op, shape, axis, n.in(0), dy), n.in(1).type()));
  }

  private static Value addRows(Ops op, Shape shape, int axis, Value ids, Value dy) {
    Dim count = ids.shape().elements();
    Shape row = shape.with(axis, count);
    Shape column = new Shape(row.dims().stream().map(d -> Dim.of(1)).toList()).with(axis, count);
    Value indices = op.expand(op.reshape(ids, column), row);
    return scatter(op, op.zeros(shape), axis, indices, op.reshape(dy, row), "add");
  }

  /**
   * The same for large tables, with the kernel, whose own sums are not repeatable: it adds up the
   * rows of an index in any order. So equal indices are added up beforehand, in a small tensor, in
   * the row of one of them, and the kernel meets one row that counts and otherwise zeros. It writes
   * the table once; ScatterElements copies it from another table of zeros that it keeps.
   */
  static List<Value> gatherGradOfLargeTable(Ops op, Node n) {
    Shape shape = n.sizes("shape");
    boolean large = shape.dim(0).isFixed() && shape.dim(0).fixed() >= LARGE;
    if (!large || shape.axis((int) n.integer("axis")) != 0) {
      return gatherGrad(op, n);
    }
    Dim count = n.in(0).shape().elements();
    Value ids = op.reshape(n.in(0), Shape.of(count));
    Attr zero = new Attr.Content(Tensor.ofLongs(new long[] {1}, 0));
    Map<String, Attr> rows = Map.of("shape", new Attr.Sizes(Shape.of(shape.dim(0))), "value", zero);
    Value none = op.emit(OpType.CONSTANT_OF_SHAPE, List.of(), rows).get(0);
    Value owner = op.gather(scatter(op, none, 0, ids, op.range(count), "none"), ids, 0);
    Value sums = addRows(op, shape.with(0, count), 0, owner, n.in(1));
    return List.of(op.gatherGrad(ids, sums, 0, shape));
  }

  /**
   * The same for small tables, such as DeBERTa's of distances, as a product with ones where a row
   * of the table meets its index. On CUDA the kernel asks the device twice how many rows there are,
   * and the host waits for the answers.
   */
  static List<Value> gatherGradOfSmallTable(Ops op, Node n) {
    return isSmall(n) ? countedRows(op, n) : op.emit(n.op(), n.inputs(), n.attributes());
  }

  /** The same where nobody may ask: large tables are added up by ScatterElements, in any order. */
  static List<Value> gatherGradOfAnyTable(Ops op, Node n) {
    return isSmall(n) ? countedRows(op, n) : gatherGrad(op, n);
  }

  private static boolean isSmall(Node n) {
    Shape shape = n.sizes("shape");
    boolean small = shape.dim(0).isFixed() && shape.dim(0).fixed() <= SMALL;
    return small && shape.axis((int) n.integer("axis")) == 0;
  }

  private static List<Value> countedRows(Ops op, Node n) {
    Shape shape = n.sizes("shape");
    Value dy = n.in(1);
    Dim count = n.in(0).shape().elements();
    long[] numbers = LongStream.range(0, shape.dim(0).fixed()).toArray();
    Value rows = op.constant(Tensor.ofLongs(new long[] {numbers.length, 1}, numbers));
    Value ids = op.reshape(n.in(0), Shape.of(Dim.of(1), count));
    Value meets = op.cast(op.equal(rows, ids), dy.type()); // (rows, count)
    Dim width = shape.with(0, Dim.of(1)).elements();
    Value sums = op.matMul(meets, op.reshape(dy, Shape.of(count, width)));
    return List.of(op.reshape(sums, shape));
  }

  /** Adds the elements of dy into zeros at their indices. */
  static List<Value> gatherElementsGrad(Ops op, Node n) {
    Value zeros = op.zeros(n.sizes("shape"));
    return List.of(scatter(op, zeros, (int) n.integer("axis"), n.in(1), n.in(0), "add"));
  }

  private static Value scatter(
      Ops op, Value data, int axis, Value indices, Value updates, String reduction) {
    Map<String, Attr> how =
        Map.of("axis", new Attr.Int(axis), "reduction", new Attr.Text(reduction));
    return op.emit(OpType.SCATTER_ELEMENTS, List.of(data, indices, updates), how).get(0);
  }

  /** dx = dy·mask / (1 − ratio), as the forward pass scaled what it kept. */
  static List<Value> dropoutGrad(Ops op, Node n) {
    Value dy = n.in(0);
    Optional<Double> ratio = constant(op, n.in(2));
    Value kept =
        ratio.isPresent() ? op.mul(dy, 1 / (1 - ratio.get())) : op.div(dy, op.sub(1, n.in(2)));
    Value dx = op.mul(kept, op.cast(n.in(1), dy.type()));
    boolean training = constant(op, n.in(3)).map(v -> v != 0).orElse(false);
    return List.of(training ? dx : op.where(n.in(3), dx, dy));
  }

  /** The number that a value always has, if it is a constant. */
  static Optional<Double> constant(Ops op, Value v) {
    return op.builder()
        .producer(v)
        .filter(p -> p.op() == OpType.CONSTANT)
        .map(p -> p.attribute("value", Attr.Content.class).value().scalarValue());
  }

  /**
   * The kernel, reading a step of its own: it advances the step in the buffer that it reads it
   * from, so several must not share one. A number of its own keeps equal steps from being merged.
   */
  static List<Value> adamKernel(Ops op, Node n) {
    long own = op.builder().nodes().size() + 1L;
    List<Value> inputs = new ArrayList<>(n.inputs());
    inputs.set(1, op.add(op.add(n.in(1), op.constant(own)), op.constant(-own)));
    return op.emit(n.op(), inputs, n.attributes());
  }

  /**
   * On CUDA, where the kernel wants its step on the host: an input {@code step/<parameter>} instead
   * of {@code step}, so that the same number need not be copied back once for each parameter.
   */
  static List<Value> adamKernelOfFedStep(Ops op, Node n) {
    if (op.builder().producer(n.in(1)).isPresent()) {
      return adamKernel(op, n); // a step that the graph computes cannot be fed
    }
    List<Value> inputs = new ArrayList<>(n.inputs());
    String own = n.in(1).name() + "/" + n.in(2).name();
    inputs.set(1, op.builder().input(own, DType.INT64, Shape.SCALAR));
    return op.emit(n.op(), inputs, n.attributes());
  }

  /**
   * A product of factors with unlike leading axes, where CUDA's library would be handed a list of
   * addresses, copied from the host at every run: the smaller factor is repeated instead.
   */
  static List<Value> alikeBatches(Ops op, Node n) {
    Value a = n.in(0);
    Value b = n.in(1);
    Shape leading = Shape.broadcast(leading(a), leading(b));
    if (b.rank() > 2 || a.rank() == 2) { // else one product of all rows
      a = repeated(op, a, leading);
      b = repeated(op, b, leading);
    }
    return op.emit(n.op(), List.of(a, b), n.attributes());
  }

  private static Shape leading(Value x) {
    return new Shape(x.shape().dims().subList(0, x.rank() - 2));
  }

  private static Value repeated(Ops op, Value x, Shape leading) {
    List<Dim> dims = new ArrayList<>(leading.dims());
    dims.addAll(x.shape().dims().subList(x.rank() - 2, x.rank()));
    return op.expand(x, new Shape(dims));
  }

  /**
   * A size as a number on a device, which has sizes on the host only: as many ones added up, for
   * each of its terms. Exact to 2²⁴ for what the names make.
   */
  static List<Value> countedSize(Ops op, Node n) {
    Value sum = op.constant(0L);
    for (Map.Entry<String, Long> term : n.sizes("size").dim(0).terms().entrySet()) {
      Value factor = op.constant(term.getValue());
      if (term.getKey().isEmpty()) {
        sum = op.add(sum, factor);
      } else {
        Map<String, Attr> ones =
            Map.of(
                "shape", new Attr.Sizes(Shape.of(Dim.parse(term.getKey()))),
                "value", new Attr.Content(Tensor.ofFloats(new long[] {1}, 1)));
        Value counted = op.sumAll(op.emit(OpType.CONSTANT_OF_SHAPE, List.of(), ones).get(0));
        sum = op.add(sum, op.mul(op.cast(counted, DType.INT64), factor));
      }
    }
    return List.of(sum);
  }

  /**
   * AdamW (Loshchilov and Hutter 2019) with the schema's attributes: alpha and beta are the decays
   * of the moments, lambda that of the weight, added to the update (mode 0). Old values are read
   * only on the way to their own new values, because both are bound to one buffer.
   */
  static List<Value> adamOptimizer(Ops op, Node n) {
    Check.argument(
        n.integer("weight_decay_mode", 0) == 0, "%s: only weight_decay_mode 0", n.output().name());
    Value rate = n.in(0);
    Value weight = n.in(2);
    Value gradient = n.in(3);
    float alpha = n.real("alpha", 0.9f);
    float beta = n.real("beta", 0.999f);
    float lambda = n.real("lambda", 0);

    Value moment1 = op.add(op.mul(n.in(4), alpha), op.mul(gradient, 1.0 - alpha));
    Value square = op.mul(gradient, gradient);
    Value moment2 = op.add(op.mul(n.in(5), beta), op.mul(square, 1.0 - beta));
    Value root = op.sqrt(moment2);
    Value step = rate;
    if (n.integer("do_bias_correction", 1) != 0) {
      root = op.mul(root, op.reciprocal(op.sqrt(biasCorrection(op, n.in(1), beta))));
      step = op.div(rate, biasCorrection(op, n.in(1), alpha));
    }
    Value change = op.mul(op.div(moment1, op.add(root, n.real("epsilon", 1e-6f))), step);
    Value kept = lambda == 0 ? weight : op.mul(weight, op.sub(1, op.mul(rate, lambda)));
    return List.of(op.add(n.in(1), op.constant(1L)), moment1, moment2, op.sub(kept, change));
  }

  /** 1 − decay^step, in double as the kernel computes it: decay is close to 1. */
  private static Value biasCorrection(Ops op, Value step, float decay) {
    Value log = op.constant(Tensor.ofDoubles(new long[0], Math.log(decay)));
    Value one = op.constant(Tensor.ofDoubles(new long[0], 1));
    Value power = op.exp(op.mul(op.cast(step, DType.DOUBLE), log));
    return op.cast(op.sub(one, power), DType.FLOAT);
  }
}
