package dev.filtrate.export;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.AdamW;
import dev.filtrate.model.Model;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.Target;
import dev.filtrate.onnx.TrainingCheckpoint;
import dev.filtrate.onnx.TrainingModels;
import dev.filtrate.recipe.StageSettings;
import dev.filtrate.runtime.OnDeviceSession.Artifact;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.train.Weights;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What ONNX Runtime's training API needs to train a student on, on any device: training, eval and
 * optimizer model and a checkpoint, in the folder {@value #FOLDER} of an export. The eval model has
 * standard operators only, so that what the API makes of it for inference runs everywhere.
 *
 * @param weights the trained model; filters are left out
 * @param settings of the fine-tuning: optimizer, dropout, the rate that the checkpoint recommends
 */
record TrainingArtifacts(Weights weights, StageSettings settings) {
  static final String FOLDER = "training";

  /** Property of the checkpoint: the highest rate, as the API's own default is too high. */
  static final String LEARNING_RATE = "learning_rate";

  TrainingArtifacts {
    requireDevice(settings.optimizer());
  }

  /** Throws {@link dev.filtrate.base.UserError} for an optimizer that the API does not have. */
  static void requireDevice(AdamW optimizer) {
    Check.user(
        optimizer.weightDecay() == 0,
        "student.finetune.weight_decay: is %s, but the training API's AdamW would also decay biases"
            + " and norms; set it to 0 for --training_artifacts",
        optimizer.weightDecay());
  }

  /** The model with the dropout that it trains with. */
  Model model() {
    return settings.dropouts().applyTo(weights.model().withoutFilters());
  }

  /**
   * Writes the four files.
   *
   * @param facts of where the student comes from: metadata of the models, properties of the
   *     checkpoint
   */
  void write(Path folder, Map<String, String> facts) {
    Graph training = named(StageGraphs.training("training", model()));
    Graph eval = named(StageGraphs.evaluation("eval", model()));
    Check.state(
        eval.inputs().equals(training.inputs()) && eval.parameters().equals(training.parameters()),
        "training and eval model take different inputs: %s, %s",
        training.inputs(),
        eval.inputs());
    TrainingModels.writeTraining(
        Artifact.TRAINING.in(folder), Lowering.toOnnx(training, Target.ORT, DeviceKind.CPU), facts);
    TrainingModels.writeEval(
        Artifact.EVALUATION.in(folder),
        Lowering.toOnnx(eval, Target.PORTABLE, DeviceKind.CPU),
        facts);
    TrainingModels.writeOptimizer(Artifact.OPTIMIZER.in(folder), settings.optimizer(), facts);
    Map<String, Tensor> trained = new LinkedHashMap<>();
    for (Value p : training.parameters()) {
      Tensor value = weights.parameters().get(p.name());
      Check.state(value != null, "no weights of %s", p);
      trained.put(p.name(), value);
    }
    Map<String, Comparable<?>> properties = new TreeMap<>(facts);
    properties.put(LEARNING_RATE, (float) settings.schedule().learningRate());
    TrainingCheckpoint.write(Artifact.CHECKPOINT.in(folder), trained, Map.of(), properties);
  }

  private static Graph named(Graph graph) {
    return RenamedDims.apply(graph, ExportPasses.DIMS);
  }
}
