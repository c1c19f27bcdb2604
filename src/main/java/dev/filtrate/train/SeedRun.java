package dev.filtrate.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Metrics;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.recipe.DistillSettings;
import dev.filtrate.recipe.FilterSettings;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.ModelSettings;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.StageSettings;
import dev.filtrate.recipe.Start;
import dev.filtrate.recipe.Use;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.StageGraphs.TeacherStates;
import dev.filtrate.weights.LoadedWeights;
import dev.filtrate.weights.ModelFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The stages of a recipe under one seed, in their order: fine-tuning of teacher and student, filter
 * learning of both, then every method. A stage hands over through its folder, so a run that resumes
 * takes up finished stages from there.
 */
final class SeedRun {
  private final Recipe recipe;
  private final long seed;
  private final RunData data;
  private final Engine engine;
  private final Trainer.Surroundings around;
  private final Trainer trainer;

  /** Whether this is one stage alone, whose model is put into the folder itself. */
  private final boolean single;

  /** A model as a stage left it. */
  record Trained(Weights weights, Map<String, Double> metrics) {}

  SeedRun(
      Recipe recipe,
      long seed,
      RunData data,
      Engine engine,
      Trainer.Surroundings around,
      boolean single) {
    this.recipe = recipe;
    this.seed = seed;
    this.data = data;
    this.engine = engine;
    this.around = around;
    this.single = single;
    this.trainer = new Trainer(engine, seed, around);
  }

  /** All stages that the compared methods need; a row for the teacher and one for each method. */
  List<Results.Row> execute() {
    List<Method> methods = recipe.compare();
    List<Results.Row> rows = new ArrayList<>();
    Trained teacher = null;
    if (methods.stream().anyMatch(Method::distils)) {
      teacher = teacher();
      rows.add(row("teacher", teacher));
    }
    Weights raw = studentStart(teacher);
    boolean fair = recipe.start() == Start.FAIR;
    boolean finetunes = fair || methods.contains(Method.FINETUNED) || methods.contains(Method.TED);
    Trained finetuned =
        finetunes
            ? finetune("student", raw, recipe.student().finetune())
            : new Trained(raw, Map.of());
    for (Method method : methods) {
      Weights start = fair || method == Method.TED ? finetuned.weights() : raw;
      Trained trained =
          method == Method.FINETUNED || teacher == null
              ? finetuned
              : distil(method, teacher.weights(), start);
      rows.add(row(method.id(), trained));
    }
    return rows;
  }

  /** The recipe's student through one stage: fine-tuning, filter learning, or its first method. */
  Trained only(Use use) {
    ModelSettings settings = recipe.student();
    ModelConfig config = config("the model", recipe.studentConfig());
    Model model = new Model(config, recipe.head(), Optional.empty());
    return switch (use) {
      case FINETUNE ->
          predicted(
              Method.FINETUNED.id(),
              finetune("student", start(settings, model), settings.finetune()));
      case LEARN_FILTERS -> {
        Filters filters = recipe.filters().student(config.hiddenSize());
        Weights start = startOfStageOne(settings, model, filters);
        yield new Trained(learnFilters("student", settings, start, filters), Map.of());
      }
      case DISTILL -> {
        Method method = recipe.compare().get(0);
        yield predicted(method.id(), distil(method, model));
      }
      default -> throw new IllegalArgumentException(use + " is no stage");
    };
  }

  private Trained predicted(String name, Trained trained) {
    try (ComputeSession session = Models.finished(engine, trained.weights())) {
      predict(name, session);
    }
    return trained;
  }

  /** One method between models as their folders hold them, filters included. */
  private Trained distil(Method method, Model student) {
    ModelConfig config = config("the teacher", recipe.teacherConfig());
    Model teacher = new Model(config, recipe.head(), Optional.empty());
    FilterSettings filters = recipe.filters();
    int width = config.hiddenSize();
    boolean ted = method == Method.TED;
    Weights theirs =
        ted
            ? learnt(recipe.teacher(), teacher.with(filters.teacher(width)))
            : start(recipe.teacher(), teacher);
    Weights mine =
        ted
            ? learnt(recipe.student(), student.with(filters.student(width)))
            : start(recipe.student(), student);
    if (method == Method.LWD) {
      mine = mine.with(filters.projections(width), seed, false);
    }
    TeacherStates states =
        switch (method) {
          case TED -> TeacherStates.FILTERED;
          case LWD -> TeacherStates.HIDDEN;
          case KD, FINETUNED -> TeacherStates.NONE;
        };
    return distil(method.id(), recipe.settings(method), frozen(theirs, states), mine);
  }

