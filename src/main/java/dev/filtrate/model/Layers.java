package dev.filtrate.model;

import dev.filtrate.graph.Attr;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelConfig.Common;
import java.util.List;
import java.util.Map;

/** The pieces that encoders share. */
final class Layers {
  private Layers() {}

  /** The scope's LayerNorm: parameters {@code weight} and {@code bias} [H]. */
  static Value norm(Ops op, Value x, double eps) {
    Shape shape = Shape.of(x.dim(-1));
    return op.layerNormalization(x, op.parameter("weight", shape), op.parameter("bias", shape), eps)
        .get(0);
  }

  /**
   * The scope's embedding table [rows, width] at int64 ids; no gradient reaches row {@code
   * padding}.
   */
  static Value embedding(Ops op, Value ids, int rows, int width, int padding) {
    Value table = op.parameter("weight", Shape.of(rows, width));
    return op.emit(
            OpType.GATHER,
            List.of(table, ids),
            Map.of("axis", new Attr.Int(0), "padding_idx", new Attr.Int(padding)))
        .get(0);
  }

  /** The tokens' embeddings: {@code word_embeddings [V, width]} to [B, S, width]. */
  static Value words(Ops op, ModelInputs in, Common c, int width) {
    Ops table = op.in("word_embeddings");
    return embedding(table, in.inputIds(), c.vocabSize(), width, c.padTokenId());
  }

  /**
   * x [B, S, width] plus the embeddings of segments, if the model has them: {@code
   * token_type_embeddings}. A single type needs no input: its row is added to every token.
   */
  static Value addSegments(Ops op, Value x, ModelInputs in, Common c) {
    Ops segments = op.in("token_type_embeddings");
    if (in.tokenTypeIds().isPresent()) {
      int width = Math.toIntExact(x.dim(-1).fixed());
      return op.add(x, embedding(segments, in.tokenTypeIds().get(), c.typeVocabSize(), width, -1));
    }
    return c.typeVocabSize() == 1
        ? op.add(x, segments.parameter("weight", Shape.of(Dim.of(1), x.dim(-1))))
        : x;
  }

  /** A projection of [B, S, H] for each head: [B, h, S, d]. */
  static Value heads(Ops op, String projection, Value x, Common c) {
    return splitHeads(op, op.in(projection).linear(x, c.hiddenSize()), c.numAttentionHeads());
  }

  /**
   * Attention (Vaswani et al. 2017, equation 1): softmax(q·kᵀ/√d + mask)·v, with dropout on the
   * probabilities. Each head's q, k and v [B, h, S, d] to [B, S, H].
   */
  static Value attend(Ops op, Value q, Value k, Value v, Value mask, Common c, boolean training) {
    Value scores = op.matMul(q, k, false, true, 1 / Math.sqrt(c.headSize())); // (B, h, S, S)
    Value p = op.softmax(op.add(scores, mask), -1);
    p = dropout(op, p, c.attentionProbsDropoutProb(), training);
    return mergeHeads(op, op.matMul(p, v));
  }

  /** The scope's post-norm connection: LayerNorm(dropout(dense(x)) + to). */
  static Value residual(Ops op, Value x, Value to, Common c, boolean training) {
    Value dense = op.in("dense").linear(x, c.hiddenSize());
    Value dropped = dropout(op, dense, c.hiddenDropoutProb(), training);
    return norm(op.in("LayerNorm"), op.add(dropped, to), c.layerNormEps());
  }

  /** BERT's feed-forward block with its connection: {@code intermediate} and {@code output}. */
  static Value feedForward(Ops op, Value a, Common c, boolean training) {
    Value wide = op.in("intermediate.dense").linear(a, c.intermediateSize());
    Value active = c.hiddenAct().apply(op.in("intermediate"), wide); // (B, S, FF)
    return residual(op.in("output"), active, a, c, training);
  }

  /** [..., S, H] to [..., h, S, d]; two or three axes. */
  static Value splitHeads(Ops op, Value x, int heads) {
    Dim s = x.dim(-2);
    Dim d = Dim.of(x.dim(-1).fixed() / heads);
    return x.rank() == 2
        ? op.transpose(op.reshape(x, Shape.of(s, Dim.of(heads), d)), 1, 0, 2)
        : op.transpose(op.reshape(x, Shape.of(x.dim(0), s, Dim.of(heads), d)), 0, 2, 1, 3);
  }

  /** [B, h, S, d] to [B, S, H]. */
  static Value mergeHeads(Ops op, Value x) {
    Value rows = op.transpose(x, 0, 2, 1, 3);
    Dim width = x.dim(1).times(x.dim(3));
    return op.reshape(rows, Shape.of(x.dim(0), x.dim(2), width));
  }

  /** The first token of each sequence: [B, S, H] to [B, H]. */
  static Value firstToken(Ops op, Value x) {
    return op.squeeze(op.slice(x, 1, Dim.of(0), Dim.of(1)), 1);
  }

  /** Dropout while training, nothing otherwise. */
  static Value dropout(Ops op, Value x, double ratio, boolean training) {
    return training ? op.dropout(x, ratio) : x;
  }
}
