package dev.filtrate.recipe;

/** The shapes of {@code lr_scheduler_type}, as in transformers' {@code get_scheduler}. */
public enum SchedulerType {
  /** Down to 0 in a straight line. */
  LINEAR,
  /** Down to 0 along half a cosine. */
  COSINE,
  /** As {@link #COSINE}, with one cycle, as transformers' default has it. */
  COSINE_WITH_RESTARTS,
  /** Down to 1e-7 in a straight line (a polynomial of power 1, transformers' default). */
  POLYNOMIAL,
  /** The same rate throughout, without warm-up. */
  CONSTANT,
  /** The same rate after the warm-up. */
  CONSTANT_WITH_WARMUP
}
