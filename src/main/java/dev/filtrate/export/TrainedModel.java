package dev.filtrate.export;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Graph;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.train.Weights;
import dev.filtrate.weights.LoadedWeights;
import dev.filtrate.weights.ModelFolder;
import dev.filtrate.weights.WeightLoading;
import java.nio.file.Path;
import java.util.Optional;

/** Reads a finished model: nothing may be missing, not even the head. */
final class TrainedModel {
  private TrainedModel() {}

  /**
   * The model of a Hugging Face folder, without filters. What the folder lacks is a {@link
   * UserError}.
   */
  static Weights read(Path folder) {
    ModelFolder files = ModelFolder.open(folder);
    Model model = new Model(files.config(), head(files), Optional.empty());
    Graph graph = StageGraphs.inference("student", model);
    LoadedWeights loaded = WeightLoading.of(files.config(), 0).load(files, graph.parameters());
    Check.user(
        loaded.initialized().isEmpty(),
        "%s: holds no trained head: %s missing; fine-tune or distil the model first",
        folder,
        String.join(", ", loaded.initialized())
            + (loaded.initialized().size() > 1 ? " are" : " is"));
    return new Weights(model, loaded.parameters());
  }

  /** What sits on the encoder, as the weights tell. */
  private static Head head(ModelFolder files) {
    return files.tensors().containsKey("qa_outputs.weight")
        ? Head.QUESTION_ANSWERING
        : Head.SEQUENCE_CLASSIFICATION;
  }
}