  private Trained teacher() {
    ModelSettings settings = recipe.teacher();
    ModelConfig config = config("teacher", recipe.teacherConfig());
    Model model = new Model(config, recipe.head(), Optional.empty());
    return finetune("teacher", start(settings, model), settings.finetune());
  }

  private Weights studentStart(@Nullable Trained teacher) {
    ModelSettings settings = recipe.student();
    ModelConfig config = config("student", recipe.studentConfig());
    Model model = new Model(config, recipe.head(), Optional.empty());
    if (settings.teacherLayers().isEmpty()) {
      return start(settings, model);
    }
    if (teacher == null) {
      throw new UserError(
          "student.teacher_layers: needs a teacher; compare at least one of kd, lwd, ted");
    }
    LoadedWeights copied =
        Weights.ofTeacher(model, settings.teacherLayers(), teacher.weights(), seed);
    copied.announcements().forEach(around.progress()::note);
    return new Weights(model, copied.parameters());
  }

  private ModelConfig config(String who, Optional<ModelConfig> given) {
    ModelConfig config =
        given.orElseThrow(
            () ->
                new UserError(
                    who + ": has no config; give model_name_or_path, or config for a new one"));
    data.requireFits(who, config);
    return data.config(config);
  }

  private Weights start(ModelSettings settings, Model model) {
    Path from = settings.folder();
    LoadedWeights loaded =
        from == null
            ? Weights.random(model, seed)
            : Weights.load(model, from, seed, settings.ignoreMismatchedSizes());
    loaded.announcements().forEach(around.progress()::note);
    return new Weights(model, loaded.parameters());
  }

  /** Where Stage I alone begins: filters, poolers and heads that its folder has learn on. */
  private Weights startOfStageOne(ModelSettings settings, Model model, Filters filters) {
    Path from = settings.folder();
    if (from == null
        || ModelFolder.open(from).tensors().keySet().stream().noneMatch(Filters::owns)) {
      return start(settings, model);
    }
    Model extended = model.with(filters);
    LoadedWeights loaded =
        Weights.loadStageOne(extended, from, seed, settings.ignoreMismatchedSizes());
    loaded.announcements().forEach(around.progress()::note);
    return new Weights(extended, loaded.parameters());
  }

  /** A model whose folder must hold the filters that Stage I left there. */
  private Weights learnt(ModelSettings settings, Model model) {
    Path from = settings.folder();
    if (from == null) {
      throw new IllegalArgumentException("ted without a folder for " + model);
    }
    boolean afresh = settings.ignoreMismatchedSizes();
    LoadedWeights loaded = Weights.load(model, from, seed, afresh);
    List<String> fresh = loaded.initialized().stream().filter(Filters::owns).toList();
    Check.user(
        fresh.isEmpty() || afresh,
        "%s: holds no filters for ted (expected %s); make them with learn-filters, or distil with"
            + " lwd",
        from,
        fresh.isEmpty() ? "" : fresh.get(0));
    loaded.announcements().forEach(around.progress()::note);
    return new Weights(model, loaded.parameters());
  }

  /** Stage 0, or what was given if the recipe leaves it out. */
  Trained finetune(String who, Weights start, StageSettings settings) {
    if (settings.isSkipped()) {
      return new Trained(start, measure(start, settings.evalBatchSize()));
    }
    Stage stage =
        Stage.finetune(RunLayout.Seed.finetuned(who), dropping(start, settings), settings);
    return stage(stage, start);
  }

  /** Stage I, or the filters that were given if the recipe leaves it out. */
  private Weights learnFilters(
      String who, ModelSettings model, Weights finetuned, Filters filters) {
    StageSettings settings = model.learnFilters();
    if (settings.isSkipped()) {
      return finetuned.withFiltersOf(learnt(model, finetuned.model().with(filters)));
    }
    Weights start = finetuned.with(filters, seed, true);
    Stage stage =
        Stage.learnFilters(
            RunLayout.Seed.filters(who),
            dropping(start, settings),
            start.parameters(),
            recipe.filters(),
            settings);
    return stage(stage, start).weights();
  }

