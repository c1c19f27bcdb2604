package dev.filtrate.train.verify;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.weights.LoadedWeights;
import dev.filtrate.weights.ModelFolder;
import dev.filtrate.weights.WeightLoading;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model of a case, without filters, with all its parameters.
 *
 * @param folder where it is
 * @param model encoder and head
 * @param weights by name
 */
record CaseModel(Path folder, Model model, Map<String, Tensor> weights) {
  /** Reads a model; unlike training, proof has no use for a head that was made afresh. */
  static CaseModel read(ModelFolder folder, Head head) {
    Model model = new Model(folder.config(), head, Optional.empty());
    List<Value> parameters = StageGraphs.inference("parameters", model).parameters();
    LoadedWeights loaded = WeightLoading.of(folder.config(), 0).load(folder, parameters);
    Check.user(
        loaded.initialized().isEmpty(),
        "%s: model.safetensors: expected all parameters of the model, missing are %s",
        folder.path(),
        loaded.initialized());
    return new CaseModel(folder.path(), model, loaded.parameters());
  }
}
