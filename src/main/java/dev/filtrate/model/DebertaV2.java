package dev.filtrate.model;

import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelConfig.Common;
import java.util.ArrayList;
import java.util.List;

/**
 * DeBERTa-v2 and -v3 (He et al. 2021, "DeBERTa: Decoding-enhanced BERT with Disentangled
 * Attention", equation 4): attention scores are the sum of content-to-content, content-to-position
 * and position-to-content terms.
 *
 * <p>Padding follows the original code: the mask is the outer product of the token mask with
 * itself, so a padded query attends to nothing.
 */
record DebertaV2(DebertaV2Config config) implements Encoder {
  /**
   * Embeddings of all distances between two tokens: {@code [2S, H]} each. Row c of {@code keys} is
   * the distance i−j = S−1−c from query i to key j; {@code queries} runs the other way round. The
   * last row is one more than occurs: with it {@link #shift} works for a single token too.
   */
  private record Distances(Value keys, Value queries) {}

  @Override
  public States encode(Ops root, ModelInputs in, boolean training) {
    Ops op = root.in(config.prefix());
    Common c = config.common();
    Value rows = in.rows(op); // (B, S, 1)
    Value mask = in.keyBias(op); // (B, 1, 1, S)
    Value embedded = embed(op.in("embeddings"), in, rows, training); // (B, S, H)
    Positions positions = new Positions(op.in("encoder"), training);
    Value h = embedded;
    List<Value> states = new ArrayList<>(List.of(h));
    List<Value> outputs = new ArrayList<>();
    for (int i = 0; i < c.numHiddenLayers(); i++) {
      h = layer(op.in("encoder.layer." + i), h, mask, rows, positions, training);
      outputs.add(h);
      if (i == 0 && config.convKernelSize() > 0) {
        h = convolve(op.in("encoder.conv"), embedded, h, rows, training);
      }
      states.add(h);
    }
    return new States(states, outputs);
  }

  private Value embed(Ops op, ModelInputs in, Value rows, boolean training) {
    Common c = config.common();
    int width = config.embeddingSize();
    Value x =
        Layers.embedding(
            op.in("word_embeddings"), in.inputIds(), c.vocabSize(), width, c.padTokenId());
    if (config.positionBiasedInput()) {
      Ops table = op.in("position_embeddings");
      x = op.add(x, Layers.positions(table, c.maxPositionEmbeddings(), width));
    }
    if (in.tokenTypeIds().isPresent()) {
      Ops segments = op.in("token_type_embeddings");
      x =
          op.add(
              x, Layers.embedding(segments, in.tokenTypeIds().get(), c.typeVocabSize(), width, -1));
    }
    if (width != c.hiddenSize()) {
      Value weight = op.in("embed_proj").parameter("weight", Shape.of(c.hiddenSize(), width));
      x = op.matMul(x, weight, false, true, 1);
    }
    Value normed = op.mul(Layers.norm(op.in("LayerNorm"), x, c.layerNormEps()), rows);
    return Layers.dropout(op, normed, c.hiddenDropoutProb(), training);
  }

  private Value layer(
      Ops op, Value h, Value mask, Value rows, Positions positions, boolean training) {
    Value attended = attention(op.in("attention.self"), h, mask, rows, positions, training);
    Value a = residual(op.in("attention.output"), attended, h, training);
    Value wide = op.in("intermediate.dense").linear(a, config.common().intermediateSize());
    Value active = config.common().hiddenAct().apply(op.in("intermediate"), wide); // (B, S, FF)
    return residual(op.in("output"), active, a, training);
  }

  private Value residual(Ops op, Value x, Value to, boolean training) {
    Common c = config.common();
    Value dense = op.in("dense").linear(x, c.hiddenSize());
    Value dropped = Layers.dropout(op, dense, c.hiddenDropoutProb(), training);
    return Layers.norm(op.in("LayerNorm"), op.add(dropped, to), c.layerNormEps());
  }

