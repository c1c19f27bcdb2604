package dev.filtrate.model;

import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelConfig.Common;

/**
 * BERT (Devlin et al. 2019): post-norm transformer layers over words, positions and segments. Also
 * what keeps its layers: RoBERTa (Liu et al. 2019), which numbers positions from after the padding
 * token's index, and ELECTRA (Clark et al. 2020), whose embeddings may be narrower than the hidden
 * states and are then projected.
 */
record Bert(BertConfig config) implements Encoder {
  @Override
  public States encode(Ops root, ModelInputs in, boolean training) {
    Ops op = root.in(config.prefix());
    Common c = config.common();
    Value mask = in.keyBias(op); // (B, 1, 1, S)
    Value h = embed(op.in("embeddings"), in, training); // (B, S, E)
    if (config.embeddingSize() != c.hiddenSize()) {
      h = op.in("embeddings_project").linear(h, c.hiddenSize()); // (B, S, H)
    }
    return States.of(
        h, c.numHiddenLayers(), (x, i) -> layer(op.in("encoder.layer." + i), x, mask, training));
  }

  private Value embed(Ops op, ModelInputs in, boolean training) {
    Common c = config.common();
    int width = config.embeddingSize();
    Value words = Layers.words(op, in, c, width);
    Value at = config.positions().embed(op.in("position_embeddings"), in.inputIds(), c, width);
    Value x = Layers.addSegments(op, op.add(words, at), in, c);
    Value normed = Layers.norm(op.in("LayerNorm"), x, c.layerNormEps());
    return Layers.dropout(op, normed, c.hiddenDropoutProb(), training);
  }

  private Value layer(Ops op, Value h, Value mask, boolean training) {
    Common c = config.common();
    Value attended = attention(op.in("attention.self"), h, mask, training);
    Value a = Layers.residual(op.in("attention.output"), attended, h, c, training);
    return Layers.feedForward(op, a, c, training);
  }

  private Value attention(Ops op, Value h, Value mask, boolean training) {
    Common c = config.common();
    Value q = Layers.heads(op, "query", h, c);
    Value k = Layers.heads(op, "key", h, c);
    Value v = Layers.heads(op, "value", h, c);
    return Layers.attend(op, q, k, v, mask, c, training);
  }
}
