package dev.filtrate.onnx;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The pass for targets without kernels in 16 bits: what computes there is put between casts and
 * computes in float32. Every value is rounded as before, so a mixed-precision graph gives on a CPU
 * what it gives on a GPU, but no faster.
 */
final class FloatIslands {
  /** What every runtime has in any type, because it only moves numbers. */
  private static final Set<OpType> ANY_TYPE =
      EnumSet.of(
          OpType.CAST,
          OpType.IDENTITY,
          OpType.RESHAPE,
          OpType.TRANSPOSE,
          OpType.SQUEEZE,
          OpType.UNSQUEEZE);

  private final GraphBuilder builder;

  private FloatIslands(Graph graph) {
    this.builder = GraphBuilder.rewriting(graph);
  }

  /** The graph with islands; one without values in 16 bits as it is. */
  static Graph of(Graph graph) {
    if (graph.nodes().stream().noneMatch(FloatIslands::isHalf)) {
      return graph;
    }
    FloatIslands pass = new FloatIslands(graph);
    graph.nodes().forEach(pass::take);
    return new Graph(
        graph.name(), graph.inputs(), graph.parameters(), pass.builder.nodes(), graph.outputs());
  }

  private static boolean isHalf(Node n) {
    return n.inputs().stream().anyMatch(FloatIslands::isHalf)
        || n.outputs().stream().anyMatch(FloatIslands::isHalf);
  }

  private static boolean isHalf(Value v) {
    return v.type() == DType.FLOAT16 || v.type() == DType.BFLOAT16;
  }

  private void take(Node n) {
    if (!isHalf(n) || ANY_TYPE.contains(n.op())) {
      builder.add(n);
      return;
    }
    List<Value> inputs = new ArrayList<>();
    for (Value v : n.inputs()) {
      inputs.add(isHalf(v) ? builder.ops().in(v.name()).cast(v, DType.FLOAT) : v);
    }
    List<Value> outputs = new ArrayList<>();
    List<Node> rounding = new ArrayList<>();
    for (Value v : n.outputs()) {
      if (isHalf(v)) {
        Value exact = new Value(v.name() + ".float32", DType.FLOAT, v.shape());
        Map<String, Attr> to = Map.of("to", new Attr.Int(v.type().onnx()));
        rounding.add(new Node(OpType.CAST, List.of(exact), List.of(v), to));
        outputs.add(exact);
      } else {
        outputs.add(v);
      }
    }
    builder.add(new Node(n.op(), inputs, outputs, n.attributes()));
    rounding.forEach(builder::add);
  }
}
