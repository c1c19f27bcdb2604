package dev.filtrate.train;

import dev.filtrate.base.UserError;
import dev.filtrate.data.Labels;
import dev.filtrate.data.TaskData;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.recipe.DistillSettings;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.ModelSettings;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Start;
import dev.filtrate.train.StageGraphs.TeacherStates;
import dev.filtrate.weights.Initialization;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A recipe's stages without weights or data, in the order in which {@link SeedRun} carries them
 * out: what {@link Plan} and {@link Bench} time and {@link #graphs} draws.
 */
public final class Outline {
  private final Recipe recipe;
  private final Optional<Model> teacher;
  private final Model student;

  /** The outline of a recipe, whose models must have configs. */
  public Outline(Recipe recipe) {
    this.recipe = recipe;
    boolean distils = recipe.compare().stream().anyMatch(Method::distils);
    this.teacher =
        distils ? Optional.of(model("teacher", recipe.teacherConfig())) : Optional.empty();
    this.student = model("student", recipe.studentConfig());
  }

  private Model model(String who, Optional<ModelConfig> config) {
    ModelConfig known =
        config.orElseThrow(
            () ->
                new UserError(
                    "recipe %s: %s.config is missing; without it the folder with the checkpoint must be there"
                        .formatted(recipe.name(), who)));
    ModelConfig labelled = labels().map(l -> RunData.config(known, l)).orElse(known);
    return new Model(labelled, recipe.head(), Optional.empty());
  }

  /** The task's labels, where it lists them or its training file is there. */
  private Optional<Labels> labels() {
    TaskSpec task = recipe.task();
    if (task == null) {
      return Optional.empty();
    }
    return task.knownLabels()
        .or(
            () ->
                Files.exists(task.trainFile())
                    ? Optional.of(TaskData.read(task, recipe.seeds().get(0)).labels())
                    : Optional.empty());
  }

  /** The teacher without filters, if a method distils. */
  Optional<Model> teacher() {
    return teacher;
  }

  /** The student without filters. */
  Model student() {
    return student;
  }

  /** Every stage; those that the recipe leaves out are not there. */
  List<Stage> stages() {
    List<Stage> stages = new ArrayList<>();
    List<Method> methods = recipe.compare();
    teacher.ifPresent(m -> finetune("teacher", m, recipe.teacher()).ifPresent(stages::add));
    if (recipe.start() == Start.FAIR
        || methods.contains(Method.TED)
        || methods.contains(Method.FINETUNED)) {
      finetune("student", student, recipe.student()).ifPresent(stages::add);
    }
    for (Method method : methods) {
      if (method == Method.TED) {
        filters("teacher", taught(), recipe.teacher()).ifPresent(stages::add);
        filters("student", learning(), recipe.student()).ifPresent(stages::add);
      }
      if (method.distils()) {
        stages.add(distil(method));
      }
    }
    return stages;
  }

  private Optional<Stage> finetune(String who, Model model, ModelSettings settings) {
    return settings.finetune().isSkipped()
        ? Optional.empty()
        : Optional.of(
            Stage.finetune(
                RunLayout.Seed.finetuned(who),
                settings.finetune().dropouts().applyTo(model),
                settings.finetune()));
  }

  private Optional<Stage> filters(String who, Model model, ModelSettings settings) {
    return settings.learnFilters().isSkipped()
        ? Optional.empty()
        : Optional.of(
            Stage.learnFilters(
                RunLayout.Seed.filters(who),
                settings.learnFilters().dropouts().applyTo(model),
                Map.of(),
                recipe.filters(),
                settings.learnFilters()));
  }

  private Model taught() {
    Model m = teacher.orElseThrow();
    return m.with(recipe.filters().teacher(m.config().hiddenSize()));
  }

  private Model learning() {
    return student.with(recipe.filters().student(teacher.orElseThrow().config().hiddenSize()));
  }

  /** Stage II of a method. */
  Stage distil(Method method) {
    Model plain =
        teacher.orElseThrow(
            () -> UserError.of("recipe %s compares nothing that needs a teacher", recipe.name()));
    int interval = recipe.filters().teacherFilterInterval();
    Filters projections = recipe.filters().projections(plain.config().hiddenSize());
    StageGraphs.Teacher imitated =
        switch (method) {
          case TED -> new StageGraphs.Teacher(taught(), TeacherStates.FILTERED, interval);
          case LWD -> new StageGraphs.Teacher(plain, TeacherStates.HIDDEN, interval);
          case KD, FINETUNED -> new StageGraphs.Teacher(plain, TeacherStates.NONE, interval);
        };
    Model learner =
        switch (method) {
          case TED -> learning();
          case LWD -> student.with(projections);
          case KD, FINETUNED -> student;
        };
    DistillSettings settings = recipe.settings(method);
    return Stage.distil(
        method.id(),
        settings.stage().dropouts().applyTo(learner),
        new Stage.Frozen(imitated, Map.of()).with(settings.teacherDtype()),
        settings.objective(),
        settings.stage());
  }

  /** Random weights for all that a stage may ask of a frozen model. */
  static Map<String, Tensor> random(StageGraphs.Source frozen) {
    return random(frozen.model(), StageGraphs.frozen("random", frozen).parameters());
  }

  /** Random weights for parameters of a model. */
  static Map<String, Tensor> random(Model model, List<Value> parameters) {
    return Initialization.of(model.config(), 0).initialize(parameters);
  }

  /**
   * Every graph of a run by name, in its precision: gradients and update of each stage, each
   * teacher, teacher and student joined (in float32), and the inference graphs.
   */
  public Map<String, Graph> graphs() {
    Map<String, Graph> graphs = new LinkedHashMap<>();
    Engine engine = Run.engine(recipe);
    for (Stage stage : stages()) {
      String name = stage.name().replace('/', '_');
      Graph gradients = stage.gradients(recipe.mixedPrecision());
      graphs.put(name + "_gradients", gradients);
      graphs.put(
          name + "_update",
          engine.update(name + "_update", stage.settings().optimizer(), gradients));
      stage
          .frozen()
          .map(Stage.Frozen::source)
          .ifPresent(
              source -> {
                String frozen = name + "_" + source.role();
                graphs.put(
                    frozen,
                    recipe.mixedPrecision().applyTo(StageGraphs.frozen(frozen, source, gradients)));
                if (source instanceof StageGraphs.Teacher teacher) {
                  graphs.put(
                      name + "_joined",
                      StageGraphs.joined(
                          name + "_joined", stage.model(), teacher, stage.objective()));
                }
              });
    }
    teacher.ifPresent(
        m -> graphs.put("teacher_inference", engine.inference("teacher_inference", m)));
    graphs.put("student_inference", engine.inference("student_inference", student));
    return graphs;
  }
}
