package dev.filtrate.graph;

import dev.filtrate.base.Check;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The sizes of a value's axes; no axes = a scalar. Text form: {@code [batch, sequence, 768]}. */
public record Shape(List<Dim> dims) {
  /** The shape of a single number. */
  public static final Shape SCALAR = new Shape(List.of());

  /** Copies the list. */
  public Shape {
    dims = List.copyOf(dims);
  }

  /** A shape of these sizes. */
  public static Shape of(Dim... dims) {
    return new Shape(List.of(dims));
  }

  /** A shape of known sizes. */
  public static Shape of(long... sizes) {
    return new Shape(Arrays.stream(sizes).mapToObj(Dim::of).toList());
  }

  /** Reads the text form. */
  public static Shape parse(String text) {
    Check.argument(text.startsWith("[") && text.endsWith("]"), "not a shape: '%s'", text);
    String inner = text.substring(1, text.length() - 1).replace(" ", "");
    return inner.isEmpty()
        ? SCALAR
        : new Shape(Arrays.stream(inner.split(",")).map(Dim::parse).toList());
  }

  /** How many axes. */
  public int rank() {
    return dims.size();
  }

  /** The axis as a number from 0; negative ones count from the end. */
  public int axis(int axis) {
    Check.argument(axis >= -rank() && axis < rank(), "axis %d of %s: out of range", axis, this);
    return axis < 0 ? axis + rank() : axis;
  }

  /** The size of an axis; negative ones count from the end. */
  public Dim dim(int axis) {
    return dims.get(axis(axis));
  }

  /** This shape with another size at an axis. */
  public Shape with(int axis, Dim dim) {
    List<Dim> changed = new ArrayList<>(dims);
    changed.set(axis(axis), dim);
    return new Shape(changed);
  }

  /** The number of elements. */
  public Dim elements() {
    return dims.stream().reduce(Dim.of(1), Dim::times);
  }

  /** Whether all sizes are known. */
  public boolean isFixed() {
    return dims.stream().allMatch(Dim::isFixed);
  }

  /** The known sizes; throws if one is not. */
  public long[] fixed() {
    return dims.stream().mapToLong(Dim::fixed).toArray();
  }

  /** The sizes when the names have these values. */
  public long[] evaluate(Map<String, Long> values) {
    return dims.stream().mapToLong(d -> d.evaluate(values)).toArray();
  }

  /** The shape of an elementwise result under ONNX's (NumPy's) multidirectional broadcasting. */
  public static Shape broadcast(Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      int ia = i - rank + a.rank();
      int ib = i - rank + b.rank();
      Dim da = ia < 0 ? Dim.of(1) : a.dims.get(ia);
      Dim db = ib < 0 ? Dim.of(1) : b.dims.get(ib);
      Check.argument(
          da.equals(db) || da.is(1) || db.is(1),
          "cannot broadcast %s with %s (%s vs %s)",
          a,
          b,
          da,
          db);
      dims.add(da.is(1) ? db : da);
    }
    return new Shape(dims);
  }

  @Override
  public String toString() {
    return dims.toString();
  }
}
