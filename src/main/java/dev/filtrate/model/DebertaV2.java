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
  @Override
  public States encode(Ops root, ModelInputs in, boolean training) {
    Ops op = root.in(config.prefix());
    Common c = config.common();
    Value rows = in.rows(op); // (B, S, 1)
    Value mask = in.keyBias(op); // (B, 1, 1, S)
    Value embedded = embed(op.in("embeddings"), in, rows, training); // (B, S, H)
    Distances distances = new Distances(op.in("encoder"), training);
    Value h = embedded;
    List<Value> states = new ArrayList<>(List.of(h));
    List<Value> outputs = new ArrayList<>();
    for (int i = 0; i < c.numHiddenLayers(); i++) {
      h = layer(op.in("encoder.layer." + i), h, mask, rows, distances, training);
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
    Value x = Layers.words(op, in, c, width);
    if (config.positionBiasedInput()) {
      Ops table = op.in("position_embeddings");
      x = op.add(x, config.positions().embed(table, in.inputIds(), c, width));
    }
    x = Layers.addSegments(op, x, in, c);
    if (width != c.hiddenSize()) {
      Value weight = op.in("embed_proj").parameter("weight", Shape.of(c.hiddenSize(), width));
      x = op.matMul(x, weight, false, true, 1);
    }
    Value normed = op.mul(Layers.norm(op.in("LayerNorm"), x, c.layerNormEps()), rows);
    return Layers.dropout(op, normed, c.hiddenDropoutProb(), training);
  }

  private Value layer(
      Ops op, Value h, Value mask, Value rows, Distances distances, boolean training) {
    Value attended = attention(op.in("attention.self"), h, mask, rows, distances, training);
    Value a = Layers.residual(op.in("attention.output"), attended, h, config.common(), training);
    return Layers.feedForward(op, a, config.common(), training);
  }

  /** Equation 4, with every term divided by √(d · number of terms). */
  private Value attention(
      Ops op, Value h, Value mask, Value rows, Distances distances, boolean training) {
    Common c = config.common();
    int terms = 1 + (config.c2p() ? 1 : 0) + (config.p2c() ? 1 : 0);
    double scale = 1 / Math.sqrt((double) c.headSize() * terms);
    Value q = Layers.heads(op, "query_proj", h, c);
    Value k = Layers.heads(op, "key_proj", h, c);
    Value v = Layers.heads(op, "value_proj", h, c);
    Value scores = op.matMul(q, k, false, true, scale); // (B, h, S, S)
    if (config.relativeAttention() && terms > 1) {
      Value table = distances.table(op); // (2 span, H)
      if (config.c2p()) {
        Ops proj = op.in(config.shareAttKey() ? "key_proj" : "pos_key_proj");
        Value kr = distances.project(proj, table, false); // (h, 2S, d)
        Value byDistance = op.matMul(q, kr, false, true, scale); // (B, h, query, 2S)
        scores = op.add(scores, op.relativeShift(byDistance));
      }
      if (config.p2c()) {
        Ops proj = op.in(config.shareAttKey() ? "query_proj" : "pos_query_proj");
        Value qr = distances.project(proj, table, true); // (h, 2S, d)
        Value byDistance = op.matMul(k, qr, false, true, scale); // (B, h, key, 2S)
        scores = op.add(scores, op.t(op.relativeShift(byDistance)));
      }
    }
    Value p = op.softmax(op.add(scores, mask), -1);
    p = Layers.dropout(op, p, c.attentionProbsDropoutProb(), training);
    return op.mul(Layers.mergeHeads(op, op.matMul(p, v)), rows); // (B, S, H), padded queries 0
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

  /**
   * The relative embeddings, and how scores by distance become scores by position. Of 2S distances,
   * number c is i−j = S−1−c from query i to key j, or the other way round ({@code rising}); the
   * last is one more than occurs, with which the shift works for a single token too.
   *
   * <p>Training takes a row per distance before it projects them: 2S rows are fewer than the
   * table's for short texts. Inference projects the whole table, which the runtime does once where
   * weights are constant, and then takes the rows.
   */
  private final class Distances {
    private final boolean training;
    private final List<Value> table = new ArrayList<>();

    Distances(Ops op, boolean training) {
      this.training = training;
      if (config.relativeAttention()) {
        Common c = config.common();
        Shape shape = Shape.of(2L * config.span(), c.hiddenSize());
        Value rows = op.in("rel_embeddings").parameter("weight", shape);
        Ops norm = op.in("LayerNorm");
        table.add(config.normRelEbd() ? Layers.norm(norm, rows, c.layerNormEps()) : rows);
      }
    }

    /** The table as a layer sees it, with a dropout of its own. */
    Value table(Ops op) {
      return Layers.dropout(op, table.get(0), config.common().hiddenDropoutProb(), training);
    }

    /** All distances through a layer's projection, which is the scope: (h, 2S, d). */
    Value project(Ops op, Value distances, boolean rising) {
      int width = config.hiddenSize();
      Value rows = rowOfDistance(op, rising);
      Value projected =
          training
              ? op.linear(op.gather(distances, rows, 0), width)
              : op.gather(folding(op, distances, width), rows, 0);
      return Layers.splitHeads(op, projected, config.common().numAttentionHeads());
    }

    /** A dense layer in operators that ONNX Runtime folds when table and weights are constant. */
    private static Value folding(Ops op, Value x, long width) {
      Value weight = op.parameter("weight", Shape.of(Dim.of(width), x.dim(-1)));
      return op.add(op.matMul(x, op.t(weight)), op.parameter("bias", Shape.of(width)));
    }

    /** Rows for the distances S−1 … −S, or −(S−1) … S: the middle 2S entries of a constant. */
    private Value rowOfDistance(Ops op, boolean rising) {
      int n = longest();
      long[] all = new long[2 * n];
      for (int i = 0; i < all.length; i++) {
        int distance = i - (n - 1);
        all[i] = row(rising ? distance : -distance);
      }
      Value constant = op.constant(Tensor.ofLongs(new long[] {all.length}, all));
      Dim s = ModelInputs.SEQUENCE;
      return op.slice(constant, 0, s.times(-1).plus(n), s.plus(n));
    }
  }

  /** The longest sequence for which distances are tabled: an entry of 8 bytes for each. */
  private int longest() {
    return Math.max(config.common().maxPositionEmbeddings(), LONGEST);
  }

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
