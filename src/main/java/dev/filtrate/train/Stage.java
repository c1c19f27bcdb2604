package dev.filtrate.train;

import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Model;
import dev.filtrate.model.Objective;
import dev.filtrate.recipe.FilterSettings;
import dev.filtrate.recipe.FrozenCacheSettings;
import dev.filtrate.recipe.FrozenDtype;
import dev.filtrate.recipe.StageSettings;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * A stage is data: fine-tuning, filter learning, TED, LWD and KD differ in what follows, and in
 * nothing else.
 *
 * @param name its place in the run's folder, such as {@code student/finetuned}
 * @param model what learns, with the dropout and the filters that the stage has
 * @param objective what it minimises
 * @param trained which parameters learn; the others are frozen
 * @param frozen the model whose outputs its gradients take, if any: the teacher, or in Stage I the
 *     model's own backbone where it has no dropout
 * @param settings how it trains
 */
record Stage(
    String name,
    Model model,
    Objective objective,
    Predicate<String> trained,
    Optional<Frozen> frozen,
    StageSettings settings) {
  /**
   * A frozen model at work.
   *
   * @param source the model and what of it is taken
   * @param weights its parameters, never written to
   * @param dtype how it computes
   * @param cache where its outputs are kept, if anywhere
   */
  record Frozen(
      StageGraphs.Source source,
      Map<String, Tensor> weights,
      FrozenDtype dtype,
      FrozenCacheSettings cache) {
    Frozen(StageGraphs.Source source, Map<String, Tensor> weights) {
      this(source, weights, FrozenDtype.FLOAT32, FrozenCacheSettings.NONE);
    }

    Frozen with(FrozenDtype other) {
      return new Frozen(source, weights, other, cache);
    }

    Frozen with(FrozenCacheSettings other) {
      return new Frozen(source, weights, dtype, other);
    }
  }

  /** Fine-tuning: everything learns the task. */
  static Stage finetune(String name, Model model, StageSettings settings) {
    return new Stage(
        name, model.withoutFilters(), Objective.task(), n -> true, Optional.empty(), settings);
  }

  /** Stage I: the filters, with poolers and heads of their own, learn the task. */
  static Stage learnFilters(String name, Model model, StageSettings settings) {
    return new Stage(
        name, model, Objective.filterTask(), Filters::owns, Optional.empty(), settings);
  }

  /** Stage I of a model with these weights, its backbone's dropout as the settings say. */
  static Stage learnFilters(
      String name,
      Model model,
      Map<String, Tensor> weights,
      FilterSettings filters,
      StageSettings settings) {
    Stage stage = learnFilters(name, model, settings);
    return filters.frozenDropout() ? stage : stage.onFrozenBackbone(weights, filters.frozenCache());
  }

  /**
   * Stage I without the dropout of the frozen backbone, which then says the same of a text at every
   * time: it runs as the teacher of Stage II does.
   */
  Stage onFrozenBackbone(Map<String, Tensor> weights, FrozenCacheSettings cache) {
    Model still = model.withoutEncoderDropout();
    Frozen backbone = new Frozen(new StageGraphs.Backbone(still), weights).with(cache);
    return new Stage(name, still, objective, trained, Optional.of(backbone), settings);
  }

  /** Stage II and the baselines: everything learns the task and the teacher. */
  static Stage distil(
      String name,
      Model student,
      Frozen teacher,
      Objective.Distillation weights,
      StageSettings settings) {
    return new Stage(
        name, student, Objective.distillation(weights), n -> true, Optional.of(teacher), settings);
  }

  /** Forward and backward in float32, with the dropout of the model. */
  Graph gradients() {
    return gradients(MixedPrecision.NO);
  }

  /** Forward and backward, with the dropout of the model. */
  Graph gradients(MixedPrecision precision) {
    return StageGraphs.gradients(
        name.replace('/', '_'), model, frozen.map(Frozen::source), objective, trained, precision);
  }

  /** The same stage for a model with these rows of its words' embeddings. */
  Stage with(WordRows rows) {
    return new Stage(name, rows.model(model), objective, trained, frozen, settings);
  }

  /** The same stage with its frozen model changed, if it has one. */
  Stage withFrozen(UnaryOperator<Frozen> change) {
    return new Stage(name, model, objective, trained, frozen.map(change), settings);
  }
}
