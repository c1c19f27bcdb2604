package dev.filtrate.model;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2) with PyTorch's defaults: decay is decoupled and
 * scaled by the learning rate, and spares parameters of rank 0 and 1 (biases, norm scales).
 *
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the root of the second moment
 * @param weightDecay λ for parameters of rank 2 and more
 * @param maxGradNorm clipping by the global norm, as {@code torch.nn.utils.clip_grad_norm_}; empty
 *     = none
 */
public record AdamW(
    double beta1, double beta2, double epsilon, double weightDecay, OptionalDouble maxGradNorm) {
  /** PyTorch's defaults with this decay and clipping. */
  public static AdamW with(double weightDecay, OptionalDouble maxGradNorm) {
    return new AdamW(0.9, 0.999, 1e-8, weightDecay, maxGradNorm);
  }

  /** Checks the values. */
  public AdamW {
    Check.argument(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "betas must be in [0, 1)");
    Check.argument(epsilon > 0 && weightDecay >= 0, "epsilon must be positive, decay not negative");
  }

  /**
   * The update of these parameters: inputs {@code learning_rate}, {@code step} (from 1), and for
   * each parameter p: {@code p}, {@code grad/p}, {@code moment1/p}, {@code moment2/p}; outputs
   * {@code next/p}, {@code next/moment1/p}, {@code next/moment2/p}, which a session binds to the
   * same buffers, and with clipping {@code gradient_norm} (before it).
   *
   * <p>The runtime does not know that input and output share a buffer, so an old value is read only
   * on the way to its own new value.
   */
  public Graph graph(String name, List<Value> parameters) {
    return graph(name, parameters, false);
  }

  /**
   * The same for gradients of a scaled loss: a further input {@code inverse_loss_scale}, a float32
   * scalar, that every gradient is multiplied by first.
   */
  public Graph scaledGraph(String name, List<Value> parameters) {
    return graph(name, parameters, true);
  }

  private Graph graph(String name, List<Value> parameters, boolean scaled) {
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops();
    Value rate = g.input("learning_rate", DType.FLOAT, Shape.SCALAR);
    Value step = g.input("step", DType.INT64, Shape.SCALAR);
    Map<String, Value> outputs = new LinkedHashMap<>();
    List<Value> gradients = new ArrayList<>();
    for (Value p : parameters) {
      gradients.add(g.input("grad/" + p.name(), DType.FLOAT, p.shape()));
    }
    if (scaled) {
      Value inverse = g.input("inverse_loss_scale", DType.FLOAT, Shape.SCALAR);
      gradients.replaceAll(gradient -> op.mul(gradient, inverse));
    }
    if (maxGradNorm.isPresent()) {
      Value norm = op.globalNorm(gradients);
      Value scale = clip(op, norm, maxGradNorm.getAsDouble());
      gradients.replaceAll(gradient -> op.mul(gradient, scale));
      outputs.put("gradient_norm", norm);
    }
    for (int i = 0; i < parameters.size(); i++) {
      Value p = parameters.get(i);
      Value w = g.input(p.name(), DType.FLOAT, p.shape());
      Value m1 = g.input("moment1/" + p.name(), DType.FLOAT, p.shape());
      Value m2 = g.input("moment2/" + p.name(), DType.FLOAT, p.shape());
      List<Value> next =
          op.in(p.name())
              .emit(
                  OpType.ADAM_OPTIMIZER,
                  List.of(rate, step, w, gradients.get(i), m1, m2),
                  attributes(p.rank() > 1 ? weightDecay : 0));
      outputs.put("next/moment1/" + p.name(), next.get(1));
      outputs.put("next/moment2/" + p.name(), next.get(2));
      outputs.put("next/" + p.name(), next.get(3));
    }
    return g.build(name, outputs);
  }

  /** What a step at this rate leaves of a parameter of rank 2 or more that has no gradient. */
  public double decay(double learningRate) {
    return 1 - learningRate * weightDecay;
  }

  private Map<String, Attr> attributes(double decay) {
    return Map.of(
        "alpha", new Attr.Real((float) beta1),
        "beta", new Attr.Real((float) beta2),
        "epsilon", new Attr.Real((float) epsilon),
        "lambda", new Attr.Real((float) decay),
        "do_bias_correction", new Attr.Int(1),
        "weight_decay_mode", new Attr.Int(0)); // decay inside the step, scaled by the rate
  }

  private static Value clip(Ops op, Value norm, double most) {
    Value scale = op.div(op.constant(most), op.add(norm, 1e-6));
    return op.min(scale, op.constant(1.0));
  }
}
