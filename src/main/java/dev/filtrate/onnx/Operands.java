package dev.filtrate.onnx;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The pass that turns {@linkplain OpType.Operand operands} from attributes into the int64 inputs of
 * ONNX's schemas. What is fixed becomes a constant. Where a size is known only when running, the
 * schema's own means come first (0 and −1 of a Reshape, 1 of an Expand, bounds of a Slice counted
 * from the end): they cost nothing. The rest, and a size that is wanted as a number, is {@linkplain
 * Sizes arithmetic} on the sizes of the graph's inputs.
 *
 * <p>The result is ONNX's form: no node carries an operand as an attribute, and {@link OnnxCodec}
 * writes it one to one.
 */
public final class Operands {
  private final GraphBuilder builder;
  private final Sizes sizes;

  private Operands(Graph graph) {
    this.builder = GraphBuilder.rewriting(graph);
    this.sizes = new Sizes(builder.ops(), graph.inputs());
  }

  /**
   * The graph in ONNX's form, under the same names of inputs, parameters, outputs and nodes.
   *
   * @throws IllegalArgumentException if a named size is needed that no input has
   */
  public static Graph asInputs(Graph graph) {
    Operands pass = new Operands(graph);
    graph.nodes().forEach(pass::resolve);
    return new Graph(
        graph.name(), graph.inputs(), graph.parameters(), pass.builder.nodes(), graph.outputs());
  }

  private void resolve(Node n) {
    if (n.op() == OpType.DIM) {
      scalar(n.sizes("size"), n.output());
      return;
    }
    if (n.op() == OpType.RANGE && n.inputs().isEmpty()) {
      Value limit = new Value(n.output().name() + "/limit", DType.INT64, Shape.SCALAR);
      scalar(n.sizes("size"), limit);
      List<Value> bounds = List.of(builder.ops().constant(0L), limit, builder.ops().constant(1L));
      builder.add(new Node(OpType.RANGE, bounds, n.outputs(), Map.of()));
      return;
    }
    List<Value> inputs = new ArrayList<>(n.inputs());
    Map<String, Attr> attributes = new HashMap<>(n.attributes());
    if (n.op() == OpType.GATHER) {
      attributes.remove("padding_idx"); // was for the gradient; not in ONNX's schema
    }
    try {
      for (OpType.Operand operand : n.op().operands()) {
        if (attributes.remove(operand.attribute()) != null) {
          inputs.add(operand.position(), value(n, operand.attribute()));
        }
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(n.output().name() + ": " + e.getMessage(), e);
    }
    builder.add(new Node(n.op(), inputs, n.outputs(), attributes));
  }

  private void scalar(Shape size, Value result) {
    List<Value> squeezed = List.of(sizes.vector(size), sizes.constant(0));
    builder.add(new Node(OpType.SQUEEZE, squeezed, List.of(result), Map.of()));
  }

  private Value value(Node n, String attribute) {
    if (n.attributes().get(attribute) instanceof Attr.Int number) {
      return builder.ops().constant(number.value());
    }
    if (n.attributes().get(attribute) instanceof Attr.Ints numbers) {
      return sizes.constant(numbers.values().stream().mapToLong(Long::longValue).toArray());
    }
    Shape wanted = n.sizes(attribute);
    return switch (n.op()) {
      case RESHAPE -> sizes.vector(reshape(n.in(0).shape(), wanted));
      case EXPAND -> sizes.vector(expand(n.in(0).shape(), wanted));
      case SLICE -> sizes.vector(bounds(n, wanted));
      default -> sizes.vector(wanted);
    };
  }

  /** 0 keeps the size of the same axis, −1 stands for one size that follows from the others. */
  private static Shape reshape(Shape from, Shape to) {
    Shape asked = to;
    int open = -1;
    for (int i = 0; i < to.rank(); i++) {
      if (to.dim(i).isFixed()) {
        continue;
      }
      if (i < from.rank() && from.dim(i).equals(to.dim(i))) {
        asked = asked.with(i, Dim.of(0));
      } else if (open < 0 || to.dim(i).terms().size() >= to.dim(open).terms().size()) {
        open = i;
      }
    }
    return open < 0 ? asked : asked.with(open, Dim.of(-1));
  }

  /** 1 keeps the size of x, as broadcasting goes both ways. */
  private static Shape expand(Shape x, Shape to) {
    Shape asked = to;
    for (int i = 1; i <= Math.min(x.rank(), to.rank()); i++) {
      if (!to.dim(-i).isFixed() && to.dim(-i).equals(x.dim(-i))) {
        asked = asked.with(-i, Dim.of(1));
      }
    }
    return asked;
  }

  /** A bound near the end of its axis is counted from there; one past any end means the end. */
  private static Shape bounds(Node slice, Shape wanted) {
    Shape asked = wanted;
    List<Long> axes = slice.ints("axes");
    for (int i = 0; i < axes.size(); i++) {
      Dim bound = wanted.dim(i);
      Dim rest = slice.in(0).dim(axes.get(i).intValue()).minus(bound);
      if (!bound.isFixed() && rest.isFixed()) {
        asked = asked.with(i, rest.is(0) ? Dim.of(Long.MAX_VALUE) : rest.times(-1));
      }
    }
    return asked;
  }
}
