package dev.filtrate.model;

import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelConfig.Common;

/**
 * DistilBERT (Sanh et al. 2019): BERT's layers without segments, under names of its own; there is
 * no dropout on what attention delivers.
 */
record DistilBert(DistilBertConfig config) implements Encoder {
  @Override
  public States encode(Ops root, ModelInputs in, boolean training) {
    Ops op = root.in(config.prefix());
    Common c = config.common();
    Value mask = in.keyBias(op); // (B, 1, 1, S)
    Value h = embed(op.in("embeddings"), in, training); // (B, S, H)
    return States.of(
        h,
        c.numHiddenLayers(),
        (x, i) -> layer(op.in("transformer.layer." + i), x, mask, training));
  }

  private Value embed(Ops op, ModelInputs in, boolean training) {
    Common c = config.common();
    int width = c.hiddenSize();
    Value words = Layers.words(op, in, c, width);
    Value at = config.positions().embed(op.in("position_embeddings"), in.inputIds(), c, width);
    Value normed = Layers.norm(op.in("LayerNorm"), op.add(words, at), c.layerNormEps());
    return Layers.dropout(op, normed, c.hiddenDropoutProb(), training);
  }

  private Value layer(Ops op, Value h, Value mask, boolean training) {
    Common c = config.common();
    Value attended = attention(op.in("attention"), h, mask, training);
    Value a = Layers.norm(op.in("sa_layer_norm"), op.add(attended, h), c.layerNormEps());
    Value wide = op.in("ffn.lin1").linear(a, c.intermediateSize()); // (B, S, FF)
    Value active = c.hiddenAct().apply(op.in("ffn"), wide);
    Value narrow = op.in("ffn.lin2").linear(active, c.hiddenSize());
    Value y = Layers.dropout(op, narrow, c.hiddenDropoutProb(), training);
    return Layers.norm(op.in("output_layer_norm"), op.add(y, a), c.layerNormEps());
  }

  private Value attention(Ops op, Value h, Value mask, boolean training) {
    Common c = config.common();
    Value q = Layers.heads(op, "q_lin", h, c);
    Value k = Layers.heads(op, "k_lin", h, c);
    Value v = Layers.heads(op, "v_lin", h, c);
    Value attended = Layers.attend(op, q, k, v, mask, c, training);
    return op.in("out_lin").linear(attended, c.hiddenSize());
  }
}