  /** Equation 4, with every term divided by √(d · number of terms). */
  private Value attention(
      Ops op, Value h, Value mask, Value rows, Positions positions, boolean training) {
    Common c = config.common();
    int heads = c.numAttentionHeads();
    int terms = 1 + (config.c2p() ? 1 : 0) + (config.p2c() ? 1 : 0);
    double scale = 1 / Math.sqrt((double) c.headSize() * terms);
    Value q = Layers.splitHeads(op, op.in("query_proj").linear(h, c.hiddenSize()), heads);
    Value k = Layers.splitHeads(op, op.in("key_proj").linear(h, c.hiddenSize()), heads);
    Value v = Layers.splitHeads(op, op.in("value_proj").linear(h, c.hiddenSize()), heads);
    Value scores = op.matMul(q, k, false, true, scale); // (B, h, S, S)
    if (config.relativeAttention() && terms > 1) {
      Distances r = positions.of(op);
      if (config.c2p()) {
        Ops proj = op.in(config.shareAttKey() ? "key_proj" : "pos_key_proj");
        Value kr = Layers.splitHeads(op, proj.linear(r.keys(), c.hiddenSize()), heads);
        scores = op.add(scores, shift(op, op.matMul(q, kr, false, true, scale))); // (h, 2S, d)
      }
      if (config.p2c()) {
        Ops proj = op.in(config.shareAttKey() ? "query_proj" : "pos_query_proj");
        Value qr = Layers.splitHeads(op, proj.linear(r.queries(), c.hiddenSize()), heads);
        Value byKey = shift(op, op.matMul(k, qr, false, true, scale)); // (B, h, key, query)
        scores = op.add(scores, op.t(byKey));
      }
    }
    Value p = op.softmax(op.add(scores, mask), -1);
    p = Layers.dropout(op, p, c.attentionProbsDropoutProb(), training);
    return op.mul(Layers.mergeHeads(op, op.matMul(p, v)), rows); // (B, S, H), padded queries 0
  }

  /**
   * From products with every distance to a matrix over positions: {@code out[i, j] = a[i,
   * j−i+S−1]}, {@code [B, h, S, 2S]} to {@code [B, h, S, S]}. Flattened, row i starts at i·2S, so
   * the wanted entry is at i(2S−1) + j + (S−1): drop S−1 entries and read rows of 2S−1.
   */
  private static Value shift(Ops op, Value a) {
    Dim s = a.dim(2);
    Dim skipped = s.plus(-1);
    Dim row = a.dim(3).plus(-1);
    Value flat = op.reshape(a, Shape.of(a.dim(0), a.dim(1), s.times(a.dim(3))));
    Value rest = op.slice(flat, 2, skipped, skipped.plus(s.times(row)));
    Value rows = op.reshape(rest, Shape.of(a.dim(0), a.dim(1), s, row));
    return op.slice(rows, 3, Dim.of(0), s);
  }

  /** The convolution of DeBERTa-v2 over the embeddings, added to the first layer's output. */
  private Value convolve(Ops op, Value embedded, Value output, Value rows, boolean training) {
    Common c = config.common();
    int kernel = config.convKernelSize();
    int before = (kernel - 1) / 2;
    Value padded = op.pad(embedded, 1, Dim.of(before), Dim.of(before));
    Dim length = ModelInputs.SEQUENCE.plus(2L * before - kernel + 1);
    if (!length.equals(ModelInputs.SEQUENCE)) {
      throw new dev.filtrate.base.UserError(
          c.where() + ": 'conv_kernel_size': expected an odd number, found " + kernel);
    }
    Value weight =
        op.in("conv").parameter("weight", Shape.of(c.hiddenSize(), c.hiddenSize(), kernel));
    Value sum = op.in("conv").parameter("bias", Shape.of(c.hiddenSize()));
    for (int t = 0; t < kernel; t++) {
      Value shifted = op.slice(padded, 1, Dim.of(t), ModelInputs.SEQUENCE.plus(t));
      Value tap = op.squeeze(op.slice(weight, 2, Dim.of(t), Dim.of(t + 1)), 2); // (out, in)
      sum = op.add(op.matMul(shifted, tap, false, true, 1), sum);
    }
    Value dropped = Layers.dropout(op, op.mul(sum, rows), c.hiddenDropoutProb(), training);
    Value added = op.add(output, config.convAct().apply(op, dropped));
    return op.mul(Layers.norm(op.in("LayerNorm"), added, c.layerNormEps()), rows);
  }

