package dev.filtrate.graph;

import java.util.List;
import java.util.Map;

/** What a node knows besides its inputs. */
public sealed interface Attr {
  /** An integer or a flag. */
  record Int(long value) implements Attr {
    @Override
    public String toString() {
      return Long.toString(value);
    }
  }

  /** A number; ONNX stores it in single precision. */
  record Real(float value) implements Attr {
    @Override
    public String toString() {
      return Float.toString(value);
    }
  }

  /** A word, such as the reduction of a scatter. */
  record Text(String value) implements Attr {
    @Override
    public String toString() {
      return "'" + value + "'";
    }
  }

  /** Integers, such as axes or a permutation. */
  record Ints(List<Long> values) implements Attr {
    /** Copies the list. */
    public Ints {
      values = List.copyOf(values);
    }

    @Override
    public String toString() {
      return values.toString();
    }
  }

  /** Sizes that may hold names: a target shape, slice bounds, paddings. */
  record Sizes(Shape value) implements Attr {
    @Override
    public String toString() {
      return value.toString();
    }
  }

  /** The content of a constant. */
  record Content(Tensor value) implements Attr {
    private static final int SHOWN = 8;

    @Override
    public String toString() {
      if (value.size() > SHOWN || value.type().bytes() == 2) {
        return value + "#" + Integer.toHexString(value.hashCode());
      }
      StringBuilder text = new StringBuilder(value.type().toString()).append("{");
      for (int i = 0; i < value.size(); i++) {
        double v = value.get(i);
        text.append(i == 0 ? "" : ", ");
        text.append(
            value.type().isFloatingPoint() ? Float.toString((float) v) : Long.toString((long) v));
      }
      return text.append("}").toString();
    }
  }

  /** The attribute of a kind; the error names it, what was expected and what is there. */
  static <A extends Attr> A get(Map<String, Attr> attributes, String name, Class<A> kind) {
    Attr a = attributes.get(name);
    if (a == null || !kind.isInstance(a)) {
      throw new IllegalArgumentException(
          "attribute '%s': expected %s, got %s".formatted(name, kind.getSimpleName(), a));
    }
    return kind.cast(a);
  }
}
