package dev.filtrate.recipe;

/** What a recipe is read for; decides what it must hold. */
public enum Use {
  /** All stages. */
  RUN(true, true, true),
  /** All stages, described but not run: files need not be there. */
  PLAN(true, true, false),
  /** Fine-tuning of one model, the student. */
  FINETUNE(true, false, true),
  /** Filter learning of one model, the student. */
  LEARN_FILTERS(true, false, true),
  /** One method of distillation. */
  DISTILL(true, true, true),
  /** The task's metrics of one model, the student. */
  EVALUATE(true, false, true),
  /** Answers of one model, the student; no task needed. */
  PREDICT(false, false, true),
  /** The inference graph of one model, the student; proven on the task where there is one. */
  EXPORT(false, false, true);

  private final boolean task;
  private final boolean distils;
  private final boolean files;

  Use(boolean task, boolean distils, boolean files) {
    this.task = task;
    this.distils = distils;
    this.files = files;
  }

  /** How it is called: {@code learn-filters}. */
  String id() {
    return Kind.spelling(this).replace('_', '-');
  }

  /** Whether a task is needed. */
  boolean needsTask() {
    return task;
  }

  /** Whether methods are compared or carried out, which may need a teacher. */
  boolean distils() {
    return distils;
  }

  /** Whether the files that are named must be there. */
  boolean needsFiles() {
    return files;
  }

  /** Whether the student must be a model with weights, not only a config. */
  boolean needsWeights() {
    return this == EVALUATE || this == PREDICT || this == EXPORT;
  }
}
