package dev.filtrate.weights;

import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.ModelInputs;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The parameters of a model's graph. */
final class Parameters {
  private Parameters() {}

  /** Of a model without filters. */
  static List<Value> of(ModelConfig config, Head head) {
    return of(new Model(config, head, Optional.empty()));
  }

  /** Of a classifier with filters, and with Stage I's heads. */
  static List<Value> withFilters(ModelConfig config, int interval, int width, boolean nonlinear) {
    Filters filters = new Filters(interval, width, nonlinear);
    return of(new Model(config, Head.SEQUENCE_CLASSIFICATION, Optional.of(filters)));
  }

  private static List<Value> of(Model model) {
    GraphBuilder g = new GraphBuilder();
    Model.Outputs out = model.emit(g, ModelInputs.declare(g, model.config()), false);
    Map<String, Value> outputs = new LinkedHashMap<>(out.logits());
    for (int k = 0; k < out.filterLogits().size(); k++) {
      String suffix = "." + k;
      out.filterLogits().get(k).forEach((name, value) -> outputs.put(name + suffix, value));
    }
    return g.build("model", outputs).parameters();
  }
}
