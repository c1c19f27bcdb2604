package dev.filtrate.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.ProblemType;
import dev.filtrate.model.BertConfig.Family;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A Hugging Face {@code config.json}: that library's defaults where a key is absent, unknown keys
 * kept but ignored, values that are not implemented refused by name.
 */
public sealed interface ModelConfig permits BertConfig, DebertaV2Config, DistilBertConfig {
  /** Every {@code model_type} that is read. */
  String TYPES = "bert, deberta-v2, distilbert, electra, roberta, ted-deberta-v2";

  /** The key that says what the labels are. */
  String PROBLEM_TYPE = "problem_type";

  /** What every family has. */
  record Common(
      ObjectNode json,
      String where,
      String modelType,
      int vocabSize,
      int hiddenSize,
      int numHiddenLayers,
      int numAttentionHeads,
      int intermediateSize,
      int maxPositionEmbeddings,
      int typeVocabSize,
      int padTokenId,
      double initializerRange,
      double layerNormEps,
      double hiddenDropoutProb,
      double attentionProbsDropoutProb,
      Activation hiddenAct,
      List<String> labels) {
    /** Copies the labels. */
    public Common {
      labels = List.copyOf(labels);
    }

    /** Features per head. */
    public int headSize() {
      return hiddenSize / numAttentionHeads;
    }
  }

  /** What every family has. */
  Common common();

  /** The prefix of the backbone's parameters: {@code bert}, {@code deberta}. */
  String prefix();

  /** How transformers calls the family's classes: {@code Bert}, {@code DebertaV2}. */
  String className();

  /** The scope of a layer, from 0. */
  default String layer(int i) {
    return prefix() + ".encoder.layer." + i;
  }

  /** The parameter with a row for every token of the vocabulary. */
  default String wordEmbeddings() {
    return prefix() + ".embeddings.word_embeddings.weight";
  }

  /** How the family spells keys that are set from outside. */
  ConfigKeys keys();

  /** How tokens take embeddings of positions. */
  Positions positions();

  /** The most tokens that a text may have; empty = any number. */
  default OptionalInt longest() {
    Common c = common();
    return OptionalInt.of(positions().tokens(c.maxPositionEmbeddings(), c.padTokenId()));
  }

  /**
   * How long texts are where nobody says: as many tokens as have a position, or as it was made for.
   */
  default int usualLength() {
    return longest().orElse(common().maxPositionEmbeddings());
  }

  /** Whether padding may be this token: RoBERTa tells padding by it when it numbers positions. */
  default boolean takesPadding(long padId) {
    return positions() != Positions.AFTER_PADDING || padId == common().padTokenId();
  }

  /**
   * Whether {@code token_type_ids} are an input: there are two types or more. (RoBERTa checkpoints
   * have one, whose embedding is added to every token.)
   */
  default boolean hasTokenTypes() {
    return common().typeVocabSize() > 1;
  }

  /** How the first token is made ready for the classifier. */
  Pooler pooler();

  /** Dropout before the two ends of an answer. */
  default double answerDropout() {
    return 0;
  }

  /** The encoder that this describes. */
  Encoder encoder();

  /**
   * What the labels are, by Hugging Face's rule: several of them at once where {@code problem_type}
   * says so; else a score where there is one, and classes where there are more.
   */
  default ProblemType problemType() {
    String said = common().json().path(PROBLEM_TYPE).asText();
    if (said.equals(ProblemType.MULTI_LABEL_CLASSIFICATION.id())) {
      return ProblemType.MULTI_LABEL_CLASSIFICATION;
    }
    return numLabels() == 1 ? ProblemType.REGRESSION : ProblemType.SINGLE_LABEL_CLASSIFICATION;
  }

  /**
   * Whether what a layer delivers for padding is the same in every text: DeBERTa sets padding to 0
   * before its layers and lets it attend to nothing.
   */
  default boolean hasConstantPadding() {
    return this instanceof DebertaV2Config;
  }

  /** The labels' number. */
  default int numLabels() {
    return common().labels().size();
  }

  /** How many layers. */
  default int numHiddenLayers() {
    return common().numHiddenLayers();
  }

  /** The width of the hidden states. */
  default int hiddenSize() {
    return common().hiddenSize();
  }

  /** The config as JSON, all its keys included. */
  default ObjectNode json() {
    return common().json().deepCopy();
  }

  /** The same config with some keys replaced. */
  default ModelConfig with(Map<String, JsonNode> keys) {
    ObjectNode changed = json();
    keys.forEach(changed::set);
    return parse(changed, common().where());
  }

  /** The same config with so many layers. */
  default ModelConfig withLayers(int layers) {
    return with(Map.of(keys().layers(), IntNode.valueOf(layers)));
  }

  /**
   * The same config for a task. {@code problem_type} is written where the labels alone do not tell
   * it: the released code stops at the others.
   */
  default ModelConfig withTask(ProblemType type, List<String> labels) {
    ObjectNode open = json();
    open.remove(PROBLEM_TYPE); // another task's need not fit these labels
    ObjectNode changed = parse(open, common().where()).withLabels(labels).json();
    if (type == ProblemType.MULTI_LABEL_CLASSIFICATION) {
      changed.put(PROBLEM_TYPE, type.id());
    }
    return parse(changed, common().where());
  }

