package dev.filtrate.recipe;

import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import java.util.OptionalDouble;

/**
 * Dropout ratios that replace those of a model's config; empty = the config's own.
 *
 * @param cls before the classifier ({@code cls_dropout})
 * @param hidden after embeddings and dense layers ({@code hidn_dropout})
 * @param attention on attention probabilities ({@code att_dropout})
 */
public record Dropouts(OptionalDouble cls, OptionalDouble hidden, OptionalDouble attention) {
  /** The config's own. */
  public static final Dropouts OF_CONFIG =
      new Dropouts(OptionalDouble.empty(), OptionalDouble.empty(), OptionalDouble.empty());

  /** The model with these ratios. */
  public Model applyTo(Model model) {
    ModelConfig config =
        model
            .config()
            .withDropout(
                cls.orElse(Double.NaN), hidden.orElse(Double.NaN), attention.orElse(Double.NaN));
    return new Model(config, model.head(), model.filters());
  }
}
