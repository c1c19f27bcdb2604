package dev.filtrate.model;

/**
 * The config of a BERT model ({@code model_type} bert); defaults are those of bert-base-uncased.
 */
public record BertConfig(Common common, double classifierDropout) implements ModelConfig {
  private static final ModelDefaults DEFAULTS =
      new ModelDefaults(30522, 768, 12, 12, 3072, 2, 1e-12);

  static BertConfig from(ConfigReader c) {
    Common common = ModelConfig.common(c, DEFAULTS);
    c.only(
        "position_embedding_type",
        c.text("position_embedding_type", "absolute").equals("absolute"),
        "absolute");
    c.only("is_decoder", !c.flag("is_decoder", false), "false: only encoders are distilled");
    c.only("add_cross_attention", !c.flag("add_cross_attention", false), "false");
    return new BertConfig(common, c.ratio("classifier_dropout", common.hiddenDropoutProb()));
  }

  @Override
  public String prefix() {
    return "bert";
  }

  @Override
  public boolean hasTokenTypes() {
    return common.typeVocabSize() > 0;
  }

  @Override
  public Encoder encoder() {
    return new Bert(this);
  }
}
