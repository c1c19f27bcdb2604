package dev.filtrate.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * The config of a DeBERTa-v2 or -v3 model ({@code model_type} deberta-v2, or ted-deberta-v2 as the
 * TED release writes it); defaults are those of deberta-v2-xlarge, as in transformers.
 *
 * @param relativeAttention whether attention has position terms at all
 * @param positionBuckets log-bucketed distances per side; 0 or less = plain distances
 * @param maxRelativePositions the farthest distance told apart
 * @param c2p content-to-position term
 * @param p2c position-to-content term
 * @param shareAttKey whether positions are projected by the content's own query and key weights
 * @param normRelEbd whether the relative embeddings pass through a LayerNorm
 * @param positionBiasedInput whether absolute positions are added to the embeddings
 * @param embeddingSize the width of the word embeddings
 * @param convKernelSize the kernel of the convolution beside the first layer; 0 = none
 */
public record DebertaV2Config(
    Common common,
    double classifierDropout,
    double poolerDropout,
    Activation poolerHiddenAct,
    boolean relativeAttention,
    int positionBuckets,
    int maxRelativePositions,
    boolean c2p,
    boolean p2c,
    boolean shareAttKey,
    boolean normRelEbd,
    boolean positionBiasedInput,
    int embeddingSize,
    int convKernelSize,
    Activation convAct)
    implements ModelConfig {
  private static final ModelDefaults DEFAULTS =
      new ModelDefaults(128100, 1536, 24, 24, 6144, 0, 1e-7, 0);

  private static final ConfigKeys KEYS =
      new ConfigKeys(
          "num_hidden_layers",
          "cls_dropout",
          "hidden_dropout_prob",
          "attention_probs_dropout_prob");

  static DebertaV2Config from(ConfigReader c) {
    Common common = ModelConfig.common(c, DEFAULTS);
    int farthest = c.integer("max_relative_positions", -1);
    List<String> terms = positionTerms(c);
    String norm = c.text("norm_rel_ebd", "none");
    c.only("norm_rel_ebd", List.of("none", "layer_norm").contains(norm), "none or layer_norm");
    int kernel = c.integer("conv_kernel_size", 0);
    c.only("conv_groups", kernel <= 0 || c.integer("conv_groups", 1) == 1, "1");
    c.only(
        "attention_head_size",
        c.integer("attention_head_size", common.headSize()) == common.headSize(),
        "hidden_size / num_attention_heads");
    c.only(
        "pooler_hidden_size",
        c.integer("pooler_hidden_size", common.hiddenSize()) == common.hiddenSize(),
        "the hidden_size");
    return new DebertaV2Config(
        common,
        c.ratio("cls_dropout", common.hiddenDropoutProb()),
        c.ratio("pooler_dropout", 0),
        c.activation("pooler_hidden_act", "gelu"),
        c.flag("relative_attention", false),
        c.integer("position_buckets", -1),
        farthest < 1 ? common.maxPositionEmbeddings() : farthest,
        terms.contains("c2p"),
        terms.contains("p2c"),
        c.flag("share_att_key", false),
        norm.equals("layer_norm"),
        c.flag("position_biased_input", true),
        c.atLeast(1, "embedding_size", common.hiddenSize()),
        Math.max(kernel, 0),
        c.activation("conv_act", "tanh"));
  }

  private static List<String> positionTerms(ConfigReader c) {
    JsonNode node = c.json().get("pos_att_type");
    List<String> terms = new ArrayList<>();
    if (node != null && node.isTextual()) {
      terms.addAll(List.of(node.textValue().toLowerCase(java.util.Locale.ROOT).split("\\|")));
    } else if (node != null) {
      node.forEach(term -> terms.add(term.asText()));
    }
    for (String term : terms) {
      if (!List.of("c2p", "p2c", "").contains(term.strip())) {
        throw new UserError(
            "%s: 'pos_att_type': '%s' is not supported; expected c2p and p2c"
                .formatted(c.where(), term));
      }
    }
    return terms.stream().map(String::strip).toList();
  }

  @Override
  public String className() {
    return "DebertaV2";
  }

  @Override
  public ConfigKeys keys() {
    return KEYS;
  }

  @Override
  public Positions positions() {
    return Positions.COUNTED;
  }

  /** Without absolute positions any length goes. */
  @Override
  public OptionalInt longest() {
    return positionBiasedInput ? ModelConfig.super.longest() : OptionalInt.empty();
  }

  @Override
  public Pooler pooler() {
    return new Pooler(
        "pooler", "dense", "classifier", poolerDropout, poolerHiddenAct, classifierDropout);
  }

  /** Distances per side that have an embedding of their own. */
  public int span() {
    return positionBuckets > 0 ? positionBuckets : maxRelativePositions;
  }

  @Override
  public String prefix() {
    return "deberta";
  }

  @Override
  public Encoder encoder() {
    return new DebertaV2(this);
  }
}
