package dev.filtrate.graph;

import dev.filtrate.base.Check;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Collects nodes and makes a {@link Graph} of them: the one mutable class of the representation.
 * Emitting is free; {@link #build} keeps what the outputs need.
 */
public final class GraphBuilder {
  private final Map<String, Value> inputs = new LinkedHashMap<>();
  private final Map<String, Value> parameters = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private final Map<Value, Node> producers = new HashMap<>();
  private final Map<Tensor, Value> constants = new HashMap<>();
  private final Set<String> names = new HashSet<>();
  private final Map<String, Integer> taken = new HashMap<>();

  /**
   * A builder for a pass over a graph: its inputs and parameters are declared and all its names are
   * taken, so that its nodes can be {@link #add added} one by one, or others in their place.
   */
  public static GraphBuilder rewriting(Graph graph) {
    GraphBuilder builder = new GraphBuilder();
    graph.inputs().forEach(v -> builder.declare(builder.inputs, v.name(), v.type(), v.shape()));
    graph
        .parameters()
        .forEach(v -> builder.declare(builder.parameters, v.name(), v.type(), v.shape()));
    graph.nodes().forEach(n -> n.outputs().forEach(v -> builder.names.add(v.name())));
    return builder;
  }

  /** A builder that holds all of a graph, to go on from there. */
  public static GraphBuilder of(Graph graph) {
    GraphBuilder builder = rewriting(graph);
    graph.nodes().forEach(builder::add);
    return builder;
  }

  /** The vocabulary, with no scope yet. */
  public Ops ops() {
    return new Ops(this, "");
  }

  /** Declares something that is fed at every run; the same declaration twice is one input. */
  public Value input(String name, DType type, Shape shape) {
    return declare(inputs, name, type, shape);
  }

  Value parameter(String name, DType type, Shape shape) {
    return declare(parameters, name, type, shape);
  }

  private Value declare(Map<String, Value> among, String name, DType type, Shape shape) {
    Value value = new Value(name, type, shape);
    Value known = among.get(name);
    if (known == null) {
      Check.argument(names.add(name), "the name '%s' is taken", name);
      among.put(name, value);
      return value;
    }
    Check.argument(known.equals(value), "%s is declared again as %s", known, value);
    return known;
  }

  /** The declared inputs, in order of declaration. */
  public List<Value> inputs() {
    return List.copyOf(inputs.values());
  }

  /** The declared parameters, in order of declaration. */
  public List<Value> parameters() {
    return List.copyOf(parameters.values());
  }

  /** The nodes so far, in order. */
  public List<Node> nodes() {
    return List.copyOf(nodes);
  }

  /** The node that delivers a value; none for inputs and parameters. */
  public Optional<Node> producer(Value value) {
    return Optional.ofNullable(producers.get(value));
  }

  List<Value> emit(String scope, OpType op, List<Value> in, Map<String, Attr> attributes) {
    String base = scope.isEmpty() ? op.onnx() : scope + "/" + op.onnx();
    List<ShapeRules.Signature> signatures;
    try {
      signatures = ShapeRules.infer(op, in, attributes);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(base + ": " + e.getMessage(), e);
    }
    String name = unique(base);
    List<Value> outputs = new ArrayList<>();
    for (int i = 0; i < signatures.size(); i++) {
      ShapeRules.Signature s = signatures.get(i);
      outputs.add(new Value(i == 0 ? name : unique(name + "." + i), s.type(), s.shape()));
    }
    add(new Node(op, in, outputs, attributes));
    return outputs;
  }

  /** Appends a finished node, whose outputs keep their names. */
  public void add(Node node) {
    nodes.add(node);
    for (Value v : node.outputs()) {
      names.add(v.name());
      producers.put(v, node);
    }
  }

  Value constant(Tensor content) {
    return constants.computeIfAbsent(
        content,
        t -> emit("", OpType.CONSTANT, List.of(), Map.of("value", new Attr.Content(t))).get(0));
  }

  private String unique(String base) {
    int n = taken.merge(base, 1, Integer::sum);
    String name = n == 1 ? base : base + "_" + (n - 1);
    return names.add(name) ? name : unique(base);
  }

  /**
   * The graph that delivers these outputs under these names, without anything they do not need. An
   * input or parameter that is an output, and a value delivered twice, pass through an Identity.
   */
  public Graph build(String graphName, Map<String, Value> outputs) {
    Map<Value, Value> renamed = new HashMap<>();
    List<Node> all = new ArrayList<>(nodes);
    List<Value> results = new ArrayList<>();
    outputs.forEach(
        (name, value) -> {
          Value result = value.named(name);
          results.add(result);
          boolean inPlace = producers.containsKey(value) && !renamed.containsKey(value);
          Check.argument(
              (inPlace && name.equals(value.name())) || !names.contains(name),
              "the output name '%s' is taken",
              name);
          if (inPlace) {
            renamed.put(value, result);
          } else {
            all.add(new Node(OpType.IDENTITY, List.of(value), List.of(result), Map.of()));
          }
        });
    List<Node> named =
        all.stream()
            .map(
                n ->
                    new Node(
                        n.op(),
                        n.inputs().stream().map(v -> renamed.getOrDefault(v, v)).toList(),
                        n.outputs().stream().map(v -> renamed.getOrDefault(v, v)).toList(),
                        n.attributes()))
            .toList();
    return new Graph(
            graphName,
            List.copyOf(inputs.values()),
            List.copyOf(parameters.values()),
            named,
            results)
        .pruned();
  }
}
