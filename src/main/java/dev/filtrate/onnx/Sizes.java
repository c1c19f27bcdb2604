package dev.filtrate.onnx;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * Sizes as int64 vectors inside a graph: a named size is read off the first input that has it, a
 * polynomial of named sizes is Mul and Add on vectors of one element. Every size is computed once.
 */
final class Sizes {
  private final Ops ops;
  private final List<Value> inputs;
  private final Map<Dim, Value> known = new HashMap<>();
  private final Map<Shape, Value> vectors = new HashMap<>();

  Sizes(Ops ops, List<Value> inputs) {
    this.ops = ops.in("shape");
    this.inputs = List.copyOf(inputs);
  }

  /** A constant vector. */
  Value constant(long... numbers) {
    return ops.constant(Tensor.ofLongs(new long[] {numbers.length}, numbers));
  }

  /** The sizes as one vector. */
  Value vector(Shape shape) {
    Value vector = vectors.get(shape);
    if (vector == null) {
      vector = shape.isFixed() ? constant(shape.fixed()) : concatenated(shape.dims());
      vectors.put(shape, vector);
    }
    return vector;
  }

  private Value concatenated(List<Dim> dims) {
    List<Value> parts = new ArrayList<>();
    int i = 0;
    while (i < dims.size()) {
      int end = i;
      while (end < dims.size() && dims.get(end).isFixed()) {
        end++;
      }
      if (end > i) {
        parts.add(constant(dims.subList(i, end).stream().mapToLong(Dim::fixed).toArray()));
        i = end;
      } else {
        parts.add(size(dims.get(i++)));
      }
    }
    return parts.size() == 1 ? parts.get(0) : ops.concat(0, parts);
  }

  /** A size as a vector of one element. */
  Value size(Dim dim) {
    Value value = known.get(dim);
    if (value == null) {
      value = dim.isFixed() ? constant(dim.fixed()) : dim.isName() ? read(dim) : computed(dim);
      known.put(dim, value);
    }
    return value;
  }

  private Value read(Dim name) {
    for (Value input : inputs) {
      int axis = input.shape().dims().indexOf(name);
      if (axis >= 0) {
        Map<String, Attr> one = Map.of("start", new Attr.Int(axis), "end", new Attr.Int(axis + 1L));
        return ops.emit(OpType.SHAPE, List.of(input), one).get(0);
      }
    }
    throw new IllegalArgumentException(
        "the size '%s' is needed, but no input has an axis of that size; inputs: %s"
            .formatted(name, inputs));
  }

  private Value computed(Dim dim) {
    SortedMap<String, Long> terms = dim.terms();
    String monomial = terms.lastKey(); // a plain number has the first key, so this one has names
    long factor = terms.getOrDefault(monomial, 1L);
    Dim names = product(monomial);
    if (terms.size() > 1) {
      return ops.add(size(names.times(factor)), size(dim.minus(names.times(factor))));
    }
    if (factor != 1) {
      return ops.mul(size(names), constant(factor));
    }
    int last = monomial.lastIndexOf('*');
    return ops.mul(
        size(product(monomial.substring(0, last))), size(product(monomial.substring(last + 1))));
  }

  private static Dim product(String monomial) {
    Dim product = Dim.of(1);
    for (String name : monomial.split("\\*")) {
      product = product.times(Dim.named(name));
    }
    return product;
  }
}
