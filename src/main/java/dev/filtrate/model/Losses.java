package dev.filtrate.model;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Objective.Reduction;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The losses of TED, each a scalar, by the released formulas (Liang et al. 2023, section 3). */
final class Losses {
  private Losses() {}

  /**
   * Cross-entropy −log softmax(logits)[label], mean over rows whose label is in {@code [0, C)}; 0
   * if there is none. {@code logits [B, C]} (or {@code [B, S]} over positions), {@code labels}
   * int64 [B].
   */
  static Value crossEntropy(Ops op, Value logits, Value labels) {
    Value inside = op.less(op.cast(labels, DType.FLOAT), op.size(logits.dim(1)));
    Value valid = op.and(op.greaterOrEqual(labels, op.constant(0L)), inside);
    Value weight = op.cast(valid, DType.FLOAT); // (B)
    Value safe = op.unsqueeze(op.where(valid, labels, op.constant(0L)), 1); // (B, 1)
    Value picked = op.squeeze(op.gatherElements(op.logSoftmax(logits, -1), safe, 1), 1); // (B)
    Value count = op.max(op.sumAll(weight), op.constant(1.0));
    return op.neg(op.div(op.sumAll(op.mul(picked, weight)), count));
  }

  /** Cross-entropy over positions: as above, but a position below 0 counts as 0, as released. */
  static Value spanCrossEntropy(Ops op, Value logits, Value positions) {
    return crossEntropy(op, logits, op.max(positions, op.constant(0L)));
  }

  /** Mean squared error of scores {@code [B, 1]} against labels float [B]. */
  static Value regression(Ops op, Value logits, Value labels) {
    return meanSquare(op, op.sub(op.squeeze(logits, 1), labels));
  }

  /**
   * Binary cross-entropy of every label's own sigmoid, {@code softplus(x) − x·y}, mean over all
   * labels that are 0 or 1 (one below 0 is unknown); 0 if there is none. {@code logits [B, C]},
   * {@code labels} float [B, C].
   */
  static Value binaryCrossEntropy(Ops op, Value logits, Value labels) {
    Value known = op.cast(op.greaterOrEqual(labels, op.constant(0.0)), DType.FLOAT); // (B, C)
    Value loss = op.sub(softplus(op, logits), op.mul(logits, labels));
    return op.div(op.sumAll(op.mul(loss, known)), op.max(op.sumAll(known), op.constant(1.0)));
  }

  /** {@code log(1 + exp(x))}, without overflow. */
  private static Value softplus(Ops op, Value x) {
    return op.add(op.relu(x), op.log(op.add(op.exp(op.neg(op.abs(x))), 1.0)));
  }

  /**
   * {@code T²/(B·C) Σ KL(p_t ‖ p_s)} of every label's own sigmoid {@code p = σ(logit/T)}: {@code
   * p_t (t − s) + softplus(s) − softplus(t)} for logits s and t over T. Logits {@code [B, C]}.
   */
  static Value klOfLabels(Ops op, Value student, Value teacher, double temperature) {
    Value s = op.mul(student, 1 / temperature);
    Value t = op.mul(teacher, 1 / temperature);
    Value each =
        op.add(op.mul(op.sigmoid(t), op.sub(t, s)), op.sub(softplus(op, s), softplus(op, t)));
    return op.mul(op.meanAll(each), temperature * temperature);
  }

  /**
   * {@code T²/B Σ KL(p_t ‖ p_s)} with p = softmax(logits/T) over the last axis: forward KL, the
   * teacher is the target. Logits {@code [B, n]}.
   */
  static Value kl(Ops op, Value student, Value teacher, double temperature) {
    Value p = op.softmax(op.mul(teacher, 1 / temperature), -1);
    Value logP = op.logSoftmax(op.mul(teacher, 1 / temperature), -1);
    Value logQ = op.logSoftmax(op.mul(student, 1 / temperature), -1);
    Value perRow = op.reduceSum(op.mul(p, op.sub(logP, logQ)), false, -1); // (B)
    return op.mul(op.meanAll(perRow), temperature * temperature);
  }

  /** Logits {@code [B, S]} with so low a number at padding that a softmax gives it nothing. */
  static Value withoutPadding(Ops op, Value logits, Value attentionMask) {
    Value real = op.equal(attentionMask, op.constant(1L));
    return op.where(real, logits, op.constant(-1e4));
  }

  /**
   * The same with the softmax across the batch, for one score per example {@code [B, 1]}: what the
   * released code does for STS-B.
   */
  static Value klOverBatch(Ops op, Value student, Value teacher, double temperature) {
    Value p = op.softmax(op.mul(op.squeeze(teacher, 1), 1 / temperature), -1);
    Value logP = op.logSoftmax(op.mul(op.squeeze(teacher, 1), 1 / temperature), -1);
    Value logQ = op.logSoftmax(op.mul(op.squeeze(student, 1), 1 / temperature), -1);
    return op.mul(op.meanAll(op.mul(p, op.sub(logP, logQ))), temperature * temperature);
  }

  /**
   * {@code mean (student_k − teacher_k)²} of each of the K layers, over all B·S·F numbers, padding
   * included as released.
   */
  static List<Value> layerwise(Ops op, List<Value> student, List<Value> teacher) {
    List<Value> errors = new ArrayList<>();
    for (int k = 0; k < student.size(); k++) {
      errors.add(meanSquare(op, op.sub(student.get(k), teacher.get(k))));
    }
    return errors;
  }

  /** The same over real tokens only: the mean over {@code Σ mask · F} numbers. */
  static List<Value> layerwiseMasked(
      Ops op, List<Value> student, List<Value> teacher, Value attentionMask) {
    Value mask = op.cast(op.unsqueeze(attentionMask, 2), DType.FLOAT); // (B, S, 1)
    Dim width = student.get(0).dim(-1);
    Value count = op.mul(op.sumAll(mask), (double) width.fixed());
    List<Value> errors = new ArrayList<>();
    for (int k = 0; k < student.size(); k++) {
      Value d = op.mul(op.sub(student.get(k), teacher.get(k)), mask);
      errors.add(op.div(op.sumAll(op.mul(d, d)), count));
    }
    return errors;
  }

  /** What K layers' losses come to: {@code 1/K Σ_k}, or as a sum without the 1/K. */
  static Value reduced(Ops op, List<Value> layers, Reduction reduction) {
    Value sum = null;
    for (Value layer : layers) {
      sum = sum == null ? layer : op.add(sum, layer);
    }
    return sum != null && reduction == Reduction.SUM ? sum : average(op, sum, layers.size());
  }

  static Value average(Ops op, @Nullable Value sum, int count) {
    if (sum == null) {
      throw new IllegalArgumentException("a mean over no filters");
    }
    return op.mul(sum, 1.0 / count);
  }

  /** The mean of squares over all numbers. */
  static Value meanSquare(Ops op, Value difference) {
    return op.meanAll(op.mul(difference, difference));
  }
}
