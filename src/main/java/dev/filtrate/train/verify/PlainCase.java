package dev.filtrate.train.verify;

import dev.filtrate.base.Check;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.DebertaV2Config;
import dev.filtrate.model.Head;
import dev.filtrate.model.Objective;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.Engine;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.weights.ModelFolder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.IntPredicate;

/**
 * A model fine-tuned on its task: hidden states, logits, loss, gradients, trajectory.
 *
 * @param name the folder's
 * @param model the model at the start
 * @param batch the one that the reference is for
 * @param reference hidden states, logits, loss and gradients
 * @param batches those of the trajectory
 * @param settings of the trajectory
 * @param losses before each update
 * @param end the parameters after the last update
 */
record PlainCase(
    String name,
    CaseModel model,
    CaseBatch batch,
    CaseFile reference,
    List<CaseBatch> batches,
    CourseSettings settings,
    List<Double> losses,
    CaseFile end)
    implements ReferenceCase {
  private static final String GRADIENT = "grad.";
  private static final String HIDDEN = "hidden_states.";

  static PlainCase read(Path folder) {
    ModelFolder modelFolder = ModelFolder.open(folder);
    CaseFile reference = CaseFile.open(folder.resolve("reference.safetensors"));
    CaseBatch batch = new CaseBatch(reference.tensors(), reference.path().toString());
    Head head = batch.head();
    CaseModel model = CaseModel.read(modelFolder, head);
    CaseJson json = CaseJson.read(folder.resolve("trajectory.json"));
    List<Double> losses = json.numbers("loss");
    List<CaseBatch> batches =
        CaseBatch.readAll(CaseFile.open(folder.resolve("batches.safetensors")), losses.size());
    batch.check(modelFolder.config(), head);
    batches.forEach(b -> b.check(modelFolder.config(), head));
    return new PlainCase(
        folder.toAbsolutePath().normalize().getFileName().toString(),
        model,
        batch,
        reference,
        batches,
        CourseSettings.read(json),
        losses,
        CaseFile.open(folder.resolve("final.safetensors")));
  }

  @Override
  public List<Quantity> compare(Engine engine) {
    Graph gradients =
        StageGraphs.gradients("gradients", model.model(), Objective.task(), p -> true, true);
    Trajectory trajectory =
        new Trajectory(gradients, model.weights(), settings, Optional.empty())
            .requireRepeatable(model.folder());
    Comparison comparison = new Comparison();
    compareStates(engine, comparison);
    compareGradients(engine, trajectory, comparison);
    Trajectory.Trace trace = trajectory.run(engine, batches);
    comparison.losses("trajectory: loss", losses, trace.losses("loss"));
    end.compareParameters("final: ", trace.parameters(), model.weights(), comparison);
    return comparison.quantities();
  }

  /** The forward pass as inference does it, on frozen weights. */
  private void compareStates(Engine engine, Comparison comparison) {
    Graph states = StageGraphs.states("states", model.model());
    Map<String, Tensor> outputs;
    try (ComputeSession session = engine.frozen(states, model.weights())) {
      outputs = session.run(batch.feeds(session.inputs()));
    }
    IntPredicate counts = countedEntries();
    List<String> order = new ArrayList<>(outputs.keySet());
    order.sort(Comparator.comparing(output -> !output.startsWith(HIDDEN))); // stable
    for (String output : order) {
      Tensor actual = Objects.requireNonNull(outputs.get(output));
      Tensor expected = reference.floats(output, actual.dims());
      comparison.state(output, expected, actual, output.startsWith(HIDDEN) ? counts : i -> true);
    }
  }

  /**
   * Which entries of a hidden state count: DeBERTa's all; of other models, whose padded queries
   * attend to the tokens, only those at tokens.
   */
  private IntPredicate countedEntries() {
    int width = model.model().config().hiddenSize();
    return model.model().config() instanceof DebertaV2Config
        ? i -> true
        : i -> batch.isToken(i / width);
  }

  /** A parameter without gradient, on either side, is one whose gradient is zero. */
  private void compareGradients(Engine engine, Trajectory trajectory, Comparison comparison) {
    Trajectory.Step step = trajectory.first(engine, batch);
    comparison.loss(
        "loss",
        reference.floats("loss").scalarValue(),
        step.losses().getOrDefault("loss", Float.NaN));
    TreeSet<String> names = new TreeSet<>(step.gradients().keySet());
    for (String stored : reference.names()) {
      if (stored.startsWith(GRADIENT)) {
        names.add(stored.substring(GRADIENT.length()));
      }
    }
    for (String p : names) {
      Tensor parameter = model.weights().get(p);
      Check.user(
          parameter != null,
          "%s: '%s%s': the model has no such parameter",
          reference.path(),
          GRADIENT,
          p);
      long[] dims = Objects.requireNonNull(parameter).dims();
      Tensor zeros = Tensor.zeros(DType.FLOAT, dims);
      Tensor expected =
          reference.names().contains(GRADIENT + p) ? reference.floats(GRADIENT + p, dims) : zeros;
      comparison.gradient(GRADIENT + p, expected, step.gradients().getOrDefault(p, zeros));
    }
  }
}
