package dev.filtrate.graph;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * A computation: inputs that change from run to run, parameters under their checkpoint's names,
 * nodes in an order in which every value comes before its use, and outputs.
 */
public record Graph(
    String name,
    List<Value> inputs,
    List<Value> parameters,
    List<Node> nodes,
    List<Value> outputs) {
  /** Copies the lists. */
  public Graph {
    inputs = List.copyOf(inputs);
    parameters = List.copyOf(parameters);
    nodes = List.copyOf(nodes);
    outputs = List.copyOf(outputs);
  }

  /** The output of a name, if there is one. */
  public Optional<Value> output(String wanted) {
    return outputs.stream().filter(v -> v.name().equals(wanted)).findFirst();
  }

  /** The input of a name, if there is one. */
  public Optional<Value> input(String wanted) {
    return inputs.stream().filter(v -> v.name().equals(wanted)).findFirst();
  }

  /** How often each operator occurs. */
  public Map<String, Integer> operatorCounts() {
    Map<String, Integer> counts = new TreeMap<>();
    nodes.forEach(n -> counts.merge(n.op().onnx(), 1, Integer::sum));
    return counts;
  }

  /** The number of elements of all parameters. */
  public long parameterCount() {
    return parameters.stream().mapToLong(p -> p.shape().elements().fixed()).sum();
  }

  /** This graph without the nodes, inputs and parameters that its outputs do not need. */
  public Graph pruned() {
    Set<Value> needed = new HashSet<>(outputs);
    List<Node> kept = new ArrayList<>();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node n = nodes.get(i);
      if (n.outputs().stream().anyMatch(needed::contains)) {
        needed.addAll(n.inputs());
        kept.add(n);
      }
    }
    Collections.reverse(kept);
    return new Graph(
        name,
        inputs.stream().filter(needed::contains).toList(),
        parameters.stream().filter(needed::contains).toList(),
        kept,
        outputs);
  }

  /** The listing: stable, one line a value or node, made to be read and compared. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("graph ").append(name).append('\n');
    inputs.forEach(v -> text.append("input     ").append(v).append('\n'));
    parameters.forEach(v -> text.append("parameter ").append(v).append('\n'));
    nodes.forEach(n -> text.append("  ").append(n).append('\n'));
    outputs.forEach(v -> text.append("output    ").append(v).append('\n'));
    return text.toString();
  }
}
