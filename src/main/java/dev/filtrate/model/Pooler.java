package dev.filtrate.model;

import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;

/**
 * How a family makes a sequence's first token ready for the classifier: dropout, a dense layer, an
 * activation, dropout.
 *
 * @param scope where the checkpoint has the pooler ({@code bert.pooler}, {@code classifier}); empty
 *     = at the top
 * @param dense the name of its dense layer there
 * @param classifier the last layer, from features to labels
 * @param dropoutBefore ratio before the dense layer
 * @param activation after it
 * @param dropoutAfter ratio before the classifier
 */
record Pooler(
    String scope,
    String dense,
    String classifier,
    double dropoutBefore,
    Activation activation,
    double dropoutAfter) {
  /** The model's own pooler: the last hidden state {@code [B, S, H]} to {@code [B, H]}. */
  Value pool(Ops op, Value lastHiddenState, boolean training) {
    Ops here = scope.isEmpty() ? op : op.in(scope);
    return apply(here, dense, Layers.firstToken(here, lastHiddenState), training);
  }

  /**
   * The same for the first token's filtered state of Stage I, {@code [B, F]}, with a layer {@code
   * dense} in the scope of {@code op}.
   */
  Value poolFiltered(Ops op, Value filtered, boolean training) {
    return apply(op, "dense", filtered, training);
  }

  private Value apply(Ops op, String dense, Value first, boolean training) {
    Value x = Layers.dropout(op, first, dropoutBefore, training);
    Value active = activation.apply(op, op.in(dense).linear(x, x.dim(-1).fixed()));
    return Layers.dropout(op, active, dropoutAfter, training);
  }
}
