package dev.filtrate.graph;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** One application of an operator. Absent optional inputs are {@link Value#NONE}. */
public record Node(
    OpType op, List<Value> inputs, List<Value> outputs, Map<String, Attr> attributes) {
  /** Copies the lists; attributes are kept sorted by name. */
  public Node {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    SortedMap<String, Attr> sorted = new TreeMap<>(attributes);
    attributes = java.util.Collections.unmodifiableSortedMap(sorted);
  }

  /** An input by position. */
  public Value in(int i) {
    return inputs.get(i);
  }

  /** The first output, after which the node is named. */
  public Value output() {
    return outputs.get(0);
  }

  /** An output by position. */
  public Value out(int i) {
    return outputs.get(i);
  }

  /** An attribute; throws {@link IllegalArgumentException} if it is missing or of another kind. */
  public <A extends Attr> A attribute(String name, Class<A> kind) {
    return Attr.get(attributes, name, kind);
  }

  /** An integer attribute. */
  public long integer(String name) {
    return attribute(name, Attr.Int.class).value();
  }

  /** An integer attribute, or what holds when it is absent. */
  public long integer(String name, long otherwise) {
    return attributes.containsKey(name) ? integer(name) : otherwise;
  }

  /** A real attribute, or what holds when it is absent. */
  public float real(String name, float otherwise) {
    return attributes.containsKey(name) ? attribute(name, Attr.Real.class).value() : otherwise;
  }

  /** An attribute of integers. */
  public List<Long> ints(String name) {
    return attribute(name, Attr.Ints.class).values();
  }

  /** An attribute of sizes. */
  public Shape sizes(String name) {
    return attribute(name, Attr.Sizes.class).value();
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < outputs.size(); i++) {
      text.append(i == 0 ? "" : ", ").append(outputs.get(i));
    }
    text.append(" = ").append(op);
    if (!attributes.isEmpty()) {
      text.append(attributes);
    }
    text.append("(");
    for (int i = 0; i < inputs.size(); i++) {
      text.append(i == 0 ? "" : ", ").append(inputs.get(i).name());
    }
    return text.append(")").toString();
  }
}
