package dev.filtrate.train;

import dev.filtrate.base.UserError;
import dev.filtrate.data.TaskData;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.train.StageGraphs.TeacherStates;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * What a recipe will take, before hours are spent: its stages with their updates, and the seconds
 * of each from a few steps on random weights. Checkpoints need not be there; without the training
 * file the number of updates stays unknown.
 *
 * @param stages in their order, of one seed
 * @param seeds how often they are done
 * @param trainingExamples of the task, where its files are there
 * @param length tokens of an example that were timed: the recipe's longest
 * @param teacherParameters of the teacher, without filters; 0 = no teacher
 * @param studentParameters of the student, without filters
 * @param peakResidentBytes the largest resident set while timing
 * @param missing folders that the recipe names and that are not there
 */
public record Plan(
    List<PlannedStage> stages,
    int seeds,
    OptionalInt trainingExamples,
    int length,
    long teacherParameters,
    long studentParameters,
    long peakResidentBytes,
    List<Path> missing) {
  private static final int WARM_UP = 1;
  private static final int STEPS = 2;

  /**
   * A stage to come.
   *
   * @param name its place in the run's folder
   * @param trained how many parameters learn
   * @param updates how many; empty = unknown without the data
   * @param secondsPerUpdate measured, at the longest length
   */
  public record PlannedStage(
      String name, long trained, OptionalInt updates, double secondsPerUpdate) {
    /** The estimated time; NaN where the updates are unknown. */
    public double seconds() {
      return updates.isPresent() ? updates.getAsInt() * secondsPerUpdate : Double.NaN;
    }
  }

  /** Copies the lists. */
  public Plan {
    stages = List.copyOf(stages);
    missing = List.copyOf(missing);
  }

  /** The estimated time of everything; NaN where the updates are unknown. */
  public double seconds() {
    return seeds * stages.stream().mapToDouble(PlannedStage::seconds).sum();
  }

  /** Times a recipe's stages; {@code note} is told what is going on. */
  public static Plan of(Recipe recipe, Consumer<String> note) {
    OptionalInt examples = trainingExamples(recipe.requireTask(), recipe.seeds().get(0));
    List<PlannedStage> planned = new ArrayList<>();
    for (Planned stage : stages(recipe)) {
      note.accept("timing " + stage.stage().name());
      planned.add(plan(recipe, stage, examples));
    }
    return new Plan(
        planned,
        recipe.seeds().size(),
        examples,
        recipe.tokenizer().maxLength(),
        distils(recipe) ? teacher(recipe).count() : 0,
        student(recipe).count(),
        Bench.peakResidentBytes(),
        missing(recipe));
  }

  private static OptionalInt trainingExamples(TaskSpec task, long seed) {
    return Files.exists(task.trainFile())
        ? OptionalInt.of(TaskData.read(task, seed).train().size())
        : OptionalInt.empty();
  }

  private static List<Path> missing(Recipe recipe) {
    List<Path> missing = new ArrayList<>();
    for (Path folder : new Path[] {recipe.teacher().folder(), recipe.student().folder()}) {
      if (folder != null && !Files.isDirectory(folder)) {
        missing.add(folder);
      }
    }
    if (!Files.exists(recipe.requireTask().trainFile())) {
      missing.add(recipe.requireTask().trainFile());
    }
    recipe.tokenizerPath().filter(path -> !Files.exists(path)).ifPresent(missing::add);
    return missing.stream().distinct().toList();
  }

  /** A stage with the weights that it is timed on. */
  private record Planned(Stage stage, Weights weights) {}

  private static PlannedStage plan(Recipe recipe, Planned planned, OptionalInt examples) {
    Stage stage = planned.stage();
    StageSettings settings = stage.settings();
    StepTimer timer =
        new StepTimer(
            Run.engine(recipe),
            settings.trainBatchSize(),
            recipe.tokenizer().maxLength(),
            WARM_UP,
            STEPS);
    double step = timer.step(stage, planned.weights().parameters()).median();
    Predicate<String> trained = stage.trained();
    long count =
        planned.weights().parameters().entrySet().stream()
            .filter(p -> trained.test(p.getKey()))
            .mapToLong(p -> p.getValue().size())
            .sum();
    OptionalInt updates =
        settings.maxTrainSteps().isPresent() || examples.isPresent()
            ? OptionalInt.of(settings.updates(examples.orElse(1)))
            : OptionalInt.empty();
    return new PlannedStage(
        stage.name(), count, updates, step * settings.gradientAccumulationSteps());
  }

  private static boolean distils(Recipe recipe) {
    return recipe.compare().stream().anyMatch(Method::distils);
  }

  private static Weights teacher(Recipe recipe) {
    return random("teacher", recipe.teacherConfig());
  }

  private static Weights student(Recipe recipe) {
    return random("student", recipe.studentConfig());
  }

  private static Weights random(String who, Optional<ModelConfig> config) {
    ModelConfig known =
        config.orElseThrow(
            () ->
                new UserError(
                    who + ".config: missing; a plan needs it, or the folder with the checkpoint"));
    Model model = new Model(known, Head.SEQUENCE_CLASSIFICATION, Optional.empty());
    return new Weights(model, Weights.random(model, 0).parameters());
  }

  /** The stages of {@link SeedRun}, in its order. */
  private static List<Planned> stages(Recipe recipe) {
    List<Planned> stages = new ArrayList<>();
    Weights student = student(recipe);
    boolean ted = recipe.compare().contains(Method.TED);
    if (distils(recipe)) {
      finetune("teacher", teacher(recipe), recipe.teacher(), stages);
    }
    if (recipe.start() == Start.FAIR || ted || recipe.compare().contains(Method.FINETUNED)) {
      finetune("student", student, recipe.student(), stages);
    }
    for (Method method : recipe.compare()) {
      if (method.distils()) {
        distil(recipe, method, teacher(recipe), student, stages);
      }
    }
    return stages;
  }

  private static void finetune(
      String who, Weights start, ModelSettings settings, List<Planned> stages) {
    if (!settings.finetune().isSkipped()) {
      stages.add(
          new Planned(
              Stage.finetune(who + "/finetuned", start.model(), settings.finetune()), start));
    }
  }

  private static void learnFilters(
      String who, Weights start, Filters filters, StageSettings settings, List<Planned> stages) {
    if (!settings.isSkipped()) {
      Weights with = start.with(filters, 0, true);
      stages.add(new Planned(Stage.learnFilters(who + "/filters", with.model(), settings), with));
    }
  }

  private static void distil(
      Recipe recipe, Method method, Weights teacher, Weights student, List<Planned> stages) {
    FilterSettings filters = recipe.filters();
    int width = teacher.model().config().hiddenSize();
    TeacherStates states = TeacherStates.NONE;
    Weights start = student;
    if (method == Method.LWD) {
      start = student.with(filters.projections(width), 0, false);
      states = TeacherStates.HIDDEN;
    } else if (method == Method.TED) {
      Filters ofTeacher = filters.teacher(width);
      Filters ofStudent = filters.student(width);
      learnFilters("teacher", teacher, ofTeacher, recipe.teacher().learnFilters(), stages);
      learnFilters("student", student, ofStudent, recipe.student().learnFilters(), stages);
      teacher = teacher.with(ofTeacher, 0, false);
      start = student.with(ofStudent, 0, false);
      states = TeacherStates.FILTERED;
    }
    Stage.FrozenTeacher frozen =
        new Stage.FrozenTeacher(
            new StageGraphs.Teacher(teacher.model(), states, filters.teacherFilterInterval()),
            teacher.parameters());
    DistillSettings settings = recipe.settings(method);
    stages.add(
        new Planned(
            Stage.distil(
                method.id(), start.model(), frozen, settings.objective(), settings.stage()),
            start));
  }
}
