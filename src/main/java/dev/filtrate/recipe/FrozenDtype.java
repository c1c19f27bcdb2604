package dev.filtrate.recipe;

/** How a frozen model computes. */
public enum FrozenDtype {
  /** As it was trained, or in the run's mixed precision. */
  FLOAT32,
  /** With the factors of its products rounded to bfloat16: two to three digits. */
  BFLOAT16,
  /**
   * In products of bytes, with a scale for each column of a weight and one for each product's other
   * factor, whose range is that of the whole batch: about two digits, and a text's outputs depend a
   * little on the texts beside it.
   */
  INT8
}
