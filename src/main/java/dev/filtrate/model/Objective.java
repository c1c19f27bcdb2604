package dev.filtrate.model;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a stage minimises: the weighted sum of named terms. Every term is delivered beside the sum,
 * so that a report shows them apart and a NaN is attributed.
 */
public record Objective(List<Term> terms) {
  /** A loss with its weight in the sum. */
  public record Term(String name, double weight, Loss loss) {}

  /** A scalar made of what a step knows. */
  @FunctionalInterface
  public interface Loss {
    /** Emits the loss. */
    Emitted emit(Ops op, Signals s);
  }

  /**
   * A loss as it stands in a graph.
   *
   * @param value the scalar
   * @param layers the scalars that it is the mean or the sum of, a layer each; else empty
   */
  public record Emitted(Value value, List<Value> layers) {
    /** Copies the list. */
    public Emitted {
      layers = List.copyOf(layers);
    }
  }

  /**
   * Everything a loss may look at.
   *
   * @param model the model that learns
   * @param in its inputs
   * @param outputs what it delivers
   * @param labels {@code labels}, or {@code start_positions} and {@code end_positions}
   * @param teacherLogits the teacher's logits, by the names of the model's own
   * @param teacherStates the teacher's K states {@code [B, S, F]}
   */
  public record Signals(
      Model model,
      ModelInputs in,
      Model.Outputs outputs,
      Map<String, Value> labels,
      Map<String, Value> teacherLogits,
      List<Value> teacherStates) {}

  /** How the student's answers are compared with the teacher's: {@code kl_loss}. */
  public enum Divergence {
    /** KL over the classes of each example, or the positions of an answer's end. */
    CLASSES,
    /** KL over the batch, for one score per example: what the released code does for STS-B. */
    BATCH,
    /** Mean squared difference, for one score per example. */
    MSE,
    /** KL for each label on its own, where labels do not exclude each other. */
    LABELS
  }

  /** How the errors of the K filters become one. */
  public enum Reduction {
    /** Their mean, as released. */
    MEAN,
    /** Their sum, as the paper writes it: K times the mean. */
    SUM
  }

  /**
   * The weights and options of distillation. Released: temperature 2, the mean over layers, padding
   * counted.
   *
   * @param klAlpha weight of the divergence from the teacher's logits; 0 = no such term
   * @param mseAlpha weight of the layer-wise error; 0 = no such term
   * @param temperature T of both softmaxes
   * @param divergence how answers are compared
   * @param reduction how the layers' errors become one
   * @param maskPadding whether the layer-wise error leaves padding out
   * @param klMaskPadding whether the KL over the positions of an answer's ends leaves padding out
   */
  public record Distillation(
      double klAlpha,
      double mseAlpha,
      double temperature,
      Divergence divergence,
      Reduction reduction,
      boolean maskPadding,
      boolean klMaskPadding) {
    /** Checks the values. */
    public Distillation {
      Check.user(klAlpha >= 0, "kl_alpha: expected 0 or more, found %s", klAlpha);
      Check.user(mseAlpha >= 0, "mse_alpha: expected 0 or more, found %s", mseAlpha);
      Check.user(temperature > 0, "temperature: expected more than 0, found %s", temperature);
    }

    /** The same without the layer-wise term: KD. */
    public Distillation withoutLayers() {
      return new Distillation(
          klAlpha, 0, temperature, divergence, reduction, maskPadding, klMaskPadding);
    }
  }

  /** Copies the terms. */
  public Objective {
    terms = List.copyOf(terms);
  }

  /** Fine-tuning: the task's own loss. */
  public static Objective task() {
    return new Objective(List.of(new Term("pred_loss", 1, Objective::taskLoss)));
  }

  /** Stage I: the task's loss from each filtered state, averaged over the K filters. */
  public static Objective filterTask() {
    return new Objective(List.of(new Term("pred_loss", 1, Objective::filterLoss)));
  }

  /**
   * Stage II and the baselines: {@code L_task + kl_alpha · KL + mse_alpha · layer-wise MSE}; a term
   * of weight 0 is left out.
   */
  public static Objective distillation(Distillation d) {
    List<Term> terms = new ArrayList<>();
    terms.add(new Term("pred_loss", 1, Objective::taskLoss));
    if (d.klAlpha() > 0) {
      terms.add(new Term("kl_loss", d.klAlpha(), (op, s) -> klLoss(op, s, d)));
    }
    if (d.mseAlpha() > 0) {
      terms.add(new Term("mse_loss", d.mseAlpha(), (op, s) -> mseLoss(op, s, d)));
    }
    return new Objective(terms);
  }

