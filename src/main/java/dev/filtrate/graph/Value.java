package dev.filtrate.graph;

/**
 * An edge of a graph: what a node, an input or a parameter delivers. Names are unique in a graph.
 */
public record Value(String name, DType type, Shape shape) {
  /** Stands for an optional input that is not given. */
  public static final Value NONE = new Value("", DType.FLOAT, Shape.SCALAR);

  /** How many axes. */
  public int rank() {
    return shape.rank();
  }

  /** The size of an axis; negative ones count from the end. */
  public Dim dim(int axis) {
    return shape.dim(axis);
  }

  /** The same edge under another name. */
  public Value named(String other) {
    return new Value(other, type, shape);
  }

  @Override
  public String toString() {
    return name + ":" + (type == DType.FLOAT ? "" : type) + shape;
  }
}
