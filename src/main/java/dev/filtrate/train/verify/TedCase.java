package dev.filtrate.train.verify;

import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.base.Check;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.Objective;
import dev.filtrate.model.Objective.Distillation;
import dev.filtrate.model.Objective.Divergence;
import dev.filtrate.model.Objective.Reduction;
import dev.filtrate.train.Engine;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.train.StageGraphs.TeacherStates;
import dev.filtrate.weights.ModelFolder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A teacher and a student: Stage I of both, and Stage II by TED, LWD and KD from the same start.
 *
 * @param name the folder's
 * @param teacher with its filters
 * @param student with its filters
 * @param batches those of every trajectory
 * @param settings of every trajectory
 * @param distillation weights and options of Stage II
 * @param json the losses
 */
record TedCase(
    String name,
    Side teacher,
    Side student,
    List<CaseBatch> batches,
    CourseSettings settings,
    Distillation distillation,
    CaseJson json)
    implements ReferenceCase {
  /**
   * A model with its filters.
   *
   * @param who teacher or student
   * @param base the model without filters
   * @param filters the filters of TED
   */
  record Side(String who, CaseModel base, Filters filters) {
    Model filtered() {
      return base.model().with(filters);
    }

    CaseFile file(String name) {
      return CaseFile.open(base.folder().resolve(name + ".safetensors"));
    }

    /** The model's weights and, from a file, those of the filters that a graph has. */
    Map<String, Tensor> weights(Graph graph, CaseFile filterFile) {
      Map<String, Tensor> all = new LinkedHashMap<>(base.weights());
      all.putAll(
          filterFile.parameters(
              graph.parameters().stream().filter(p -> Filters.owns(p.name())).toList()));
      return all;
    }
  }

  static TedCase read(Path folder) {
    ModelFolder teacher = ModelFolder.open(folder.resolve("teacher"));
    ModelFolder student = ModelFolder.open(folder.resolve("student"));
    CaseJson json = CaseJson.read(folder.resolve("trajectory.json"));
    int steps = json.numbers("stage1_teacher").size();
    List<CaseBatch> batches =
        CaseBatch.readAll(CaseFile.open(folder.resolve("batches.safetensors")), steps);
    Head head = batches.get(0).head();
    batches.forEach(b -> b.check(teacher.config(), head).check(student.config(), head));
    Side teacherSide = side("teacher", teacher, head, json);
    Side studentSide = side("student", student, head, json);
    int pairs = teacherSide.filters().count(teacher.config().numHiddenLayers());
    int own = studentSide.filters().count(student.config().numHiddenLayers());
    Check.user(
        pairs == own && pairs > 0,
        "%s: the intervals give the teacher %d filters and the student %d; expected the same"
            + " number, at least 1",
        json.where(),
        pairs,
        own);
    return new TedCase(
        folder.toAbsolutePath().normalize().getFileName().toString(),
        teacherSide,
        studentSide,
        batches,
        CourseSettings.read(json.object("settings")),
        distillation(json),
        json);
  }

  private static Side side(String who, ModelFolder folder, Head head, CaseJson json) {
    Filters filters =
        new Filters(
            json.count(who + "_filter_interval"),
            json.count("filter_output_dim"),
            json.flag("filter_nonlinear"));
    return new Side(who, CaseModel.read(folder, head), filters);
  }

  private static Distillation distillation(CaseJson json) {
    Divergence divergence =
        switch (json.oneOf("kl_over", "last_axis", "batch", "labels")) {
          case "batch" -> Divergence.BATCH;
          case "labels" -> Divergence.LABELS;
          default -> Divergence.CLASSES;
        };
    return new Distillation(
        json.number("kl_alpha"),
        json.number("mse_alpha"),
        json.number("temperature"),
        divergence,
        Reduction.MEAN,
        false,
        false);
  }

  @Override
  public List<Quantity> compare(Engine engine) {
    Comparison comparison = new Comparison();
    for (Side side : List.of(teacher, student)) {
      stageOne(engine, side, "", Optional.empty(), comparison);
      StageGraphs.Backbone apart = new StageGraphs.Backbone(side.filtered());
      stageOne(engine, side, ", backbone apart", Optional.of(apart), comparison);
    }
    stageTwo(engine, "ted", filteredTeacher(), student.filtered(), "filters_stage1", comparison);
    stageTwo(engine, "lwd", hiddenTeacher(), projected(), "filters_lwd_init", comparison);
    stageTwo(engine, "kd", plainTeacher(), student.base().model(), "filters_stage1", comparison);
    return comparison.quantities();
  }

  private void stageOne(
      Engine engine,
      Side side,
      String how,
      Optional<StageGraphs.Backbone> apart,
      Comparison comparison) {
    String stage = "stage1_" + side.who();
    Graph gradients =
        StageGraphs.gradients(
            stage,
            side.filtered(),
            apart,
            Objective.filterTask(),
            StageGraphs.filtersOnly(),
            MixedPrecision.NO);
    Optional<Trajectory.Frozen> frozen =
        apart.map(
            backbone ->
                new Trajectory.Frozen(
                    StageGraphs.frozen(backbone.role(), backbone, gradients),
                    side.base().weights()));
    Map<String, Tensor> weights = side.weights(gradients, side.file("filters_init"));
    Trajectory.Trace trace =
        new Trajectory(gradients, weights, settings, frozen)
            .requireRepeatable(side.base().folder())
            .run(engine, batches);
    List<Double> expected = json.numbers(stage);
    requireSteps(stage, expected.size());
    comparison.losses(stage + how + ": loss", expected, trace.losses("loss"));
    side.file("final_stage1")
        .compareParameters(stage + how + ": final: ", trace.parameters(), weights, comparison);
  }

  private StageGraphs.Teacher filteredTeacher() {
    return new StageGraphs.Teacher(teacher.filtered(), TeacherStates.FILTERED, 1);
  }

  private StageGraphs.Teacher hiddenTeacher() {
    return new StageGraphs.Teacher(
        teacher.base().model(), TeacherStates.HIDDEN, teacher.filters().interval());
  }

  private StageGraphs.Teacher plainTeacher() {
    return new StageGraphs.Teacher(teacher.base().model(), TeacherStates.NONE, 1);
  }

  /** LWD's student: linear projections to the teacher's width. */
  private Model projected() {
    int width = teacher.base().model().config().hiddenSize();
    return student.base().model().with(new Filters(student.filters().interval(), width, false));
  }

  private void stageTwo(
      Engine engine,
      String method,
      StageGraphs.Teacher imitated,
      Model learner,
      String filterFile,
      Comparison comparison) {
    Distillation weighting = method.equals("kd") ? distillation.withoutLayers() : distillation;
    Graph gradients =
        StageGraphs.distillation(method, learner, imitated, Objective.distillation(weighting));
    Graph teacherGraph = StageGraphs.frozen("teacher", imitated, gradients);
    Map<String, Tensor> weights = student.weights(gradients, student.file(filterFile));
    Optional<Trajectory.Frozen> frozen =
        teacherGraph.outputs().isEmpty() // no term asks for it
            ? Optional.empty()
            : Optional.of(
                new Trajectory.Frozen(
                    teacherGraph, teacher.weights(teacherGraph, teacher.file("filters_stage1"))));
    Trajectory.Trace trace =
        new Trajectory(gradients, weights, settings, frozen)
            .requireRepeatable(student.base().folder())
            .run(engine, batches);
    List<CaseJson> rows = json.objects(method);
    requireSteps(method, rows.size());
    for (String term : trace.losses().get(0).keySet()) {
      if (Objective.isLayer(term)) { // a case has terms only
        continue;
      }
      List<Double> expected = rows.stream().map(row -> row.number(term)).toList();
      comparison.losses(method + ": " + term, expected, trace.losses(term));
    }
    student
        .file("final_" + method)
        .compareParameters(method + ": final: ", trace.parameters(), weights, comparison);
  }

  private void requireSteps(String key, int steps) {
    Check.user(
        steps == batches.size(),
        "%s: '%s': expected the losses of %d steps, found %d",
        json.where(),
        key,
        batches.size(),
        steps);
  }
}
