package dev.filtrate.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.UserError;
import dev.filtrate.data.ProblemType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelConfig.Common;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Configs and parameters of the families beside DeBERTa, as transformers has them. */
class FamiliesTest {
  private static final String SMALL =
      "'vocab_size': 9, 'hidden_size': 8, 'num_hidden_layers': 1, 'num_attention_heads': 2,"
          + " 'intermediate_size': 12, 'max_position_embeddings': 16";

  private static final List<String> BERT_LAYER =
      List.of(
          "encoder.layer.0.attention.self.query.weight [8, 8]",
          "encoder.layer.0.attention.self.query.bias [8]",
          "encoder.layer.0.attention.self.key.weight [8, 8]",
          "encoder.layer.0.attention.self.key.bias [8]",
          "encoder.layer.0.attention.self.value.weight [8, 8]",
          "encoder.layer.0.attention.self.value.bias [8]",
          "encoder.layer.0.attention.output.dense.weight [8, 8]",
          "encoder.layer.0.attention.output.dense.bias [8]",
          "encoder.layer.0.attention.output.LayerNorm.weight [8]",
          "encoder.layer.0.attention.output.LayerNorm.bias [8]",
          "encoder.layer.0.intermediate.dense.weight [12, 8]",
          "encoder.layer.0.intermediate.dense.bias [12]",
          "encoder.layer.0.output.dense.weight [8, 12]",
          "encoder.layer.0.output.dense.bias [8]",
          "encoder.layer.0.output.LayerNorm.weight [8]",
          "encoder.layer.0.output.LayerNorm.bias [8]");

