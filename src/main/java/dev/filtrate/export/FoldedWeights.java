package dev.filtrate.export;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.WeightedGraph;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The pass that moves weights now instead of when the graph runs: where a parameter is transposed
 * or cut before it is used, the result becomes a parameter. Checkpoints store a dense layer as
 * {@code [out, in]} and its product reads {@code [in, out]}; stored like that, the product is a
 * plain MatMul with a constant, which runtimes pack and quantizers know. A transposed matrix is
 * called after its parameter with {@code .T} behind; a parameter that is also read as it is stays.
 */
final class FoldedWeights {
  private static final Set<OpType> MOVES =
      EnumSet.of(OpType.TRANSPOSE, OpType.SLICE, OpType.SQUEEZE, OpType.UNSQUEEZE);

  private final WeightedGraph source;

  /** What parameters and moved parameters are. */
  private final Map<Value, StridedView> views = new HashMap<>();

  private final List<Node> kept = new ArrayList<>();

  private FoldedWeights(WeightedGraph source) {
    this.source = source;
    for (Value p : source.graph().parameters()) {
      Tensor tensor = source.values().get(p.name());
      if (tensor == null) {
        throw new IllegalArgumentException("no weights for parameter " + p);
      }
      if (p.type() == DType.FLOAT) {
        views.put(p, StridedView.of(p.name(), tensor));
      }
    }
  }

  static WeightedGraph apply(WeightedGraph source) {
    return new FoldedWeights(source).run();
  }

  static boolean isFolded(WeightedGraph source) {
    FoldedWeights pass = new FoldedWeights(source);
    return source.isWhole() && source.graph().nodes().stream().noneMatch(pass::isMove);
  }

  private WeightedGraph run() {
    for (Node n : source.graph().nodes()) {
      if (isMove(n)) {
        views.put(n.output(), moved(n));
      } else {
        kept.add(n);
      }
    }
    Set<Value> read = new HashSet<>(source.graph().outputs());
    kept.forEach(n -> read.addAll(n.inputs()));
    Map<String, List<Value>> movedFrom = new HashMap<>();
    for (Node n : source.graph().nodes()) {
      StridedView view = views.get(n.output());
      if (view != null && read.contains(n.output())) {
        movedFrom.computeIfAbsent(view.name(), name -> new ArrayList<>()).add(n.output());
      }
    }
    return written(read, movedFrom);
  }

  /** The source in which what is read of the moved values are parameters, beside their sources. */
  private WeightedGraph written(Set<Value> read, Map<String, List<Value>> movedFrom) {
    List<Value> parameters = new ArrayList<>();
    Map<String, Tensor> values = new LinkedHashMap<>();
    Map<Value, Value> renamed = new HashMap<>();
    for (Value p : source.graph().parameters()) {
      Tensor stored = source.values().get(p.name());
      if (read.contains(p) && stored != null) {
        parameters.add(p);
        values.put(p.name(), stored);
      }
      for (Value moved : movedFrom.getOrDefault(p.name(), List.of())) {
        StridedView view = views.get(moved);
        if (view != null) {
          String name = view.isTransposedMatrix() ? p.name() + ".T" : moved.name();
          Value parameter = moved.named(name);
          renamed.put(moved, parameter);
          if (values.putIfAbsent(name, view.copy()) == null) {
            parameters.add(parameter);
          }
        }
      }
    }
    Graph g = source.graph();
    List<Node> nodes =
        kept.stream()
            .map(
                n ->
                    new Node(
                        n.op(),
                        n.inputs().stream().map(v -> renamed.getOrDefault(v, v)).toList(),
                        n.outputs(),
                        n.attributes()))
            .toList();
    return new WeightedGraph(
        new Graph(g.name(), g.inputs(), parameters, nodes, g.outputs()), values);
  }

  private boolean isMove(Node n) {
    return MOVES.contains(n.op())
        && views.containsKey(n.in(0))
        && n.output().shape().isFixed()
        && (n.op() != OpType.SLICE || n.sizes("starts").isFixed())
        && !source.graph().outputs().contains(n.output());
  }

  private StridedView moved(Node n) {
    StridedView from = views.get(n.in(0));
    if (from == null) {
      throw new IllegalStateException(n + " does not move a parameter");
    }
    if (n.op() == OpType.TRANSPOSE) {
      return from.transpose(n.ints("perm"));
    }
    if (n.op() != OpType.SLICE) {
      return from.withOnes(n.output().shape().fixed());
    }
    List<Long> axes = n.ints("axes");
    for (int i = 0; i < axes.size(); i++) {
      int axis = n.in(0).shape().axis(axes.get(i).intValue());
      long first = n.sizes("starts").dim(i).fixed();
      from = from.slice(axis, first, first + n.output().dim(axis).fixed());
    }
    return from;
  }
}
