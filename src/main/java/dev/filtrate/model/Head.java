package dev.filtrate.model;

import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import java.util.LinkedHashMap;
import java.util.Map;

/** What sits on an encoder: a classifier (one label = regression), or the two ends of an answer. */
public enum Head {
  /** {@code logits [B, C]} of the pooled first token. */
  SEQUENCE_CLASSIFICATION,
  /** {@code start_logits} and {@code end_logits [B, S]}. */
  QUESTION_ANSWERING;

  /** The logits by their names, from the last hidden state {@code [B, S, H]}. */
  Map<String, Value> logits(Ops op, ModelConfig config, Value last, boolean training) {
    if (this == QUESTION_ANSWERING) {
      return ends(op, op.in("qa_outputs").linear(answer(op, config, last, training), 2));
    }
    Pooler pooler = config.pooler();
    Value pooled = pooler.pool(op, last, training);
    return Map.of("logits", op.in(pooler.classifier()).linear(pooled, config.numLabels()));
  }

  /** What of hidden states {@code [B, S, H]} the logits depend on: the first token's, or all. */
  Value read(Ops op, Value states) {
    return this == QUESTION_ANSWERING ? states : Layers.firstToken(op, states);
  }

  /**
   * The logits from a filtered state of what is {@link #read}, with Stage I's own pooler and head
   * k.
   */
  Map<String, Value> filterLogits(
      Ops op, ModelConfig config, int k, Value filtered, boolean training) {
    Ops head = op.in("filter_head." + k);
    if (this == QUESTION_ANSWERING) {
      return ends(op, head.linear(answer(head, config, filtered, training), 2));
    }
    Value pooled = config.pooler().poolFiltered(op.in("filter_pooler." + k), filtered, training);
    return Map.of("logits", head.linear(pooled, config.numLabels()));
  }

  private static Value answer(Ops op, ModelConfig config, Value states, boolean training) {
    return Layers.dropout(op, states, config.answerDropout(), training);
  }

  private static Map<String, Value> ends(Ops op, Value both) { // (B, S, 2)
    Map<String, Value> ends = new LinkedHashMap<>();
    ends.put("start_logits", op.squeeze(op.slice(both, 2, Dim.of(0), Dim.of(1)), 2));
    ends.put("end_logits", op.squeeze(op.slice(both, 2, Dim.of(1), Dim.of(2)), 2));
    return ends;
  }
}
