package dev.filtrate.train;

import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.autodiff.ReverseMode;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelInputs;
import dev.filtrate.model.Objective;
import dev.filtrate.onnx.TrainingModels;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The graphs of a stage. A step is two graphs, gradients and update (the latter is {@link
 * dev.filtrate.model.AdamW#graph}); a frozen model is a third, whose outputs are inputs of the
 * gradients, so that no gradient can reach it.
 */
public final class StageGraphs {
  /** Prefix of a parameter's gradient among the outputs. */
  public static final String GRADIENT = "grad/";

  /** The scalar input that seeds the backward pass: 1 / accumulated micro-batches. */
  public static final String GRADIENT_SCALE = "gradient_scale";

  private StageGraphs() {}

  /** What the student imitates layer by layer. */
  public enum TeacherStates {
    /** The outputs of the teacher's filters (TED). */
    FILTERED,
    /** The teacher's hidden states themselves (LWD). */
    HIDDEN,
    /** Nothing: logits only (KD). */
    NONE
  }

  /** A frozen model, as far as a stage's gradients may take anything from it. */
  public sealed interface Source {
    /** The model, with its filters where they are part of this. */
    Model model();

    /** What it is to the stage, one word: part of a graph's name. */
    String role();

    /** What it delivers by name, without dropout. */
    Map<String, Value> outputs(Ops op, ModelInputs in);
  }

  /**
   * The frozen teacher: {@code teacher_logits} (or its two ends), {@code teacher_states.k}.
   *
   * @param model the teacher, with its filters where they are imitated
   * @param states what is imitated
   * @param interval every how many layers, for {@link TeacherStates#HIDDEN}
   */
  public record Teacher(Model model, TeacherStates states, int interval) implements Source {
    private static final String LOGITS = "teacher_";
    private static final String STATES = "teacher_states.";

    @Override
    public String role() {
      return "teacher";
    }

    @Override
    public Map<String, Value> outputs(Ops op, ModelInputs in) {
      Model.Outputs out = model.emit(op, in, false);
      Map<String, Value> outputs = new LinkedHashMap<>();
      out.logits().forEach((logits, value) -> outputs.put(LOGITS + logits, value));
      put(outputs, STATES, imitated(out));
      return outputs;
    }

    private List<Value> imitated(Model.Outputs out) {
      return switch (states) {
        case NONE -> List.of();
        case FILTERED -> out.filterStates();
        case HIDDEN -> {
          List<Value> hidden = new ArrayList<>();
          for (int k = 0; k < model.config().numHiddenLayers() / interval; k++) {
            hidden.add(out.hiddenStates().get((k + 1) * interval));
          }
          yield hidden;
        }
      };
    }
  }

  /**
   * The frozen backbone of Stage I: {@code filter_inputs.k}, what the model's own filters read.
   *
   * @param model the model, with its filters
   */
  public record Backbone(Model model) implements Source {
    private static final String STATES = "filter_inputs.";

    @Override
    public String role() {
      return "backbone";
    }

    @Override
    public Map<String, Value> outputs(Ops op, ModelInputs in) {
      Map<String, Value> outputs = new LinkedHashMap<>();
      put(outputs, STATES, model.emit(op, in, false).filterInputs());
      return outputs;
    }
  }

  private static void put(Map<String, Value> outputs, String prefix, List<Value> states) {
    for (int k = 0; k < states.size(); k++) {
      outputs.put(prefix + k, states.get(k));
    }
  }

  /** Inference: {@code logits [B, C]}, or {@code start_logits} and {@code end_logits [B, S]}. */
  public static Graph inference(String name, Model model) {
    GraphBuilder g = new GraphBuilder();
    Model.Outputs out = model.emit(g, ModelInputs.declare(g, model.config()), false);
    return g.build(name, out.logits());
  }

  /** Everything that a model computes, for checks: logits, hidden and filtered states. */
  public static Graph states(String name, Model model) {
    GraphBuilder g = new GraphBuilder();
    Model.Outputs out = model.emit(g, ModelInputs.declare(g, model.config()), false);
    Map<String, Value> outputs = new LinkedHashMap<>(out.logits());
    for (int i = 0; i < out.hiddenStates().size(); i++) {
      outputs.put("hidden_states." + i, out.hiddenStates().get(i));
    }
    for (int k = 0; k < out.filterStates().size(); k++) {
      outputs.put("filter_states." + k, out.filterStates().get(k));
    }
    return g.build(name, outputs);
  }

  /** The graph of a frozen model: all that it may be asked for. */
  public static Graph frozen(String name, Source source) {
    GraphBuilder g = new GraphBuilder();
    ModelInputs in = ModelInputs.declare(g, source.model().config());
    return g.build(name, source.outputs(g.ops(), in));
  }

  /**
   * The same, but only what a stage's gradients graph takes: where a term has weight 0, that graph
   * does without the teacher's part in it.
   */
  public static Graph frozen(String name, Source source, Graph gradients) {
    GraphBuilder g = new GraphBuilder();
    ModelInputs in = ModelInputs.declare(g, source.model().config());
    Map<String, Value> outputs = source.outputs(g.ops(), in);
    outputs.keySet().removeIf(output -> gradients.input(output).isEmpty());
    return g.build(name, outputs);
  }

  /**
   * Forward and backward of a stage that learns from labels alone (fine-tuning, Stage I).
   *
   * @param trained which parameters get a gradient
   * @param training whether dropout is active
   */
  public static Graph gradients(
      String name, Model model, Objective objective, Predicate<String> trained, boolean training) {
    GraphBuilder g = new GraphBuilder();
    ModelInputs in = ModelInputs.declare(g, model.config());
    return gradients(g, name, model, in, objective, trained, training, Map.of(), MixedPrecision.NO);
  }

  /** Forward and backward of any stage, with dropout; a frozen model's outputs are inputs. */
  public static Graph gradients(
      String name,
      Model model,
      Optional<? extends Source> frozen,
      Objective objective,
      Predicate<String> trained,
      MixedPrecision precision) {
    GraphBuilder g = new GraphBuilder();
    ModelInputs in = ModelInputs.declare(g, model.config());
    Map<String, Value> fed = new LinkedHashMap<>();
    frozen
        .map(f -> frozen(f.role(), f).outputs())
        .orElse(List.of())
        .forEach(out -> fed.put(out.name(), g.input(out.name(), out.type(), out.shape())));
    return gradients(g, name, model, in, objective, trained, true, fed, precision);
  }

  /** Forward and backward of a student whose teacher's outputs are inputs. */
  public static Graph distillation(
      String name, Model student, Teacher teacher, Objective objective) {
    return gradients(name, student, Optional.of(teacher), objective, n -> true, MixedPrecision.NO);
  }

  /**
   * Teacher and student in one graph, as the paper draws it: for reading and for runtimes that take
   * it whole; the teacher's parameters are under {@code teacher.}.
   */
  public static Graph joined(String name, Model student, Teacher teacher, Objective objective) {
    GraphBuilder g = new GraphBuilder();
    ModelInputs in = ModelInputs.declare(g, student.config());
    ModelInputs teacherIn = ModelInputs.declare(g, teacher.model().config());
    Map<String, Value> fed = teacher.outputs(g.ops().in("teacher"), teacherIn);
    Predicate<String> students = n -> !n.startsWith("teacher.");
    return gradients(g, name, student, in, objective, students, true, fed, MixedPrecision.NO);
  }

  /**
   * Forward and backward of the task's loss with dropout, for a runtime that adds gradients up
   * itself: {@code loss}, and {@code <p>}{@value TrainingModels#GRADIENT} for every parameter p.
   */
  public static Graph training(String name, Model model) {
    GraphBuilder g = new GraphBuilder();
    ModelInputs in = ModelInputs.declare(g, model.config());
    Model.Outputs out = model.emit(g, in, true);
    Map<String, Value> outputs = new LinkedHashMap<>();
    Value loss = taskLoss(g, model, in, out);
    outputs.put("loss", loss);
    List<Value> parameters = needed(g, outputs, p -> true);
    ReverseMode.gradients(g, loss, g.ops().constant(1.0), parameters)
        .forEach((p, gradient) -> outputs.put(p.name() + TrainingModels.GRADIENT, gradient));
    return g.build(name, outputs);
  }

  /** Inference with the task's loss before the logits; takes labels as training does. */
  public static Graph evaluation(String name, Model model) {
    GraphBuilder g = new GraphBuilder();
    ModelInputs in = ModelInputs.declare(g, model.config());
    Model.Outputs out = model.emit(g, in, false);
    Map<String, Value> outputs = new LinkedHashMap<>();
    outputs.put("loss", taskLoss(g, model, in, out));
    outputs.putAll(out.logits());
    return g.build(name, outputs);
  }

  private static Value taskLoss(GraphBuilder g, Model model, ModelInputs in, Model.Outputs out) {
    Objective.Signals signals =
        new Objective.Signals(model, in, out, labels(g, model), Map.of(), List.of());
    return Objective.task().emit(g.ops(), signals).values().iterator().next();
  }

  private static Graph gradients(
      GraphBuilder g,
      String name,
      Model model,
      ModelInputs in,
      Objective objective,
      Predicate<String> trained,
      boolean training,
      Map<String, Value> fed,
      MixedPrecision precision) {
    Map<String, Value> teacherLogits = new LinkedHashMap<>();
    List<Value> teacherStates = new ArrayList<>();
    List<Value> filterInputs = new ArrayList<>();
    fed.forEach(
        (key, value) -> {
          if (key.startsWith(Backbone.STATES)) {
            filterInputs.add(value);
          } else if (key.startsWith(Teacher.STATES)) {
            teacherStates.add(value);
          } else {
            teacherLogits.put(key.substring(Teacher.LOGITS.length()), value);
          }
        });
    Model.Outputs out =
        filterInputs.isEmpty()
            ? model.emit(g, in, training)
            : model.emit(g.ops(), filterInputs, training);
    Objective.Signals signals =
        new Objective.Signals(model, in, out, labels(g, model), teacherLogits, teacherStates);
    Map<String, Value> losses = objective.emit(g.ops(), signals);
    if (precision == MixedPrecision.NO) {
      return differentiated(g, name, losses, trained);
    }
    Graph forward = precision.applyTo(g.build(name, losses));
    GraphBuilder mixed = GraphBuilder.of(forward);
    losses.replaceAll((term, value) -> forward.output(term).orElseThrow());
    return differentiated(mixed, name, losses, trained);
  }

  /** The losses, of which the first is minimised, and the gradients of the trained parameters. */
  private static Graph differentiated(
      GraphBuilder g, String name, Map<String, Value> losses, Predicate<String> trained) {
    Map<String, Value> outputs = new LinkedHashMap<>(losses);
    Value loss = outputs.values().iterator().next();
    Value scale = g.input(GRADIENT_SCALE, DType.FLOAT, Shape.SCALAR);
    List<Value> wanted = needed(g, outputs, trained);
    ReverseMode.gradients(g, loss, scale, wanted)
        .forEach((p, gradient) -> outputs.put(GRADIENT + p.name(), gradient));
    return g.build(name, outputs);
  }

  /**
   * The trained parameters that the losses depend on: heads that are not in use have no gradient.
   */
  private static List<Value> needed(
      GraphBuilder g, Map<String, Value> losses, Predicate<String> trained) {
    Map<String, Value> probe = new LinkedHashMap<>();
    losses.forEach((loss, value) -> probe.put("probe/" + loss, value));
    return g.build("probe", probe).parameters().stream()
        .filter(p -> trained.test(p.name()))
        .toList();
  }

  private static Map<String, Value> labels(GraphBuilder g, Model model) {
    Shape batch = Shape.of(ModelInputs.BATCH);
    if (model.head() == Head.QUESTION_ANSWERING) {
      return Map.of(
          "start_positions", g.input("start_positions", DType.INT64, batch),
          "end_positions", g.input("end_positions", DType.INT64, batch));
    }
    Value labels =
        switch (model.config().problemType()) {
          case SINGLE_LABEL_CLASSIFICATION -> g.input("labels", DType.INT64, batch);
          case REGRESSION -> g.input("labels", DType.FLOAT, batch);
          case MULTI_LABEL_CLASSIFICATION ->
              g.input(
                  "labels",
                  DType.FLOAT,
                  Shape.of(ModelInputs.BATCH, Dim.of(model.config().numLabels())));
        };
    return Map.of("labels", labels);
  }

  /** The parameters that a gradients graph trains, in its order. */
  public static List<Value> trained(Graph gradients) {
    return gradients.parameters().stream()
        .filter(p -> gradients.output(GRADIENT + p.name()).isPresent())
        .toList();
  }

  /** Which parameters Stage I trains: filters, their poolers and heads. */
  public static Predicate<String> filtersOnly() {
    return Filters::owns;
  }
}
