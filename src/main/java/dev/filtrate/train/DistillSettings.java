package dev.filtrate.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.model.Objective.Distillation;
import dev.filtrate.model.Objective.KlOver;

/**
 * How a student is distilled: a stage and the weights of its objective.
 *
 * @param stage how it trains
 * @param objective {@code L_task + kl_alpha · KL + mse_alpha · layer-wise MSE}
 */
public record DistillSettings(StageSettings stage, Distillation objective) {
  /** Released: no terms but the task's loss, temperature 2, padding counted. */
  static Distillation released(KlOver klOver) {
    return new Distillation(0, 0, 2, klOver, false);
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
            c.get("kl_over", Kind.choice(KlOver.class), b.klOver()),
            c.get("mse_mask_padding", Kind.FLAG, b.maskPadding())));
  }

  /** The same without the layer-wise term: KD. */
  DistillSettings withoutLayers() {
    return new DistillSettings(
        stage,
        new Distillation(
            objective.klAlpha(),
            0,
            objective.temperature(),
            objective.klOver(),
            objective.maskPadding()));
  }

  /** Writes all keys. */
  ObjectNode write() {
    ObjectNode all = stage.write();
    all.setAll(
        new Keys()
            .put("kl_alpha", objective.klAlpha())
            .put("mse_alpha", objective.mseAlpha())
            .put("temperature", objective.temperature())
            .put("kl_over", objective.klOver())
            .put("mse_mask_padding", objective.maskPadding())
            .object());
    return all;
  }
}
