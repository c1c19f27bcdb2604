package dev.filtrate.onnx;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The pass that computes equal things once: nodes of the same operator, inputs and attributes
 * become the first of them. Chains that stand side by side share what they can, such as the
 * optimizer's bias corrections.
 */
final class Merging {
  /** What may deliver something else each time, or changes what it reads. */
  private static final Set<OpType> OWN = Set.of(OpType.DROPOUT, OpType.ADAM_OPTIMIZER);

  private record Computation(OpType op, List<Value> inputs, Map<String, Attr> attributes) {}

  private final Map<Computation, Node> first = new HashMap<>();
  private final Map<Value, Value> merged = new HashMap<>();

  private Merging() {}

  /** The graph without repetitions; inputs, parameters and outputs stay as they are. */
  static Graph of(Graph graph) {
    Merging pass = new Merging();
    Set<Value> outputs = new HashSet<>(graph.outputs());
    List<Node> nodes = new ArrayList<>();
    for (Node n : graph.nodes()) {
      Node node =
          new Node(
              n.op(),
              n.inputs().stream().map(v -> pass.merged.getOrDefault(v, v)).toList(),
              n.outputs(),
              n.attributes());
      if (!pass.isRepetition(node, outputs)) {
        nodes.add(node);
      }
    }
    return new Graph(graph.name(), graph.inputs(), graph.parameters(), nodes, graph.outputs());
  }

  private boolean isRepetition(Node n, Set<Value> outputs) {
    if (OWN.contains(n.op()) || n.outputs().stream().anyMatch(outputs::contains)) {
      return false;
    }
    Node same = first.putIfAbsent(new Computation(n.op(), n.inputs(), n.attributes()), n);
    if (same == null || same.outputs().size() != n.outputs().size()) {
      return false;
    }
    for (int i = 0; i < n.outputs().size(); i++) {
      merged.put(n.out(i), same.out(i));
    }
    return true;
  }
}
