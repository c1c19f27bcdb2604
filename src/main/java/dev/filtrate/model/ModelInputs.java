package dev.filtrate.model;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.Optional;

/**
 * What a model is fed: int64 {@code [batch, sequence]} each.
 *
 * @param inputIds token ids
 * @param attentionMask 1 = token, 0 = padding
 * @param tokenTypeIds segment of a pair, where the model has them
 */
public record ModelInputs(Value inputIds, Value attentionMask, Optional<Value> tokenTypeIds) {
  /** The dim of examples in a batch. */
  public static final Dim BATCH = Dim.named("batch");

  /** The dim of tokens in an example. */
  public static final Dim SEQUENCE = Dim.named("sequence");

  /** Declares the inputs of a model. */
  public static ModelInputs declare(GraphBuilder g, ModelConfig config) {
    Shape shape = Shape.of(BATCH, SEQUENCE);
    Value ids = g.input("input_ids", DType.INT64, shape);
    Value mask = g.input("attention_mask", DType.INT64, shape);
    return new ModelInputs(
        ids,
        mask,
        config.hasTokenTypes()
            ? Optional.of(g.input("token_type_ids", DType.INT64, shape))
            : Optional.empty());
  }

  /** The mask as float32 {@code [B, S, 1]}. */
  Value rows(Ops op) {
    return op.cast(op.unsqueeze(attentionMask, 2), DType.FLOAT);
  }

  /** What is added to attention scores: 0 at tokens, the lowest float at padding; [B, 1, 1, S]. */
  Value keyBias(Ops op) {
    Value mask = op.cast(op.unsqueeze(attentionMask, 1, 2), DType.FLOAT);
    return op.mul(op.sub(1, mask), -Float.MAX_VALUE);
  }
}
