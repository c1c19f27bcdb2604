package dev.filtrate.weights;

import dev.filtrate.graph.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model's parameters and what is to be said about them.
 *
 * @param parameters float32, by name, in the order of the model's parameters; often views of mapped
 *     files, never to be written to
 * @param initialized parameters that the source does not have (or not in this shape) and that were
 *     made afresh
 * @param ignored tensors of the source that the model does not have
 */
public record LoadedWeights(
    Map<String, Tensor> parameters, List<String> initialized, List<String> ignored) {
  /** Copies the collections. */
  public LoadedWeights {
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    initialized = List.copyOf(initialized);
    ignored = List.copyOf(ignored);
  }

  /** What to tell the user, a line each; none when everything fitted. */
  public List<String> announcements() {
    List<String> lines = new ArrayList<>();
    if (!initialized.isEmpty()) {
      lines.add("initialised afresh: " + Names.some(initialized));
    }
    if (!ignored.isEmpty()) {
      lines.add("in the checkpoint but not used: " + Names.some(ignored));
    }
    return lines;
  }
}
