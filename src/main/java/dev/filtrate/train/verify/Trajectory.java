package dev.filtrate.train.verify;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.DeviceTensors;
import dev.filtrate.runtime.TrainingSession;
import dev.filtrate.train.Engine;
import dev.filtrate.train.StageGraphs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A stage of a case, trained on the stored batches.
 *
 * @param gradients forward and backward
 * @param weights all parameters at the start
 * @param settings optimizer, rates, accumulation
 * @param frozen the model whose outputs the gradients take, if any
 */
record Trajectory(
    Graph gradients,
    Map<String, Tensor> weights,
    CourseSettings settings,
    Optional<Frozen> frozen) {
  /**
   * A frozen model in a session of its own.
   *
   * @param graph delivers what the gradients take
   * @param weights its parameters
   */
  record Frozen(Graph graph, Map<String, Tensor> weights) {}

  /**
   * What a trajectory was.
   *
   * @param losses every scalar of every batch, before the batch's update
   * @param parameters the trained ones at the end
   */
  record Trace(List<Map<String, Float>> losses, Map<String, Tensor> parameters) {
    /** One scalar over the steps. */
    List<Double> losses(String term) {
      return losses.stream().map(l -> (double) l.getOrDefault(term, Float.NaN)).toList();
    }
  }

  /**
   * A batch's forward and backward pass.
   *
   * @param losses every scalar
   * @param gradients by parameter
   */
  record Step(Map<String, Float> losses, Map<String, Tensor> gradients) {}

  /** Checks that nothing is left to chance; {@code where} is the model's folder. */
  Trajectory requireRepeatable(Object where) {
    Check.user(
        gradients.nodes().stream().noneMatch(n -> n.op() == OpType.DROPOUT),
        "%s: config.json: expected every dropout to be 0, as in a reference case",
        where);
    return this;
  }

  /** Trains on these batches, as many micro-batches to an update as the settings say. */
  Trace run(Engine engine, List<CaseBatch> batches) {
    Frozen model = frozen.orElse(null);
    if (model == null) {
      return run(engine, null, batches);
    }
    try (ComputeSession session = engine.frozen(model.graph(), model.weights())) {
      return run(engine, session, batches);
    }
  }

  private Trace run(Engine engine, @Nullable ComputeSession frozen, List<CaseBatch> batches) {
    List<Map<String, Float>> losses = new ArrayList<>();
    try (TrainingSession session = engine.training(gradients, settings.optimizer(), weights)) {
      int updates = 0;
      for (int i = 0; i < batches.size(); i++) {
        losses.add(accumulate(session, frozen, batches.get(i), settings.accumulation()));
        if ((i + 1) % settings.accumulation() == 0) {
          double rate = settings.schedule().rate(updates, settings.updates());
          updates++;
          session.step(rate, updates);
        }
      }
      Map<String, Tensor> trained = new LinkedHashMap<>();
      for (String p : session.gradients().names()) {
        trained.put(p, session.parameters().get(p).download());
      }
      return new Trace(losses, trained);
    }
  }

  /** Forward and backward of one batch at the start. */
  Step first(Engine engine, CaseBatch batch) {
    try (TrainingSession session = engine.training(gradients, settings.optimizer(), weights)) {
      Map<String, Float> losses = accumulate(session, null, batch, 1);
      return new Step(losses, session.gradients().download());
    }
  }

  private Map<String, Float> accumulate(
      TrainingSession session, @Nullable ComputeSession frozen, CaseBatch batch, int accumulation) {
    List<String> inputs = gradients.inputs().stream().map(Value::name).toList();
    Map<String, Tensor> feeds = batch.feeds(inputs);
    feeds.put(StageGraphs.GRADIENT_SCALE, Tensor.scalar(1f / accumulation));
    try (DeviceTensors outputs =
        frozen == null ? DeviceTensors.empty() : frozen.runOnDevice(batch.feeds(frozen.inputs()))) {
      return session.accumulate(feeds, outputs.asMap(), 0).read();
    }
  }
}
