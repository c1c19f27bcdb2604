package dev.filtrate.export;

import dev.filtrate.base.Check;
import dev.filtrate.base.Randomness;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Model;
import dev.filtrate.model.Objective;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.Device;
import dev.filtrate.runtime.OnDeviceSession;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.runtime.TrainingSession;
import dev.filtrate.train.Engine;
import dev.filtrate.train.StageGraphs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds training artifacts against this project's own training: loaded by ONNX Runtime's training
 * API as a device would, they have the same losses, update after update. Our own session comes
 * first, so that only one of both is in memory.
 */
final class TrainingProof {
  /** How far losses of the size of 1 may differ. */
  static final double TOLERANCE = 1e-4;

  private static final int BATCH = 4;
  private static final int SHORTEST = 5;

  private final TrainingArtifacts artifacts;
  private final RuntimeOptions options;
  private final int updates;
  private final double rate;

  /** A proof of so many updates at a rate; it runs on the CPU. */
  TrainingProof(TrainingArtifacts artifacts, Engine engine, int updates, double rate) {
    this.artifacts = artifacts;
    this.options = engine.options().withDevice(Device.CPU);
    this.updates = updates;
    this.rate = rate;
  }

  /**
   * The largest difference between losses of both; throws {@link dev.filtrate.base.UserError} where
   * it is above {@value #TOLERANCE}, times the loss where that is above 1.
   */
  double check(Path folder) {
    List<Double> expected = ownLosses();
    List<Double> actual = losses(folder);
    double largest = 0;
    for (int i = 0; i < updates; i++) {
      double wanted = expected.get(i);
      double apart = Math.abs(wanted - actual.get(i));
      Check.user(
          apart <= TOLERANCE * Math.max(1, Math.abs(wanted)), // not so for NaN
          "%s: refused: in update %d the loss of ONNX Runtime's training API is %s, that of the"
              + " trained model's own training %s; check the model with 'filtrate evaluate'",
          folder,
          i + 1,
          actual.get(i),
          wanted);
      largest = Math.max(largest, apart);
    }
    return largest;
  }

  private List<Double> ownLosses() {
    List<Double> losses = new ArrayList<>();
    try (TrainingSession session =
        new Engine(Target.ORT, options)
            .training(
                StageGraphs.gradients("own", artifacts.model(), Objective.task(), p -> true, true),
                artifacts.settings().optimizer(),
                artifacts.weights().parameters())) {
      for (int update = 1; update <= updates; update++) {
        Float loss = session.accumulate(batch(update), Map.of(), update).read().get("loss");
        losses.add(loss == null ? Double.NaN : loss);
        session.step(rate, update);
      }
    }
    return losses;
  }

  private List<Double> losses(Path folder) {
    List<Double> losses = new ArrayList<>();
    try (OnDeviceSession session = OnDeviceSession.open(folder, options)) {
      for (int update = 1; update <= updates; update++) {
        losses.add(train(session, update));
        session.step(rate);
        session.resetGradients();
      }
    }
    return losses;
  }

  private double train(OnDeviceSession session, int update) {
    Tensor loss = session.train(batch(update), update).get("loss");
    return loss == null ? Double.NaN : loss.scalarValue();
  }

  /** Any ids with any labels, of another length in each update. */
  Map<String, Tensor> batch(int update) {
    Randomness random = Randomness.of(update, "export/training");
    Model model = artifacts.model();
    int length = Math.min(SHORTEST + update % 4, model.config().usualLength());
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (Value input : StageGraphs.evaluation("inputs", model).inputs()) {
      long[] dims =
          input.shape().dims().stream().mapToLong(d -> d.isFixed() ? d.fixed() : 0).toArray();
      dims[0] = BATCH;
      if (dims.length > 1 && dims[1] == 0) {
        dims[1] = length;
      }
      long[] values = new long[(int) Tensor.count(dims)];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            switch (input.name()) {
              case "input_ids" -> random.nextInt(model.config().common().vocabSize());
              case "attention_mask" -> i % length < length - i / length ? 1 : 0;
              case "token_type_ids" ->
                  random.nextInt(Math.max(1, model.config().common().typeVocabSize()));
              case "labels" ->
                  random.nextInt(input.type() == DType.INT64 ? model.config().numLabels() : 2);
              default -> random.nextInt(length); // a place in the text
            };
      }
      feeds.put(input.name(), tensor(input.type(), dims, values));
    }
    return feeds;
  }

  private static Tensor tensor(DType type, long[] dims, long[] values) {
    if (type == DType.INT64) {
      return Tensor.ofLongs(dims, values);
    }
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values[i];
    }
    return Tensor.ofFloats(dims, floats);
  }
}
