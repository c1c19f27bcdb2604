package dev.filtrate.recipe;

import dev.filtrate.base.Check;

/**
 * The learning rate of every update: a pure function of the update's number, with the formulas of
 * transformers' {@code get_scheduler}.
 *
 * @param type its shape
 * @param learningRate the highest rate, above 0
 * @param warmupSteps updates over which the rate rises from 0; the first one has rate 0
 */
public record Schedule(SchedulerType type, double learningRate, int warmupSteps) {
  /** Where {@link SchedulerType#POLYNOMIAL} ends. */
  static final double POLYNOMIAL_END = 1e-7;

  /** Checks the numbers. */
  public Schedule {
    Check.argument(
        learningRate > 0 && Double.isFinite(learningRate), "learning rate %s", learningRate);
    Check.argument(warmupSteps >= 0, "warm-up of %d updates", warmupSteps);
  }

  /**
   * The rate of update {@code step} (from 0) out of {@code steps}; past the end it stays where it
   * ended.
   */
  public double rate(int step, int steps) {
    Check.argument(step >= 0 && steps >= 0, "update %d of %d", step, steps);
    if (type == SchedulerType.CONSTANT) {
      return learningRate;
    }
    if (step < warmupSteps) {
      return learningRate * step / warmupSteps;
    }
    double progress = Math.min(1, (double) (step - warmupSteps) / Math.max(1, steps - warmupSteps));
    return switch (type) {
      case CONSTANT, CONSTANT_WITH_WARMUP -> learningRate;
      case LINEAR -> learningRate * (1 - progress);
      case COSINE -> learningRate * halfCosine(progress);
      case COSINE_WITH_RESTARTS -> progress >= 1 ? 0 : learningRate * halfCosine(progress);
      case POLYNOMIAL -> (learningRate - POLYNOMIAL_END) * (1 - progress) + POLYNOMIAL_END;
    };
  }

  private static double halfCosine(double progress) {
    return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  }
}
