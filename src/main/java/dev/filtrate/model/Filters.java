package dev.filtrate.model;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * TED's filters (Liang et al. 2023, section 3): side branches on the output of every {@code
 * interval}-th layer that keep what the task needs. Linear, W·h + b, or two layers with the model's
 * activation between them. Parameters are named as in the release: {@code
 * deberta.encoder.layer.{i}.filter.weight [F, H]}, non-linear {@code …filter.0.*} and {@code
 * …filter.2.*}; in other families in the same place of their own layers.
 *
 * @param interval one filter every so many layers, on the last layer of each block
 * @param outputDim F, the width of a filtered state
 * @param nonlinear whether a hidden layer comes first
 */
public record Filters(int interval, int outputDim, boolean nonlinear) {
  /** Checks the values. */
  public Filters {
    Check.user(interval >= 1, "filter_interval: expected at least 1, found %d", interval);
    Check.user(outputDim >= 1, "filter_output_dim: expected at least 1, found %d", outputDim);
  }

  /** Whether a parameter belongs to a filter, or to a Stage-I pooler or head: the released rule. */
  public static boolean owns(String parameter) {
    return parameter.contains("filter");
  }

  /** Whether a parameter belongs to Stage I only, a filter's pooler or head. */
  public static boolean isStageOne(String parameter) {
    return parameter.startsWith("filter_pooler.") || parameter.startsWith("filter_head.");
  }

  /** K: how many filters a model of so many layers has. */
  public int count(int layers) {
    return layers / interval;
  }

  /** The layer (from 0) below filter k (from 0). */
  public int layer(int k) {
    return (k + 1) * interval - 1;
  }

  /** The states below the filters, K values {@code [B, S, H]}. */
  List<Value> below(Encoder.States states) {
    List<Value> layers = states.layerOutputs();
    return IntStream.range(0, count(layers.size())).mapToObj(k -> layers.get(layer(k))).toList();
  }

  /** The filtered states, K values {@code [..., F]} of K states {@code [..., H]}. */
  List<Value> apply(Ops op, ModelConfig config, List<Value> states) {
    List<Value> filtered = new ArrayList<>();
    for (int k = 0; k < states.size(); k++) {
      filtered.add(filter(op.in(config.layer(layer(k)) + ".filter"), config, states.get(k)));
    }
    return filtered;
  }

  private Value filter(Ops op, ModelConfig config, Value h) {
    if (!nonlinear) {
      return op.linear(h, outputDim);
    }
    Value wide = op.in("0").linear(h, config.hiddenSize());
    return op.in("2").linear(config.common().hiddenAct().apply(op.in("1"), wide), outputDim);
  }
}