  private Trained distil(Method method, Weights teacher, Weights start) {
    FilterSettings filters = recipe.filters();
    int width = teacher.model().config().hiddenSize();
    Weights student = start.withoutFilters();
    Stage.Frozen frozen = frozen(teacher.withoutFilters(), TeacherStates.NONE);
    if (method == Method.LWD) {
      student = student.with(filters.projections(width), seed, false);
      frozen = frozen(teacher.withoutFilters(), TeacherStates.HIDDEN);
    } else if (method == Method.TED) {
      Filters ofTeacher = filters.teacher(width);
      Filters ofStudent = filters.student(width);
      Weights taught = learnFilters("teacher", recipe.teacher(), teacher, ofTeacher);
      Weights learnt = learnFilters("student", recipe.student(), start, ofStudent);
      frozen = frozen(taught.with(ofTeacher, seed, false), TeacherStates.FILTERED);
      student = learnt.with(ofStudent, seed, false);
    }
    return distil(method.id(), recipe.settings(method), frozen, student);
  }

  /** Stage II, or a baseline. */
  Trained distil(String name, DistillSettings settings, Stage.Frozen teacher, Weights student) {
    Model model = dropping(student, settings.stage());
    return stage(
        Stage.distil(
            name,
            model,
            teacher.with(settings.teacherDtype()).with(settings.teacherCache()),
            settings.objective(),
            settings.stage()),
        student);
  }

  private Stage.Frozen frozen(Weights teacher, TeacherStates states) {
    StageGraphs.Teacher graph =
        new StageGraphs.Teacher(teacher.model(), states, recipe.filters().teacherFilterInterval());
    return new Stage.Frozen(graph, teacher.parameters());
  }

  /** The model with the dropout of a stage. */
  private static Model dropping(Weights weights, StageSettings settings) {
    return settings.dropouts().applyTo(weights.model());
  }

  private Trained stage(Stage stage, Weights start) {
    Path result = around.files().result(stage.name());
    Path model = single ? around.files().folder() : around.files().model(stage.name());
    if (around.resume() && Files.exists(result)) {
      return new Trained(
          new Weights(start.model(), ModelFolder.open(model).tensors()), metrics(result));
    }
    StageSettings settings = stage.settings();
    Trainer.Outcome outcome =
        trainer.train(
            stage,
            start.parameters(),
            data.training(settings, seed),
            data.evaluator(settings.evalBatchSize()));
    Weights trained = new Weights(start.model(), outcome.weights());
    Map<String, Double> measured = new LinkedHashMap<>(outcome.metrics());
    if (!measured.isEmpty()) {
      measured.putAll(mismatched(trained, settings.evalBatchSize()));
    }
    if (single) {
      trained.writeInto(model, data.tokenizerFiles());
    } else {
      trained.write(model, data.tokenizerFiles());
    }
    ObjectNode json = new ObjectMapper().createObjectNode();
    json.put("step", outcome.step());
    ObjectNode metrics = json.putObject("metrics");
    measured.forEach(metrics::put);
    Run.writeJson(result, json);
    return new Trained(trained, measured);
  }

  private Map<String, Double> measure(Weights weights, int batchSize) {
    Map<String, Double> metrics =
        new LinkedHashMap<>(Models.evaluate(engine, weights, data.evaluator(batchSize)));
    metrics.putAll(mismatched(weights, batchSize));
    return metrics;
  }

  /** MNLI's second set, measured on the model that is kept; the release takes the last epoch's. */
  private Map<String, Double> mismatched(Weights weights, int batchSize) {
    return data.mismatched(batchSize)
        .map(set -> Metrics.mismatched(Models.evaluate(engine, weights, set)))
        .orElse(Map.of());
  }

  /** Keeps what a model says to the validation examples. */
  private void predict(String name, ComputeSession session) {
    Path file = around.files().predictions(name);
    Evaluator.Answering model = Evaluator.Answering.of(session);
    Predictions.write(file, model, data, recipe.training().evalBatchSize());
  }

  private static Map<String, Double> metrics(Path result) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    try {
      JsonNode json = new ObjectMapper().readTree(result.toFile());
      json.path("metrics")
          .properties()
          .forEach(e -> metrics.put(e.getKey(), e.getValue().asDouble()));
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(result, e);
    }
    return metrics;
  }

  private Results.Row row(String name, Trained trained) {
    Weights plain = trained.weights().withoutFilters();
    double latencyMs;
    try (ComputeSession session = Models.finished(engine, plain)) {
      predict(name, session);
      latencyMs = Models.latencyMs(session, data.validation(), 1);
    }
    return new Results.Row(
        name,
        plain.count(),
        latencyMs,
        Map.of(
            seed,
            trained.metrics().isEmpty() // eval_steps: never
                ? measure(plain, recipe.training().evalBatchSize())
                : trained.metrics()));
  }
}