  private static ModelConfig config(String json) {
    try {
      String text = "{" + json.replace('\'', '"') + "}";
      return ModelConfig.parse((ObjectNode) new ObjectMapper().readTree(text), "config.json");
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static ModelConfig of(String type, String more) {
    return config("'model_type': '" + type + "', " + more);
  }

  private static String refusal(String type, String more) {
    return String.valueOf(assertThrows(UserError.class, () -> of(type, more)).getMessage());
  }

  /** Inputs and parameters of a model with its filters' heads. */
  private static Graph graph(ModelConfig config, Head head, Optional<Filters> filters) {
    GraphBuilder g = new GraphBuilder();
    Model model = new Model(config, head, filters);
    Model.Outputs out = model.emit(g, ModelInputs.declare(g, config), true);
    Map<String, Value> outputs = new LinkedHashMap<>(out.logits());
    for (int k = 0; k < out.filterLogits().size(); k++) {
      String end = "." + k;
      out.filterLogits().get(k).forEach((name, value) -> outputs.put(name + end, value));
    }
    return g.build("model", outputs);
  }

  private static List<String> parameters(ModelConfig config, Head head) {
    return shown(graph(config, head, Optional.empty()));
  }

  private static List<String> shown(Graph graph) {
    return graph.parameters().stream().map(p -> p.name() + " " + p.shape()).toList();
  }

  private static List<String> inputs(ModelConfig config) {
    return graph(config, Head.SEQUENCE_CLASSIFICATION, Optional.empty()).inputs().stream()
        .map(Value::name)
        .toList();
  }

  private static List<String> under(String prefix, List<String> names) {
    return names.stream().map(name -> prefix + "." + name).toList();
  }

  private static void assertSame(List<String> expected, List<String> actual) {
    assertEquals(expected.stream().sorted().toList(), actual.stream().sorted().toList());
  }

  @Test
  void robertaHasTheParametersOfTransformers() {
    ModelConfig roberta = of("roberta", SMALL + ", 'type_vocab_size': 1, 'num_labels': 3");
    List<String> backbone =
        new ArrayList<>(
            List.of(
                "roberta.embeddings.word_embeddings.weight [9, 8]",
                "roberta.embeddings.position_embeddings.weight [16, 8]",
                "roberta.embeddings.token_type_embeddings.weight [1, 8]",
                "roberta.embeddings.LayerNorm.weight [8]",
                "roberta.embeddings.LayerNorm.bias [8]"));
    backbone.addAll(under("roberta", BERT_LAYER));
    List<String> classifier = new ArrayList<>(backbone);
    classifier.addAll(
        List.of(
            "classifier.dense.weight [8, 8]",
            "classifier.dense.bias [8]",
            "classifier.out_proj.weight [3, 8]",
            "classifier.out_proj.bias [3]"));
    assertSame(classifier, parameters(roberta, Head.SEQUENCE_CLASSIFICATION));
    backbone.addAll(List.of("qa_outputs.weight [2, 8]", "qa_outputs.bias [2]"));
    assertSame(backbone, parameters(roberta, Head.QUESTION_ANSWERING));
    assertEquals(List.of("input_ids", "attention_mask"), inputs(roberta));
  }

  @Test
  void electraHasTheParametersOfTransformers() {
    ModelConfig electra = of("electra", SMALL + ", 'embedding_size': 4");
    List<String> expected =
        new ArrayList<>(
            List.of(
                "electra.embeddings.word_embeddings.weight [9, 4]",
                "electra.embeddings.position_embeddings.weight [16, 4]",
                "electra.embeddings.token_type_embeddings.weight [2, 4]",
                "electra.embeddings.LayerNorm.weight [4]",
                "electra.embeddings.LayerNorm.bias [4]",
                "electra.embeddings_project.weight [8, 4]",
                "electra.embeddings_project.bias [8]",
                "classifier.dense.weight [8, 8]",
                "classifier.dense.bias [8]",
                "classifier.out_proj.weight [2, 8]",
                "classifier.out_proj.bias [2]"));
    expected.addAll(under("electra", BERT_LAYER));
    assertSame(expected, parameters(electra, Head.SEQUENCE_CLASSIFICATION));
    assertEquals(List.of("input_ids", "attention_mask", "token_type_ids"), inputs(electra));
    List<String> square =
        parameters(of("electra", SMALL + ", 'embedding_size': 8"), Head.QUESTION_ANSWERING);
    assertFalse(square.stream().anyMatch(name -> name.contains("embeddings_project")));
  }

  @Test
  void distilBertHasTheParametersOfTransformers() {
    ModelConfig distilbert =
        of(
            "distilbert",
            "'vocab_size': 9, 'dim': 8, 'n_layers': 1, 'n_heads': 2, 'hidden_dim': 12,"
                + " 'max_position_embeddings': 16, 'type_vocab_size': 2");
    List<String> layer =
        List.of(
            "attention.q_lin.weight [8, 8]",
            "attention.q_lin.bias [8]",
            "attention.k_lin.weight [8, 8]",
            "attention.k_lin.bias [8]",
            "attention.v_lin.weight [8, 8]",
            "attention.v_lin.bias [8]",
            "attention.out_lin.weight [8, 8]",
            "attention.out_lin.bias [8]",
            "sa_layer_norm.weight [8]",
            "sa_layer_norm.bias [8]",
            "ffn.lin1.weight [12, 8]",
            "ffn.lin1.bias [12]",
            "ffn.lin2.weight [8, 12]",
            "ffn.lin2.bias [8]",
            "output_layer_norm.weight [8]",
            "output_layer_norm.bias [8]");
    List<String> backbone =
        new ArrayList<>(
            List.of(
                "distilbert.embeddings.word_embeddings.weight [9, 8]",
                "distilbert.embeddings.position_embeddings.weight [16, 8]",
                "distilbert.embeddings.LayerNorm.weight [8]",
                "distilbert.embeddings.LayerNorm.bias [8]"));
    backbone.addAll(under("distilbert.transformer.layer.0", layer));
    List<String> classifier = new ArrayList<>(backbone);
    classifier.addAll(
        List.of(
            "pre_classifier.weight [8, 8]",
            "pre_classifier.bias [8]",
            "classifier.weight [2, 8]",
            "classifier.bias [2]"));
    assertSame(classifier, parameters(distilbert, Head.SEQUENCE_CLASSIFICATION));
    backbone.addAll(List.of("qa_outputs.weight [2, 8]", "qa_outputs.bias [2]"));
    assertSame(backbone, parameters(distilbert, Head.QUESTION_ANSWERING));
    assertEquals(List.of("input_ids", "attention_mask"), inputs(distilbert));
  }

  @ParameterizedTest
  @CsvSource({
    "bert, bert.encoder.layer",
    "roberta, roberta.encoder.layer",
    "electra, electra.encoder.layer",
    "distilbert, distilbert.transformer.layer"
  })
  void filtersSitInTheLayersOfEveryFamilyWithPoolersAndHeadsOfTheirOwn(String type, String layer) {
    ModelConfig config = of(type, SMALL + ", 'hidden_dim': 12").withLayers(2);
    Optional<Filters> filters = Optional.of(new Filters(2, 6, false));
    List<String> classification =
        shown(graph(config, Head.SEQUENCE_CLASSIFICATION, filters)).stream()
            .filter(Filters::owns)
            .toList();
    assertSame(
        List.of(
            layer + ".1.filter.weight [6, 8]",
            layer + ".1.filter.bias [6]",
            "filter_pooler.0.dense.weight [6, 6]",
            "filter_pooler.0.dense.bias [6]",
            "filter_head.0.weight [2, 6]",
            "filter_head.0.bias [2]"),
        classification);
    List<String> answering =
        shown(graph(config, Head.QUESTION_ANSWERING, filters)).stream()
            .filter(Filters::owns)
            .toList();
    assertFalse(answering.stream().anyMatch(name -> name.startsWith("filter_pooler")));
  }

  @Test
  void absentKeysAreTransformersDefaults() {
    Common roberta = config("'model_type': 'roberta'").common();
    assertEquals(50265, roberta.vocabSize());
    assertEquals(768, roberta.hiddenSize());
    assertEquals(512, roberta.maxPositionEmbeddings());
    assertEquals(2, roberta.typeVocabSize());
    assertEquals(1, roberta.padTokenId());
    assertEquals(1e-12, roberta.layerNormEps());
    BertConfig electra = (BertConfig) config("'model_type': 'electra'");
    assertEquals(128, electra.embeddingSize());
    assertEquals(256, electra.hiddenSize());
    assertEquals(4, electra.common().numAttentionHeads());
    assertEquals(1024, electra.common().intermediateSize());
    assertEquals(0.1, electra.classifierDropout());
    DistilBertConfig distilbert = (DistilBertConfig) config("'model_type': 'distilbert'");
    assertEquals(6, distilbert.numHiddenLayers());
    assertEquals(3072, distilbert.common().intermediateSize());
    assertEquals(0.2, distilbert.classifierDropout());
    assertEquals(0.1, distilbert.answerDropout());
    assertEquals(Positions.COUNTED, distilbert.positions());
  }

  @Test
  void distilBertUnderstandsTheUsualNamesOfItsSizes() {
    ModelConfig aliased = of("distilbert", SMALL + ", 'dim': 4, 'n_layers': 5");
    assertEquals(8, aliased.hiddenSize());
    assertEquals(1, aliased.numHiddenLayers());
    assertEquals(8, aliased.json().path("dim").asInt());
    assertFalse(aliased.json().has("hidden_size"));
    assertEquals(3, aliased.withLayers(3).numHiddenLayers());
  }

  @Test
  void aTaskReplacesAnotherOne() {
    ModelConfig scores = of("bert", SMALL + ", 'num_labels': 1, 'problem_type': 'regression'");
    ModelConfig classes =
        scores.withTask(ProblemType.SINGLE_LABEL_CLASSIFICATION, List.of("a", "b", "c"));
    assertEquals(ProblemType.SINGLE_LABEL_CLASSIFICATION, classes.problemType());
    assertEquals(List.of("a", "b", "c"), classes.common().labels());
    assertFalse(classes.json().has("problem_type"));
    ModelConfig several = classes.withTask(ProblemType.MULTI_LABEL_CLASSIFICATION, List.of("a"));
    assertEquals(ProblemType.MULTI_LABEL_CLASSIFICATION, several.problemType());
    assertEquals(
        ProblemType.REGRESSION,
        several.withTask(ProblemType.REGRESSION, List.of("LABEL_0")).problemType());
  }

  @Test
  void positionsOfRobertaStartAfterPadding() {
    assertEquals(OptionalInt.of(512), of("roberta", "'max_position_embeddings': 514").longest());
    assertEquals(OptionalInt.of(512), config("'model_type': 'bert'").longest());
    assertEquals(OptionalInt.of(512), config("'model_type': 'deberta-v2'").longest());
    assertEquals(OptionalInt.empty(), of("deberta-v2", "'position_biased_input': false").longest());
  }

  @Test
  void dropoutGoesUnderTheFamilysOwnKeys() {
    for (String type : List.of("bert", "roberta", "electra", "distilbert", "deberta-v2")) {
      ModelConfig config = config("'model_type': '" + type + "'").withDropout(0.5, 0.25, 0.125);
      assertEquals(0.5, config.pooler().dropoutAfter(), type);
      assertEquals(0.25, config.common().hiddenDropoutProb(), type);
      assertEquals(0.125, config.common().attentionProbsDropoutProb(), type);
      ModelConfig frozen = config("'model_type': '" + type + "'").withoutEncoderDropout();
      assertEquals(0, frozen.common().hiddenDropoutProb(), type);
      assertEquals(0, frozen.common().attentionProbsDropoutProb(), type);
      assertEquals(type.equals("distilbert") ? 0.2 : 0.1, frozen.pooler().dropoutAfter(), type);
    }
  }

  @Test
  void valuesThatAreNotImplementedAreRefusedByName() {
    assertEquals(
        "config.json: model_type 'xlnet' is not supported; expected one of bert, deberta-v2,"
            + " distilbert, electra, roberta, ted-deberta-v2",
        refusal("xlnet", SMALL));
    assertEquals(
        "config.json: 'position_embedding_type': \"relative_key\" is not supported; expected"
            + " absolute",
        refusal("electra", "'position_embedding_type': 'relative_key'"));
    assertEquals(
        "config.json: 'is_decoder': true is not supported; expected false: only encoders are"
            + " distilled",
        refusal("roberta", "'is_decoder': true"));
    assertEquals(
        "config.json: 'pad_token_id': -1 is not supported; expected an id of the vocabulary, from"
            + " which positions are counted",
        refusal("roberta", "'pad_token_id': -1"));
    assertEquals(
        "config.json: 'max_position_embeddings': 2 is not supported; expected more than"
            + " pad_token_id + 1, as positions are counted from there",
        refusal("roberta", "'max_position_embeddings': 2"));
    assertEquals(
        "config.json: 'dim' 10 is not a multiple of 'n_heads' 4",
        refusal("distilbert", "'dim': 10, 'n_heads': 4"));
    assertEquals(
        "config.json: 'activation': the activation 'mish' is not supported; use one of gelu,"
            + " gelu_new, gelu_pytorch_tanh, relu, silu, tanh, linear",
        refusal("distilbert", "'activation': 'mish'"));
  }
}
