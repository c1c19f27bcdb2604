package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.model.Objective.Distillation;
import dev.filtrate.model.Objective.Divergence;
import dev.filtrate.model.Objective.Reduction;

/**
 * How a student is distilled: a stage and the weights of its objective.
 *
 * @param stage how it trains
 * @param objective {@code L_task + kl_alpha · KL + mse_alpha · layer-wise MSE}
 * @param teacherDtype how the teacher computes
 * @param teacherCache where the teacher's outputs are kept, if anywhere
 */
public record DistillSettings(
    StageSettings stage,
    Distillation objective,
    FrozenDtype teacherDtype,
    FrozenCacheSettings teacherCache) {
  /** Released: no terms but the task's loss, temperature 2, padding counted. */
  static Distillation released(Divergence divergence) {
    return new Distillation(0, 0, 2, divergence, Reduction.MEAN, false, false);
  }

  /** Reads settings whose absent keys are those of {@code base}. */
  static DistillSettings read(Config c, DistillSettings base) {
    Distillation b = base.objective;
    return new DistillSettings(
        StageSettings.read(c, base.stage),
        new Distillation(
            c.get("kl_alpha", Kind.notNegative(), b.klAlpha()),
            c.get("mse_alpha", Kind.notNegative(), b.mseAlpha()),
            c.get("temperature", Kind.positive(), b.temperature()),
            divergence(c, b.divergence()),
            c.get("mse_reduction", Kind.choice(Reduction.class), b.reduction()),
            c.get("mse_mask_padding", Kind.FLAG, b.maskPadding()),
            c.get("kl_mask_padding", Kind.FLAG, b.klMaskPadding())),
        c.get("teacher_dtype", Kind.choice(FrozenDtype.class), base.teacherDtype),
        FrozenCacheSettings.read(c, base.teacherCache));
  }

  /** {@code regression_kl}: how a single score is compared with the teacher's. */
  private enum RegressionKl {
    /** As released. */
    BATCH,
    /** Score by score. */
    MSE
  }

  private static RegressionKl regressionKl(Divergence divergence) {
    return divergence == Divergence.MSE ? RegressionKl.MSE : RegressionKl.BATCH;
  }

  /** What the key says for scores; what the task says otherwise. */
  private static Divergence divergence(Config c, Divergence base) {
    RegressionKl said = c.get("regression_kl", Kind.choice(RegressionKl.class), regressionKl(base));
    if (base == Divergence.BATCH || base == Divergence.MSE) {
      return said == RegressionKl.MSE ? Divergence.MSE : Divergence.BATCH;
    }
    if (said == RegressionKl.MSE) {
      c.problem("regression_kl", "mse is for a single score (problem_type regression)");
    }
    return base;
  }

  /** The same without the layer-wise term: KD. */
  DistillSettings withoutLayers() {
    return new DistillSettings(stage, objective.withoutLayers(), teacherDtype, teacherCache);
  }

  /** Writes all keys. */
  ObjectNode write() {
    ObjectNode all = stage.write();
    Keys keys =
        new Keys()
            .put("kl_alpha", objective.klAlpha())
            .put("mse_alpha", objective.mseAlpha())
            .put("temperature", objective.temperature())
            .put("regression_kl", regressionKl(objective.divergence()))
            .put("mse_reduction", objective.reduction())
            .put("mse_mask_padding", objective.maskPadding())
            .put("kl_mask_padding", objective.klMaskPadding())
            .put("teacher_dtype", teacherDtype);
    teacherCache.write(keys);
    all.setAll(keys.object());
    return all;
  }
}