  @Override
  public Value pool(Ops op, Value lastHiddenState, boolean training) {
    return poolFiltered(op.in("pooler"), lastHiddenState, training);
  }

  @Override
  public Value poolFiltered(Ops op, Value filtered, boolean training) {
    Value first = Layers.firstToken(op, filtered); // (B, F)
    first = Layers.dropout(op, first, config.poolerDropout(), training);
    Value dense = op.in("dense").linear(first, first.dim(-1).fixed());
    Value pooled = config.poolerHiddenAct().apply(op, dense);
    return Layers.dropout(op, pooled, config.classifierDropout(), training);
  }

  /** The embeddings of distances, shared by all layers; with dropout, each layer draws its own. */
  private final class Positions {
    private final boolean dropped;
    private final List<Value> table = new ArrayList<>();
    private final List<Distances> shared = new ArrayList<>();

    Positions(Ops op, boolean training) {
      Common c = config.common();
      dropped = training && c.hiddenDropoutProb() > 0;
      if (!config.relativeAttention()) {
        return;
      }
      Shape shape = Shape.of(2L * config.span(), c.hiddenSize());
      Value rows = op.in("rel_embeddings").parameter("weight", shape);
      table.add(
          config.normRelEbd() ? Layers.norm(op.in("LayerNorm"), rows, c.layerNormEps()) : rows);
      if (!dropped) {
        shared.add(gathered(op, table.get(0)));
      }
    }

    Distances of(Ops op) {
      if (!dropped) {
        return shared.get(0);
      }
      return gathered(op, op.dropout(table.get(0), config.common().hiddenDropoutProb()));
    }

    private Distances gathered(Ops op, Value rows) {
      return new Distances(
          op.gather(rows, rowOfDistance(op, false), 0),
          op.gather(rows, rowOfDistance(op, true), 0));
    }

    /** Rows for the distances S−1 … −S, or −(S−1) … S: the middle 2S entries of a constant. */
    private Value rowOfDistance(Ops op, boolean rising) {
      int farthest = Math.max(config.common().maxPositionEmbeddings(), LONGEST);
      long[] all = new long[2 * farthest];
      for (int i = 0; i < all.length; i++) {
        int distance = i - (farthest - 1);
        all[i] = row(rising ? distance : -distance);
      }
      Value constant = op.constant(Tensor.ofLongs(new long[] {all.length}, all));
      Dim s = ModelInputs.SEQUENCE;
      return op.slice(constant, 0, s.times(-1).plus(farthest), s.plus(farthest));
    }
  }

  /**
   * The longest sequence for which distances are tabled (positions beyond the span share a row).
   */
  private static final int LONGEST = 2048;

  /** The row of a distance i−j: its bucket, counted from the middle, clamped to the table. */
  long row(int distance) {
    int span = config.span();
    return Math.max(0, Math.min(2L * span - 1, bucket(distance) + span));
  }

  /**
   * Distances up to half the buckets are told apart, farther ones share logarithmically growing
   * buckets. Computed in single precision, as the original does: at a bucket's edge the rounding
   * decides.
   */
  private long bucket(int distance) {
    int buckets = config.positionBuckets();
    if (buckets <= 0) {
      return distance;
    }
    int mid = buckets / 2;
    int size = Math.abs(distance);
    if (size <= mid) {
      return distance;
    }
    float share = (float) Math.log((float) size / mid);
    float whole = (float) Math.log((float) (config.maxRelativePositions() - 1) / mid);
    long bucket = (long) Math.ceil(share / whole * (mid - 1)) + mid;
    return distance < 0 ? -bucket : bucket;
  }
}