  /**
   * Emits {@code loss} and every term under its name; a term that is made of several layers' losses
   * also those, as {@code mse_loss.0}, {@code mse_loss.1} and so on, for reports.
   */
  public Map<String, Value> emit(Ops op, Signals s) {
    Map<String, Value> all = new LinkedHashMap<>();
    Map<String, Value> parts = new LinkedHashMap<>();
    Value sum = null;
    for (Term term : terms) {
      Emitted emitted = term.loss().emit(op.in(term.name()), s);
      List<Value> layers = emitted.layers();
      for (int k = 0; k < layers.size() && layers.size() > 1; k++) { // one layer is the term itself
        parts.put(term.name() + "." + k, layers.get(k));
      }
      all.put(term.name(), emitted.value());
      Value weighted = op.mul(emitted.value(), term.weight());
      sum = sum == null ? weighted : op.add(sum, weighted);
    }
    if (sum == null) {
      throw new IllegalStateException("an objective without terms");
    }
    Map<String, Value> named = new LinkedHashMap<>();
    named.put("loss", sum);
    named.putAll(all);
    named.putAll(parts);
    return named;
  }

  /** Whether a scalar of {@link #emit} is one layer's loss: part of a term, not a term. */
  public static boolean isLayer(String name) {
    return name.indexOf('.') >= 0;
  }

  private static Emitted taskLoss(Ops op, Signals s) {
    return new Emitted(taskLoss(op, s, s.outputs().logits()), List.of());
  }

  private static Value taskLoss(Ops op, Signals s, Map<String, Value> logits) {
    if (s.model().head() == Head.QUESTION_ANSWERING) {
      Value start =
          Losses.spanCrossEntropy(
              op, get(logits, "start_logits"), get(s.labels(), "start_positions"));
      Value end =
          Losses.spanCrossEntropy(op, get(logits, "end_logits"), get(s.labels(), "end_positions"));
      return op.mul(op.add(start, end), 0.5);
    }
    Value labels = get(s.labels(), "labels");
    Value scores = get(logits, "logits");
    return switch (s.model().config().problemType()) {
      case REGRESSION -> Losses.regression(op, scores, labels);
      case SINGLE_LABEL_CLASSIFICATION -> Losses.crossEntropy(op, scores, labels);
      case MULTI_LABEL_CLASSIFICATION -> Losses.binaryCrossEntropy(op, scores, labels);
    };
  }

  private static Emitted filterLoss(Ops op, Signals s) {
    List<Value> layers =
        s.outputs().filterLogits().stream().map(logits -> taskLoss(op, s, logits)).toList();
    return new Emitted(Losses.reduced(op, layers, Reduction.MEAN), layers);
  }

  private static Emitted klLoss(Ops op, Signals s, Distillation d) {
    Value sum = null;
    for (Map.Entry<String, Value> logits : s.outputs().logits().entrySet()) {
      Value student = logits.getValue();
      Value teacher = get(s.teacherLogits(), logits.getKey());
      if (d.klMaskPadding() && s.model().head() == Head.QUESTION_ANSWERING) {
        student = Losses.withoutPadding(op, student, s.in().attentionMask());
        teacher = Losses.withoutPadding(op, teacher, s.in().attentionMask());
      }
      Value term =
          switch (d.divergence()) {
            case CLASSES -> Losses.kl(op, student, teacher, d.temperature());
            case BATCH -> Losses.klOverBatch(op, student, teacher, d.temperature());
            case MSE -> Losses.meanSquare(op, op.sub(student, teacher));
            case LABELS -> Losses.klOfLabels(op, student, teacher, d.temperature());
          };
      sum = sum == null ? term : op.add(sum, term);
    }
    return new Emitted(Losses.average(op, sum, s.outputs().logits().size()), List.of());
  }

  private static Emitted mseLoss(Ops op, Signals s, Distillation d) {
    List<Value> mine = s.outputs().filterStates();
    List<Value> theirs = s.teacherStates();
    Check.argument(
        mine.size() == theirs.size(),
        "the student has %d filtered states, the teacher %d",
        mine.size(),
        theirs.size());
    List<Value> layers =
        d.maskPadding()
            ? Losses.layerwiseMasked(op, mine, theirs, s.in().attentionMask())
            : Losses.layerwise(op, mine, theirs);
    return new Emitted(Losses.reduced(op, layers, d.reduction()), layers);
  }

  private static Value get(Map<String, Value> among, String name) {
    Value value = among.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no '" + name + "' among " + among.keySet());
    }
    return value;
  }
}
