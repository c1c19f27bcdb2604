package dev.filtrate.onnx;

import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A graph and its weights: what is exported, or frozen in a session.
 *
 * @param graph the computation
 * @param values the data of its parameters, by name; {@link #isWhole} says whether it is all
 */
public record WeightedGraph(Graph graph, Map<String, Tensor> values) {
  /** Copies the map. */
  public WeightedGraph {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /** The same data under another graph. */
  public WeightedGraph with(Graph other) {
    return new WeightedGraph(other, values);
  }

  /** Whether every parameter has data of its type and shape, and there is no other data. */
  public boolean isWhole() {
    for (Value p : graph.parameters()) {
      Tensor value = values.get(p.name());
      if (value == null || value.type() != p.type() || !value.shape().equals(p.shape())) {
        return false;
      }
    }
    return values.size() == graph.parameters().size();
  }
}
