package dev.filtrate.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Head;
import dev.filtrate.model.ModelConfig;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WeightLoadingTest {
  private final ModelFolder bert = ModelFolder.open(ModelFolderTest.SHARDED);
  private final WeightLoading loading = WeightLoading.of(bert.config(), 42);
  private final List<Value> classifier = Parameters.of(bert.config(), Head.SEQUENCE_CLASSIFICATION);
  private final List<Value> answering = Parameters.of(bert.config(), Head.QUESTION_ANSWERING);
  private final Map<String, Tensor> tensors = new LinkedHashMap<>(bert.tensors());

  @Test
  void aCheckpointOfTheSameModelIsTakenAsItIs() {
    LoadedWeights loaded = loading.load(bert, classifier);
    assertEquals(bert.tensors(), loaded.parameters());
    assertEquals(
        classifier.stream().map(Value::name).toList(), List.copyOf(loaded.parameters().keySet()));
    assertEquals(List.of(), loaded.announcements());
  }

  @Test
  void aMissingHeadIsInitialisedAndAnnounced() {
    tensors.keySet().removeIf(name -> name.startsWith("classifier.") || name.contains("pooler"));
    LoadedWeights loaded = load(classifier);
    assertEquals(
        List.of(
            "bert.pooler.dense.weight",
            "bert.pooler.dense.bias",
            "classifier.weight",
            "classifier.bias"),
        loaded.initialized());
    assertArrayEquals(new float[3], get(loaded, "classifier.bias").toFloats());
    assertEquals(
        Initialization.of(bert.config(), 42).initialize(parameter(classifier, "classifier.weight")),
        get(loaded, "classifier.weight"));
    assertEquals(
        List.of(
            "initialised afresh: bert.pooler.dense.weight, bert.pooler.dense.bias, classifier.weight, classifier.bias"),
        loaded.announcements());
  }

  @Test
  void theHeadOfAnotherTaskIsIgnoredAndListed() {
    LoadedWeights loaded = load(answering);
    assertEquals(List.of("qa_outputs.weight", "qa_outputs.bias"), loaded.initialized());
    assertEquals(
        List.of(
            "in the checkpoint but not used: bert.pooler.dense.bias, bert.pooler.dense.weight, classifier.bias, classifier.weight"),
        loaded.announcements().subList(1, 2));
  }

  @Test
  void pretrainingHeadsAndIndexBuffersAreIgnoredAndListed() {
    List<String> extra =
        List.of(
            "cls.predictions.bias",
            "cls.seq_relationship.weight",
            "lm_predictions.lm_head.bias",
            "mask_predictions.dense.weight");
    extra.forEach(name -> tensors.put(name, Tensor.scalar(1f)));
    tensors.put("bert.embeddings.position_ids", Tensor.ofLongs(new long[] {1, 2}, 0, 1));
    LoadedWeights loaded = load(classifier);
    List<String> ignored = new ArrayList<>(extra);
    ignored.add("bert.embeddings.position_ids");
    assertEquals(ignored, loaded.ignored());
    assertEquals(
        List.of("in the checkpoint but not used: " + String.join(", ", ignored)),
        loaded.announcements());
  }

  @Test
  void aBareBackboneGetsItsPrefix() {
    Map<String, Tensor> bare = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (name.startsWith("bert.")) {
            bare.put(name.substring("bert.".length()), tensor);
          }
        });
    bare.put("embeddings.position_ids", Tensor.ofLongs(new long[] {1, 2}, 0, 1));
    LoadedWeights loaded = loading.load("x", bare, classifier);
    assertEquals(List.of("classifier.weight", "classifier.bias"), loaded.initialized());
    assertEquals(List.of("embeddings.position_ids"), loaded.ignored());
    assertEquals(tensors.get("bert.pooler.dense.weight"), get(loaded, "bert.pooler.dense.weight"));

    bare.put("encoder.layer.7.output.dense.bias", Tensor.zeros(DType.FLOAT, 8));
    assertEquals(
        "x: the weights do not fit the model: not in the model are encoder.layer.7.output.dense.bias; use the config.json that belongs to them",
        error(() -> loading.load("x", bare, classifier)));
  }

  @Test
  void oldSpellingsOfLayerNormAreUnderstood() {
    Map<String, Tensor> old = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) ->
            old.put(
                name.replace("LayerNorm.weight", "LayerNorm.gamma")
                    .replace("LayerNorm.bias", "LayerNorm.beta"),
                tensor));
    LoadedWeights loaded = loading.load("x", old, classifier);
    assertEquals(bert.tensors(), loaded.parameters());
    assertEquals(List.of(), loaded.announcements());

    old.put("bert.embeddings.LayerNorm.weight", Tensor.zeros(DType.FLOAT, 8));
    assertEquals(
        "x: tensors 'bert.embeddings.LayerNorm.gamma' and 'bert.embeddings.LayerNorm.weight' stand for the same parameter",
        error(() -> loading.load("x", old, classifier)));
  }

  @Test
  void halfPrecisionIsWidened() {
    String name = "bert.embeddings.LayerNorm.weight";
    byte[] ones = new byte[16]; // bfloat16 1.0 = 0x3f80
    for (int i = 0; i < 8; i++) {
      ones[2 * i] = (byte) 0x80;
      ones[2 * i + 1] = 0x3f;
    }
    tensors.put(name, Tensor.wrap(DType.BFLOAT16, new long[] {8}, java.nio.ByteBuffer.wrap(ones)));
    Tensor widened = get(load(classifier), name);
    assertEquals(Tensor.ofFloats(new long[] {8}, 1, 1, 1, 1, 1, 1, 1, 1), widened);
  }

  @Test
  void integersInPlaceOfWeightsAreRefused() {
    tensors.put("bert.embeddings.LayerNorm.bias", Tensor.ofLongs(new long[] {8}, new long[8]));
    assertEquals(
        "x: tensor 'bert.embeddings.LayerNorm.bias': expected floating-point numbers, found int64",
        error(() -> load(classifier)));
  }

  @Test
  void theBackboneMustFitInBothDirectionsAndOneSentenceNamesAll() {
    tensors.remove("bert.encoder.layer.1.output.dense.weight");
    tensors.remove("bert.encoder.layer.1.output.dense.bias");
    tensors.put("bert.embeddings.word_embeddings.weight", Tensor.zeros(DType.FLOAT, 17, 8));
    tensors.put("bert.encoder.layer.2.output.dense.bias", Tensor.zeros(DType.FLOAT, 8));
    assertEquals(
        "x: the weights do not fit the model: missing are bert.encoder.layer.1.output.dense.weight [8, 12], bert.encoder.layer.1.output.dense.bias [8]; of another shape are bert.embeddings.word_embeddings.weight (expected [16, 8], found [17, 8]); not in the model are bert.encoder.layer.2.output.dense.bias; use the config.json that belongs to them",
        error(() -> load(classifier)));
  }

  @Test
  void theWeightsOfAnotherArchitectureAreNamed() {
    Map<String, Tensor> other = new LinkedHashMap<>();
    tensors.forEach((name, t) -> other.put(name.replace("bert.", "roberta."), t));
    String message = error(() -> loading.load("x", other, classifier));
    assertTrue(
        message.startsWith("x: the weights do not fit the model: missing are bert.embeddings."),
        message);
    assertTrue(
        message.contains(" and 32 more, found are roberta.embeddings.LayerNorm.bias, "), message);
  }

  @Test
  void aHeadWithAnotherNumberOfLabelsNeedsTheFlag() {
    ModelConfig two = bert.config().withLabels(List.of("no", "yes"));
    List<Value> parameters = Parameters.of(two, Head.SEQUENCE_CLASSIFICATION);
    assertEquals(
        "x: the head does not fit the task: classifier.weight (expected [2, 8], found [3, 8]), classifier.bias (expected [2], found [3]); set the labels (or filter_output_dim) that the checkpoint was trained with, or pass --ignore_mismatched_sizes to start it afresh",
        error(() -> load(parameters)));
    LoadedWeights loaded = loading.ignoringMismatchedSizes(true).load("x", tensors, parameters);
    assertEquals(List.of("classifier.weight", "classifier.bias"), loaded.initialized());
    assertEquals("float32[2, 8]", get(loaded, "classifier.weight").toString());
  }

  @Test
  void theFlagDoesNotLoosenTheBackbone() {
    tensors.put("bert.embeddings.word_embeddings.weight", Tensor.zeros(DType.FLOAT, 17, 8));
    assertEquals(
        "x: the weights do not fit the model: of another shape are bert.embeddings.word_embeddings.weight (expected [16, 8], found [17, 8]); use the config.json that belongs to them",
        error(() -> loading.ignoringMismatchedSizes(true).load("x", tensors, classifier)));
  }

  @Test
  void missingFiltersAreInitialisedAndSuperfluousOnesListed() {
    List<Value> every = Parameters.withFilters(bert.config(), 1, 5, false);
    LoadedWeights fresh = load(every);
    assertEquals(12, fresh.initialized().size()); // 2 × (filter, pooler, head) × (weight, bias)
    assertEquals("float32[5, 8]", get(fresh, "bert.encoder.layer.0.filter.weight").toString());
    assertEquals(List.of(), fresh.ignored());

    Map<String, Tensor> stageOne = fresh.parameters();
    assertEquals(List.of(), loading.load("x", stageOne, every).announcements());

    LoadedWeights none = loading.load("x", stageOne, classifier);
    assertEquals(List.of(), none.initialized());
    assertEquals(12, none.ignored().size());
    assertEquals(bert.tensors(), none.parameters());

    List<Value> last = Parameters.withFilters(bert.config(), 2, 5, false);
    assertTrue(
        loading.load("x", stageOne, last).ignored().contains("bert.encoder.layer.0.filter.bias"));
  }

  @Test
  void filtersOfAnotherWidthOrKindAreRefused() {
    Map<String, Tensor> linear =
        load(Parameters.withFilters(bert.config(), 2, 5, false)).parameters();
    String width =
        error(() -> loading.load("x", linear, Parameters.withFilters(bert.config(), 2, 6, false)));
    assertTrue(
        width.contains("bert.encoder.layer.1.filter.weight (expected [6, 8], found [5, 8])"),
        width);
    List<Value> nonlinear = Parameters.withFilters(bert.config(), 2, 5, true);
    assertEquals(
        "x: expected bert.encoder.layer.1.filter.0.weight, found a filter of the other kind, bert.encoder.layer.1.filter.weight; set filter_nonlinear as it was when the filters were learnt, or pass --ignore_mismatched_sizes to start them afresh",
        error(() -> loading.load("x", linear, nonlinear)));
    LoadedWeights afresh = loading.ignoringMismatchedSizes(true).load("x", linear, nonlinear);
    assertTrue(afresh.initialized().contains("bert.encoder.layer.1.filter.0.weight"));
  }

  @Test
  void leftoversOfDebertasPretrainingAreIgnored() throws Exception {
    ObjectNode json =
        (ObjectNode)
            new ObjectMapper()
                .readTree(
                    """
                    {"model_type": "deberta-v2", "vocab_size": 16, "hidden_size": 8,
                     "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12,
                     "max_position_embeddings": 10, "position_biased_input": false,
                     "relative_attention": true, "position_buckets": 4, "share_att_key": true,
                     "pos_att_type": "p2c|c2p", "norm_rel_ebd": "layer_norm"}
                    """);
    ModelConfig config = ModelConfig.parse(json, "config.json");
    WeightLoading deberta = WeightLoading.of(config, 1);
    List<Value> parameters = Parameters.of(config, Head.SEQUENCE_CLASSIFICATION);
    Map<String, Tensor> pretrained =
        new LinkedHashMap<>(deberta.initialization().initialize(parameters));
    pretrained.keySet().removeIf(n -> n.startsWith("pooler.") || n.startsWith("classifier."));
    List<String> leftovers =
        List.of(
            "deberta.embeddings.position_embeddings.weight",
            "deberta.embeddings.position_embeddings._weight",
            "deberta.embeddings.word_embeddings._weight",
            "mask_predictions.classifier.weight");
    leftovers.forEach(name -> pretrained.put(name, Tensor.zeros(DType.FLOAT, 1, 1)));
    LoadedWeights loaded = deberta.load("x", pretrained, parameters);
    assertEquals(leftovers, loaded.ignored());
    assertEquals(
        List.of("pooler.dense.weight", "pooler.dense.bias", "classifier.weight", "classifier.bias"),
        loaded.initialized());
  }

  @ParameterizedTest
  @CsvSource({
    "roberta, lm_head.dense.weight lm_head.layer_norm.bias roberta.pooler.dense.weight",
    "electra, discriminator_predictions.dense.weight discriminator_predictions.dense.bias",
    "distilbert, vocab_transform.weight vocab_layer_norm.weight vocab_projector.bias"
  })
  void pretrainedModelsOfOtherFamiliesStartATask(String type, String heads)
      throws JsonProcessingException {
    String json =
        """
        {"model_type": "%s", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1,
         "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 16,
         "hidden_dim": 12}"""
            .formatted(type);
    ModelConfig config =
        ModelConfig.parse((ObjectNode) new ObjectMapper().readTree(json), "config.json");
    List<Value> parameters = Parameters.of(config, Head.SEQUENCE_CLASSIFICATION);
    Map<String, Tensor> whole = Initialization.of(config, 1).initialize(parameters);
    Map<String, Tensor> pretrained = new LinkedHashMap<>(whole);
    pretrained.keySet().removeIf(name -> name.contains("classifier"));
    List<String> extra = new ArrayList<>(List.of(heads.split(" ")));
    extra.forEach(name -> pretrained.put(name, Tensor.zeros(DType.FLOAT, 1)));
    extra.add(type + ".embeddings.position_ids");
    pretrained.put(type + ".embeddings.position_ids", Tensor.ofLongs(new long[] {1, 2}, 0, 1));
    LoadedWeights loaded = WeightLoading.of(config, 1).load("x", pretrained, parameters);
    assertEquals(whole, loaded.parameters());
    assertEquals(extra, loaded.ignored());
    assertEquals(4, loaded.initialized().size(), loaded.initialized() + "");

    pretrained.remove(type + ".embeddings.word_embeddings.weight");
    assertEquals(
        "x: the weights do not fit the model: missing are "
            + type
            + ".embeddings.word_embeddings.weight [9, "
            + (type.equals("electra") ? 128 : 8)
            + "]; use the config.json that belongs to them",
        error(() -> WeightLoading.of(config, 1).load("x", pretrained, parameters)));
  }

  private LoadedWeights load(List<Value> parameters) {
    return loading.load("x", tensors, parameters);
  }

  private static Value parameter(List<Value> parameters, String name) {
    return parameters.stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
  }

  private static Tensor get(LoadedWeights loaded, String name) {
    return Objects.requireNonNull(loaded.parameters().get(name), name);
  }

  private static String error(org.junit.jupiter.api.function.Executable call) {
    return String.valueOf(assertThrows(UserError.class, call).getMessage());
  }
}
