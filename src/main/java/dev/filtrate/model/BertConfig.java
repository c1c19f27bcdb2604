package dev.filtrate.model;

/**
 * The config of a BERT, RoBERTa or ELECTRA model; defaults are those of transformers, which are
 * bert-base-uncased, roberta-base and electra-small-discriminator (but for 512 positions and two
 * segments in RoBERTa's).
 *
 * @param embeddingSize the width of the embeddings; other than the hidden size in ELECTRA only
 * @param classifierDropout ratio around the pooler's dense layer
 */
public record BertConfig(Common common, Family family, int embeddingSize, double classifierDropout)
    implements ModelConfig {
  private static final ConfigKeys KEYS =
      new ConfigKeys(
          "num_hidden_layers",
          "classifier_dropout",
          "hidden_dropout_prob",
          "attention_probs_dropout_prob");

  /** Who has BERT's layers. */
  public enum Family {
    /** {@code model_type} bert. */
    BERT("Bert", new ModelDefaults(30522, 768, 12, 12, 3072, 2, 1e-12, 0)),
    /** {@code model_type} roberta. */
    ROBERTA("Roberta", new ModelDefaults(50265, 768, 12, 12, 3072, 2, 1e-12, 1)),
    /** {@code model_type} electra: the discriminator. */
    ELECTRA("Electra", new ModelDefaults(30522, 256, 12, 4, 1024, 2, 1e-12, 0));

    private final String className;
    private final ModelDefaults defaults;

    Family(String className, ModelDefaults defaults) {
      this.className = className;
      this.defaults = defaults;
    }
  }

  static BertConfig from(Family family, ConfigReader c) {
    Common common = ModelConfig.common(c, family.defaults);
    c.only(
        "position_embedding_type",
        c.text("position_embedding_type", "absolute").equals("absolute"),
        "absolute");
    c.only("is_decoder", !c.flag("is_decoder", false), "false: only encoders are distilled");
    c.only("add_cross_attention", !c.flag("add_cross_attention", false), "false");
    int width =
        family == Family.ELECTRA ? c.atLeast(1, "embedding_size", 128) : common.hiddenSize();
    BertConfig config =
        new BertConfig(
            common, family, width, c.ratio("classifier_dropout", common.hiddenDropoutProb()));
    int padding = common.padTokenId();
    c.only(
        "pad_token_id",
        family != Family.ROBERTA || (padding >= 0 && padding < common.vocabSize()),
        "an id of the vocabulary, from which positions are counted");
    c.only(
        "max_position_embeddings",
        config.positions().tokens(common.maxPositionEmbeddings(), padding) > 0,
        "more than pad_token_id + 1, as positions are counted from there");
    return config;
  }

  @Override
  public String prefix() {
    return switch (family) {
      case BERT -> "bert";
      case ROBERTA -> "roberta";
      case ELECTRA -> "electra";
    };
  }

  @Override
  public String className() {
    return family.className;
  }

  @Override
  public ConfigKeys keys() {
    return KEYS;
  }

  @Override
  public Positions positions() {
    return family == Family.ROBERTA ? Positions.AFTER_PADDING : Positions.COUNTED;
  }

  @Override
  public Pooler pooler() {
    double ratio = classifierDropout;
    return switch (family) {
      case BERT -> new Pooler("bert.pooler", "dense", "classifier", 0, Activation.TANH, ratio);
      case ROBERTA ->
          new Pooler("classifier", "dense", "classifier.out_proj", ratio, Activation.TANH, ratio);
      case ELECTRA ->
          new Pooler("classifier", "dense", "classifier.out_proj", ratio, Activation.GELU, ratio);
    };
  }

  @Override
  public Encoder encoder() {
    return new Bert(this);
  }
}
