package dev.filtrate.recipe;

/** Where the compared methods start from. */
public enum Start {
  /** All from the same fine-tuned student. */
  FAIR,
  /**
   * As the released scripts do: TED from the fine-tuned student, KD and LWD from the student before
   * fine-tuning (so that TED has seen more updates).
   */
  RELEASED
}
