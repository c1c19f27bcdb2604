package dev.filtrate.export;

import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A graph on its way out.
 *
 * @param graph the computation
 * @param values the data of its parameters, by name
 */
record Draft(Graph graph, Map<String, Tensor> values) {
  /** Copies the map. */
  Draft {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /** The same data under another graph. */
  Draft with(Graph other) {
    return new Draft(other, values);
  }

  /** Whether every parameter has data of its type and shape, and there is no other data. */
  boolean isWhole() {
    for (Value p : graph.parameters()) {
      Tensor value = values.get(p.name());
      if (value == null || value.type() != p.type() || !value.shape().equals(p.shape())) {
        return false;
      }
    }
    return values.size() == graph.parameters().size();
  }
}
