package dev.filtrate.model;

import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelConfig.Common;
import java.util.ArrayList;
import java.util.List;

/** BERT (Devlin et al. 2019): post-norm transformer layers over words, positions and segments. */
record Bert(BertConfig config) implements Encoder {
  @Override
  public States encode(Ops root, ModelInputs in, boolean training) {
    Ops op = root.in(config.prefix());
    Common c = config.common();
    Value mask = in.keyBias(op); // (B, 1, 1, S)
    Value h = embed(op.in("embeddings"), in, training); // (B, S, H)
    List<Value> states = new ArrayList<>(List.of(h));
    for (int i = 0; i < c.numHiddenLayers(); i++) {
      h = layer(op.in("encoder.layer." + i), h, mask, training);
      states.add(h);
    }
    return new States(states, states.subList(1, states.size()));
  }

  private Value embed(Ops op, ModelInputs in, boolean training) {
    Common c = config.common();
    int width = c.hiddenSize();
    Value words =
        Layers.embedding(
            op.in("word_embeddings"), in.inputIds(), c.vocabSize(), width, c.padTokenId());
    Value x =
        op.add(
            words,
            Layers.positions(op.in("position_embeddings"), c.maxPositionEmbeddings(), width));
    if (in.tokenTypeIds().isPresent()) {
      Ops segments = op.in("token_type_embeddings");
      x =
          op.add(
              x, Layers.embedding(segments, in.tokenTypeIds().get(), c.typeVocabSize(), width, -1));
    }
    Value normed = Layers.norm(op.in("LayerNorm"), x, c.layerNormEps());
    return Layers.dropout(op, normed, c.hiddenDropoutProb(), training);
  }

  private Value layer(Ops op, Value h, Value mask, boolean training) {
    Value attended = attention(op.in("attention.self"), h, mask, training);
    Value a = residual(op.in("attention.output"), attended, h, training);
    Value wide = op.in("intermediate.dense").linear(a, config.common().intermediateSize());
    Value active = config.common().hiddenAct().apply(op.in("intermediate"), wide); // (B, S, FF)
    return residual(op.in("output"), active, a, training);
  }

  private Value attention(Ops op, Value h, Value mask, boolean training) {
    Common c = config.common();
    Value q =
        Layers.splitHeads(op, op.in("query").linear(h, c.hiddenSize()), c.numAttentionHeads());
    Value k = Layers.splitHeads(op, op.in("key").linear(h, c.hiddenSize()), c.numAttentionHeads());
    Value v =
        Layers.splitHeads(op, op.in("value").linear(h, c.hiddenSize()), c.numAttentionHeads());
    Value scores = op.matMul(q, k, false, true, 1 / Math.sqrt(c.headSize())); // (B, h, S, S)
    Value p = op.softmax(op.add(scores, mask), -1);
    p = Layers.dropout(op, p, c.attentionProbsDropoutProb(), training);
    return Layers.mergeHeads(op, op.matMul(p, v)); // (B, S, H)
  }

  private Value residual(Ops op, Value x, Value to, boolean training) {
    Common c = config.common();
    Value dense = op.in("dense").linear(x, c.hiddenSize());
    Value dropped = Layers.dropout(op, dense, c.hiddenDropoutProb(), training);
    return Layers.norm(op.in("LayerNorm"), op.add(dropped, to), c.layerNormEps());
  }

  @Override
  public Value pool(Ops op, Value lastHiddenState, boolean training) {
    return poolFiltered(op.in("bert.pooler"), lastHiddenState, training);
  }

  @Override
  public Value poolFiltered(Ops op, Value filtered, boolean training) {
    Value first = Layers.firstToken(op, filtered); // (B, F)
    Value pooled = op.tanh(op.in("dense").linear(first, first.dim(-1).fixed()));
    return Layers.dropout(op, pooled, config.classifierDropout(), training);
  }
}
