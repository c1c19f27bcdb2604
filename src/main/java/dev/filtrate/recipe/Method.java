package dev.filtrate.recipe;

/** The ways to a student that a run can compare. */
public enum Method {
  /** Fine-tuning alone: no teacher. */
  FINETUNED(false),
  /** Knowledge distillation: the teacher's logits. */
  KD(false),
  /** Layer-wise distillation: the teacher's hidden states, through fresh projections. */
  LWD(true),
  /** Task-aware layer-wise distillation: hidden states through filters that the task taught. */
  TED(true);

  private final boolean layerwise;

  Method(boolean layerwise) {
    this.layerwise = layerwise;
  }

  /** Whether a teacher is needed. */
  public boolean distils() {
    return this != FINETUNED;
  }

  /** Whether layers are compared, so that the student has filters. */
  public boolean isLayerwise() {
    return layerwise;
  }

  /** The spelling in recipes and the name of its folder in a run: {@code ted}. */
  public String id() {
    return Kind.spelling(this);
  }
}
