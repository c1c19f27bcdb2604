package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.UserError;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.train.Engine;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.train.Weights;
import dev.filtrate.weights.Initialization;
import dev.filtrate.weights.ModelFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.function.Executable;

/** Random models of a few thousand numbers, with weights large enough for lively logits. */
public final class TinyModels {
  static final Engine ENGINE = new Engine(Target.ORT, RuntimeOptions.defaults().withThreads(1));

  static final List<String> WORDS =
      List.of("a", "good", "bad", "film", "story", "the", "and", "not", "##s", ".");

  public static final String BERT =
      """
      {"model_type": "bert", "vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 2,
       "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 40,
       "type_vocab_size": 2, "initializer_range": 0.3,
       "id2label": {"0": "bad", "1": "so-so", "2": "good"}}""";

  static final String DEBERTA =
      """
      {"model_type": "ted-deberta-v2", "vocab_size": 20, "hidden_size": 16,
       "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
       "max_position_embeddings": 40, "type_vocab_size": 0, "initializer_range": 0.3,
       "relative_attention": true, "position_buckets": 4, "norm_rel_ebd": "layer_norm",
       "share_att_key": true, "pos_att_type": "p2c|c2p", "position_biased_input": false,
       "filter_interval": 1, "filter_output_dim": 24, "train_filters": false,
       "id2label": {"0": "bad", "1": "good"}}""";

  public static final String DEBERTA_CONV =
      """
      {"model_type": "deberta-v2", "vocab_size": 20, "hidden_size": 16, "embedding_size": 12,
       "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24,
       "max_position_embeddings": 40, "type_vocab_size": 2, "initializer_range": 0.3,
       "relative_attention": true, "share_att_key": false, "pos_att_type": ["p2c", "c2p"],
       "conv_kernel_size": 3, "conv_act": "gelu", "hidden_act": "gelu_new",
       "id2label": {"0": "score"}}""";

  static final String ROBERTA =
      """
      {"model_type": "roberta", "vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 2,
       "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 40,
       "type_vocab_size": 1, "pad_token_id": 0, "initializer_range": 0.3,
       "id2label": {"0": "bad", "1": "good"}}""";

  static final String ELECTRA =
      """
      {"model_type": "electra", "vocab_size": 20, "hidden_size": 16, "embedding_size": 12,
       "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
       "max_position_embeddings": 40, "initializer_range": 0.3,
       "id2label": {"0": "bad", "1": "so-so", "2": "good"}}""";

  static final String DISTILBERT =
      """
      {"model_type": "distilbert", "vocab_size": 20, "dim": 16, "n_layers": 2, "n_heads": 2,
       "hidden_dim": 32, "max_position_embeddings": 40, "initializer_range": 0.3,
       "sinusoidal_pos_embds": true, "id2label": {"0": "bad", "1": "good"}}""";

  private TinyModels() {}

  static ModelConfig config(String json) {
    try {
      return ModelConfig.parse((ObjectNode) new ObjectMapper().readTree(json), "config.json");
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  static Model model(String json, Head head) {
    return new Model(config(json), head, Optional.empty());
  }

  static Weights random(String json, Head head, long seed) {
    Model model = model(json, head);
    List<Value> parameters = StageGraphs.inference("parameters", model).parameters();
    Map<String, Tensor> weights = new LinkedHashMap<>();
    Initialization initialization = Initialization.of(model.config(), seed);
    for (Value p : parameters) { // biases and norms too: none may be lost unseen
      float[] values = initialization.initialize(p.named(p.name() + "/seed")).toFloats();
      Tensor noise = initialization.initialize(p.named("other/" + p.name()));
      for (int i = 0; i < values.length; i++) {
        values[i] += p.rank() == 1 ? (float) (0.1 * Math.sin(i + p.name().length())) : 0;
      }
      weights.put(p.name(), p.rank() > 1 ? noise : Tensor.ofFloats(p.shape().fixed(), values));
    }
    return new Weights(model, weights);
  }

  /** A classifier, or a regression where the config has one label. */
  public static Weights random(String json, long seed) {
    return random(json, Head.SEQUENCE_CLASSIFICATION, seed);
  }

  /** The same with filters of random weights, as after Stage II. */
  static Weights withFilters(Weights plain, long seed) {
    Model model = plain.model().with(new Filters(1, 24, false));
    Initialization initialization = Initialization.of(model.config(), seed);
    Map<String, Tensor> all = new LinkedHashMap<>(plain.parameters());
    for (Value p : StageGraphs.states("parameters", model).parameters()) {
      all.computeIfAbsent(p.name(), name -> initialization.initialize(p));
    }
    return new Weights(model, all);
  }

  /** A {@code vocab.txt}, from which a tokenizer is made. */
  static Path vocabulary(Path folder) {
    List<String> lines = new ArrayList<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"));
    lines.addAll(WORDS);
    return write(folder.resolve("vocab.txt"), String.join("\n", lines) + "\n");
  }

  /** A Hugging Face folder of a model, tokenizer included. */
  public static Path folder(Path folder, Weights weights) {
    Path vocabulary = vocabulary(folder.resolve("..").normalize());
    Path tokenizerFolder = folder.resolveSibling("tokenizer");
    try (Tokenizer tokenizer = Tokenizer.read(vocabulary, 32)) {
      Files.createDirectories(tokenizerFolder);
      tokenizer.write(tokenizerFolder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    ModelFolder.write(
        folder,
        weights.model().config().json(),
        weights.parameters(),
        ModelFolder.tokenizerFiles(tokenizerFolder));
    return folder;
  }

  /** Sentences of the vocabulary's words, with labels below {@code classes}. */
  public static Path tsv(Path file, int rows, int classes) {
    StringBuilder text = new StringBuilder("sentence\tlabel\n");
    for (int row = 0; row < rows; row++) {
      int start = row;
      IntStream.range(0, 1 + row % 7)
          .mapToObj(i -> WORDS.get((start * 3 + i * i) % WORDS.size()).replace("##", ""))
          .forEach(word -> text.append(word).append(' '));
      text.append('\t').append((row * row + row / 2) % classes).append('\n');
    }
    return write(file, text.toString());
  }

  /** The message of the error that bad input is. */
  static String refusal(Executable action) {
    return String.valueOf(assertThrows(UserError.class, action).getMessage());
  }

  /** A file with this text. */
  public static Path write(Path file, String text) {
    try {
      return Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
