package dev.filtrate.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.Check;
import java.util.Map;

/**
 * The config of a DistilBERT model ({@code model_type} distilbert); defaults are those of
 * distilbert-base-uncased. As in transformers, {@code hidden_size}, {@code num_hidden_layers} and
 * {@code num_attention_heads} stand for the family's own {@code dim}, {@code n_layers} and {@code
 * n_heads}, and replace them.
 *
 * @param positions counted; {@code sinusoidal_pos_embds} says how a fresh table starts
 * @param classifierDropout {@code seq_classif_dropout}
 * @param answerDropout {@code qa_dropout}
 */
public record DistilBertConfig(
    Common common, Positions positions, double classifierDropout, double answerDropout)
    implements ModelConfig {
  private static final ConfigKeys KEYS =
      new ConfigKeys("n_layers", "seq_classif_dropout", "dropout", "attention_dropout");

  private static final Map<String, String> ALIASES =
      Map.of(
          "hidden_size", "dim", "num_hidden_layers", "n_layers", "num_attention_heads", "n_heads");

  static DistilBertConfig from(ConfigReader given) {
    ConfigReader c = new ConfigReader(given.json().deepCopy(), given.where());
    ALIASES.forEach(
        (alias, own) -> {
          JsonNode value = c.json().remove(alias);
          if (value != null) {
            c.json().set(own, value);
          }
        });
    int dim = c.atLeast(1, "dim", 768);
    int heads = c.atLeast(1, "n_heads", 12);
    Check.user(
        dim % heads == 0, "%s: 'dim' %d is not a multiple of 'n_heads' %d", c.where(), dim, heads);
    Common common =
        new Common(
            c.json(),
            c.where(),
            c.text("model_type", ""),
            c.atLeast(1, "vocab_size", 30522),
            dim,
            c.atLeast(1, "n_layers", 6),
            heads,
            c.atLeast(1, "hidden_dim", 3072),
            c.atLeast(1, "max_position_embeddings", 512),
            0,
            c.integer("pad_token_id", 0),
            c.real("initializer_range", 0.02),
            1e-12,
            c.ratio("dropout", 0.1),
            c.ratio("attention_dropout", 0.1),
            c.activation("activation", "gelu"),
            ModelConfig.labels(c));
    return new DistilBertConfig(
        common,
        c.flag("sinusoidal_pos_embds", false) ? Positions.SINUSOIDAL : Positions.COUNTED,
        c.ratio("seq_classif_dropout", 0.2),
        c.ratio("qa_dropout", 0.1));
  }

  @Override
  public String prefix() {
    return "distilbert";
  }

  @Override
  public String className() {
    return "DistilBert";
  }

  @Override
  public String layer(int i) {
    return "distilbert.transformer.layer." + i;
  }

  @Override
  public ConfigKeys keys() {
    return KEYS;
  }

  @Override
  public Pooler pooler() {
    return new Pooler("", "pre_classifier", "classifier", 0, Activation.RELU, classifierDropout);
  }

  @Override
  public Encoder encoder() {
    return new DistilBert(this);
  }
}
