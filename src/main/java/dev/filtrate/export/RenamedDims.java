package dev.filtrate.export;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The pass that calls named sizes otherwise, wherever they occur. */
final class RenamedDims {
  private final Map<String, String> names;
  private final Map<Dim, Dim> known = new HashMap<>();

  private RenamedDims(Map<String, String> names) {
    this.names = names;
  }

  /** The graph with these dims under their new names. */
  static Graph apply(Graph graph, Map<String, String> names) {
    RenamedDims pass = new RenamedDims(names);
    return new Graph(
        graph.name(),
        pass.values(graph.inputs()),
        pass.values(graph.parameters()),
        graph.nodes().stream().map(pass::node).toList(),
        pass.values(graph.outputs()));
  }

  private Node node(Node n) {
    Map<String, Attr> attributes = new HashMap<>(n.attributes());
    attributes.replaceAll(
        (name, a) -> a instanceof Attr.Sizes sizes ? new Attr.Sizes(shape(sizes.value())) : a);
    return new Node(n.op(), values(n.inputs()), values(n.outputs()), attributes);
  }

  private List<Value> values(List<Value> values) {
    return values.stream().map(v -> new Value(v.name(), v.type(), shape(v.shape()))).toList();
  }

  private Shape shape(Shape shape) {
    return new Shape(shape.dims().stream().map(this::dim).toList());
  }

  private Dim dim(Dim dim) {
    return dim.isFixed() ? dim : known.computeIfAbsent(dim, this::renamed);
  }

  private Dim renamed(Dim dim) {
    Dim sum = Dim.of(0);
    for (Map.Entry<String, Long> term : dim.terms().entrySet()) {
      Dim product = Dim.of(term.getValue());
      if (!term.getKey().isEmpty()) {
        for (String name : term.getKey().split("\\*")) {
          product = product.times(Dim.named(names.getOrDefault(name, name)));
        }
      }
      sum = sum.plus(product);
    }
    return sum;
  }
}
