package dev.filtrate.train.verify;

import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.train.StageGraphs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.UnaryOperator;

/**
 * Training in double, without the runtime, the lowering or the optimizer's graph: gradients by the
 * oracle, AdamW by hand as PyTorch's documentation has it.
 */
final class DoubleTraining {
  /** Below this, a gradient is zero but for rounding. */
  private static final double NOISE = 1e-9;

  /**
   * How to train.
   *
   * @param rate the highest learning rate, reached after the warm-up
   * @param updates when the rate is 0 again
   */
  record Settings(
      double rate,
      double weightDecay,
      int warmupSteps,
      int updates,
      int accumulation,
      OptionalDouble clip) {
    double rate(int update) {
      return update < warmupSteps
          ? rate * update / Math.max(1, warmupSteps)
          : rate * Math.max(0, updates - update) / Math.max(1, updates - warmupSteps);
    }
  }

  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  private final Graph gradients;
  private final Settings settings;

  /** All parameters; the values of the trained ones change. */
  private final Map<String, DoubleTensor> parameters = new LinkedHashMap<>();

  private final List<Trained> trained = new ArrayList<>();

  /** A parameter that learns, and what AdamW keeps of it. */
  private static final class Trained {
    final String name;
    final DoubleTensor weight;
    final double[] gradient;
    final double[] moment1;
    final double[] moment2;

    /** The largest gradient that each entry had in any update. */
    final double[] most;

    Trained(String name, DoubleTensor weight) {
      this.name = name;
      this.weight = weight;
      gradient = new double[weight.size()];
      moment1 = new double[weight.size()];
      moment2 = new double[weight.size()];
      most = new double[weight.size()];
    }
  }

  DoubleTraining(Graph gradients, Map<String, Tensor> weights, Settings settings) {
    this.gradients = gradients;
    this.settings = settings;
    for (Value p : gradients.parameters()) {
      DoubleTensor weight = DoubleTensor.of(Objects.requireNonNull(weights.get(p.name())));
      parameters.put(p.name(), weight);
      if (gradients.output(StageGraphs.GRADIENT + p.name()).isPresent()) {
        trained.add(new Trained(p.name(), weight));
      }
    }
  }

  /** Everything that the gradients graph delivers for a batch, as the parameters are now. */
  Map<String, DoubleTensor> gradients(Map<String, DoubleTensor> batch, double scale) {
    Map<String, DoubleTensor> values = new LinkedHashMap<>(parameters);
    values.putAll(batch);
    values.put(StageGraphs.GRADIENT_SCALE, DoubleTensor.scalar(scale));
    return ReferenceEvaluator.run(gradients, values);
  }

  /**
   * Trains on these batches.
   *
   * @param teacher from a batch to the batch with a teacher's outputs
   * @return the scalars of every batch before its update
   */
  List<Map<String, Double>> train(
      List<Map<String, DoubleTensor>> batches, UnaryOperator<Map<String, DoubleTensor>> teacher) {
    List<Map<String, Double>> losses = new ArrayList<>();
    for (int i = 0; i < batches.size(); i++) {
      Map<String, DoubleTensor> outputs =
          gradients(teacher.apply(batches.get(i)), 1.0 / settings.accumulation());
      for (Trained p : trained) {
        DoubleTensor more = ReferenceEvaluator.get(outputs, StageGraphs.GRADIENT + p.name);
        for (int j = 0; j < p.gradient.length; j++) {
          p.gradient[j] += more.get(j);
        }
      }
      Map<String, Double> scalars = new LinkedHashMap<>();
      outputs.forEach(
          (name, value) -> {
            if (!name.startsWith(StageGraphs.GRADIENT)) {
              scalars.put(name, value.scalarValue());
            }
          });
      losses.add(scalars);
      if ((i + 1) % settings.accumulation() == 0) {
        update((i + 1) / settings.accumulation());
      }
    }
    return losses;
  }

  /** The update of a number, from 1. */
  private void update(int number) {
    double square = 0;
    for (Trained p : trained) {
      for (int i = 0; i < p.gradient.length; i++) {
        square += p.gradient[i] * p.gradient[i];
        p.most[i] = Math.max(p.most[i], Math.abs(p.gradient[i]));
      }
    }
    double norm = Math.sqrt(square);
    double clipping = Math.min(1, settings.clip().orElse(Double.MAX_VALUE) / (norm + 1e-6));
    for (Trained p : trained) {
      double decay = p.weight.rank() > 1 ? settings.weightDecay() : 0;
      for (int i = 0; i < p.gradient.length; i++) {
        double g = p.gradient[i] * clipping;
        p.moment1[i] = BETA1 * p.moment1[i] + (1 - BETA1) * g;
        p.moment2[i] = BETA2 * p.moment2[i] + (1 - BETA2) * g * g;
        double mean = p.moment1[i] / (1 - Math.pow(BETA1, number));
        double root = Math.sqrt(p.moment2[i] / (1 - Math.pow(BETA2, number)));
        double change = decay * p.weight.get(i) + mean / (root + EPSILON);
        p.weight.values()[i] -= settings.rate(number - 1) * change;
        p.gradient[i] = 0;
      }
    }
  }

  /**
   * The trained parameters as they are now. An entry whose gradient never was more than rounding is
   * NaN: Adam moves it by noise, so it is not to be compared.
   */
  Map<String, Tensor> end() {
    Map<String, Tensor> end = new LinkedHashMap<>();
    for (Trained p : trained) {
      double all = Arrays.stream(p.most).max().orElse(0);
      DoubleTensor marked = p.weight.map(x -> x);
      for (int i = 0; i < p.most.length; i++) {
        if (p.most[i] < NOISE && (p.most[i] > 0 || (all > 0 && all < NOISE))) {
          marked.values()[i] = Double.NaN;
        }
      }
      end.put(p.name, floats(marked));
    }
    return end;
  }

  /** The trained parameters as they are now, every entry. */
  Map<String, Tensor> trained() {
    Map<String, Tensor> now = new LinkedHashMap<>();
    trained.forEach(p -> now.put(p.name, floats(p.weight)));
    return now;
  }

  /** Rounded to float32. */
  static Tensor floats(DoubleTensor t) {
    float[] values = new float[t.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) t.get(i);
    }
    return Tensor.ofFloats(Arrays.stream(t.dims()).asLongStream().toArray(), values);
  }
}