  /** The same config with other labels, by name. */
  default ModelConfig withLabels(List<String> labels) {
    ObjectNode changed = json();
    ObjectNode id2label = changed.putObject("id2label");
    ObjectNode label2id = changed.putObject("label2id");
    for (int i = 0; i < labels.size(); i++) {
      id2label.put(Integer.toString(i), labels.get(i));
      label2id.put(labels.get(i), i);
    }
    changed.remove("num_labels");
    return parse(changed, common().where());
  }

  /** The same config with other dropout ratios, by the released flags' meaning; NaN = keep. */
  default ModelConfig withDropout(double cls, double hidden, double attention) {
    ObjectNode changed = json();
    if (!Double.isNaN(cls)) {
      changed.put(keys().classifierDropout(), cls);
    }
    if (!Double.isNaN(hidden)) {
      changed.put(keys().hiddenDropout(), hidden);
    }
    if (!Double.isNaN(attention)) {
      changed.put(keys().attentionDropout(), attention);
    }
    return parse(changed, common().where());
  }

  /** The same config without dropout in the encoder; that of the heads stays. */
  default ModelConfig withoutEncoderDropout() {
    return withDropout(pooler().dropoutAfter(), 0, 0);
  }

  /** Reads a {@code config.json}; throws {@link UserError} naming the file and the key. */
  static ModelConfig read(Path file) {
    JsonNode json;
    try {
      json = new ObjectMapper().readTree(file.toFile());
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new UserError(file + ": not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
    if (!(json instanceof ObjectNode object)) {
      throw new UserError(file + ": expected a JSON object, the config of a model");
    }
    return parse(object, file.toString());
  }

  /** Reads a config from JSON; {@code where} names it in errors. */
  static ModelConfig parse(ObjectNode json, String where) {
    ConfigReader c = new ConfigReader(json, where);
    String type = c.text("model_type", "");
    return switch (type) {
      case "bert" -> BertConfig.from(Family.BERT, c);
      case "roberta" -> BertConfig.from(Family.ROBERTA, c);
      case "electra" -> BertConfig.from(Family.ELECTRA, c);
      case "distilbert" -> DistilBertConfig.from(c);
      case "deberta-v2", "ted-deberta-v2" -> DebertaV2Config.from(c);
      default ->
          throw new UserError(
              "%s: model_type %s is not supported; expected one of %s"
                  .formatted(where, type.isEmpty() ? "(absent)" : "'" + type + "'", TYPES));
    };
  }

  /** Reads what every family has, with a family's defaults. */
  static Common common(ConfigReader c, ModelDefaults d) {
    int hidden = c.atLeast(1, "hidden_size", d.hiddenSize());
    int heads = c.atLeast(1, "num_attention_heads", d.heads());
    Check.user(
        hidden % heads == 0,
        "%s: 'hidden_size' %d is not a multiple of 'num_attention_heads' %d",
        c.where(),
        hidden,
        heads);
    return new Common(
        c.json(),
        c.where(),
        c.text("model_type", ""),
        c.atLeast(1, "vocab_size", d.vocabSize()),
        hidden,
        c.atLeast(1, "num_hidden_layers", d.layers()),
        heads,
        c.atLeast(1, "intermediate_size", d.intermediateSize()),
        c.atLeast(1, "max_position_embeddings", 512),
        c.atLeast(0, "type_vocab_size", d.typeVocabSize()),
        c.integer("pad_token_id", d.padTokenId()),
        c.real("initializer_range", 0.02),
        c.real("layer_norm_eps", d.layerNormEps()),
        c.ratio("hidden_dropout_prob", 0.1),
        c.ratio("attention_probs_dropout_prob", 0.1),
        c.activation("hidden_act", "gelu"),
        labels(c));
  }

  /** Where the families' defaults differ. */
  record ModelDefaults(
      int vocabSize,
      int hiddenSize,
      int layers,
      int heads,
      int intermediateSize,
      int typeVocabSize,
      double layerNormEps,
      int padTokenId) {}

  /** The labels by name: {@code id2label}, else {@code num_labels} of them, else two. */
  static List<String> labels(ConfigReader c) {
    List<String> labels = labelNames(c);
    String said = c.text(PROBLEM_TYPE, "");
    List<String> known = Arrays.stream(ProblemType.values()).map(ProblemType::id).toList();
    c.only(PROBLEM_TYPE, said.isEmpty() || known.contains(said), "one of " + known);
    boolean scores = said.equals(ProblemType.REGRESSION.id());
    c.only(PROBLEM_TYPE, !scores || labels.size() == 1, "one label with it, not " + labels.size());
    return labels;
  }

  private static List<String> labelNames(ConfigReader c) {
    JsonNode id2label = c.json().get("id2label");
    List<String> labels = new ArrayList<>();
    if (id2label == null || id2label.isNull()) {
      int n = c.atLeast(1, "num_labels", 2);
      for (int i = 0; i < n; i++) {
        labels.add("LABEL_" + i);
      }
      return labels;
    }
    for (int i = 0; i < id2label.size(); i++) {
      JsonNode label = id2label.get(Integer.toString(i));
      if (label == null) {
        throw new UserError(
            "%s: 'id2label': expected the keys 0 to %d, found %s"
                .formatted(c.where(), id2label.size() - 1, id2label));
      }
      labels.add(label.asText());
    }
    if (labels.isEmpty()) {
      throw new UserError(c.where() + ": 'id2label': expected at least one label, found none");
    }
    return labels;
  }
}
