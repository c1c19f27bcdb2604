package dev.filtrate.train;

import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Model;
import dev.filtrate.model.Objective;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A stage is data: fine-tuning, filter learning, TED, LWD and KD differ in what follows, and in
 * nothing else.
 *
 * @param name its place in the run's folder, such as {@code student/finetuned}
 * @param model what learns, with the dropout and the filters that the stage has
 * @param objective what it minimises
 * @param trained which parameters learn; the others are frozen
 * @param teacher whom it imitates, if anybody
 * @param settings how it trains
 */
record Stage(
    String name,
    Model model,
    Objective objective,
    Predicate<String> trained,
    Optional<FrozenTeacher> teacher,
    StageSettings settings) {
  /**
   * A teacher at work.
   *
   * @param teacher its model and what of it is imitated
   * @param weights its parameters, never written to
   * @param cache where its outputs are kept, if anywhere
   */
  record FrozenTeacher(
      StageGraphs.Teacher teacher, Map<String, Tensor> weights, TeacherCacheSettings cache) {
    FrozenTeacher(StageGraphs.Teacher teacher, Map<String, Tensor> weights) {
      this(teacher, weights, TeacherCacheSettings.NONE);
    }

    FrozenTeacher with(TeacherCacheSettings other) {
      return new FrozenTeacher(teacher, weights, other);
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

  /** Stage II and the baselines: everything learns the task and the teacher. */
  static Stage distil(
      String name,
      Model student,
      FrozenTeacher teacher,
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
    return teacher
        .map(t -> StageGraphs.distillation(graphName(), model, t.teacher(), objective, precision))
        .orElseGet(
            () -> StageGraphs.gradients(graphName(), model, objective, trained, true, precision));
  }

  /** The same stage for a model with these rows of its words' embeddings. */
  Stage with(WordRows rows) {
    return new Stage(name, rows.model(model), objective, trained, teacher, settings);
  }

  /** The same stage with its teacher's outputs kept, if it has a teacher. */
  Stage with(TeacherCacheSettings cache) {
    return new Stage(name, model, objective, trained, teacher.map(t -> t.with(cache)), settings);
  }

  private String graphName() {
    return name.replace('/', '_');
  }
}
