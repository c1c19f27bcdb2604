package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.weights.ModelFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a stage's folder says about its model, and under which names. */
class WrittenFolderTest {
  private static final String DEBERTA =
      """
      {"model_type": "ted-deberta-v2", "filter_interval": 7, "train_filters": true, "vocab_size": 9,
       "hidden_size": 4, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 6,
       "position_biased_input": false, "relative_attention": true, "position_buckets": 4,
       "max_position_embeddings": 8}""";

  @TempDir private Path folder;

  private ModelFolder write(String config, Head head, Optional<Filters> filters, boolean stageOne)
      throws IOException {
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(config);
    Model plain = new Model(ModelConfig.parse(json, "config"), head, Optional.empty());
    Weights weights = new Weights(plain, Weights.random(plain, 1).parameters());
    filters.map(f -> weights.with(f, 1, stageOne)).orElse(weights).write(folder, List.of());
    return ModelFolder.open(folder);
  }

  private static Set<String> filterNames(ModelFolder written) {
    return written.tensors().keySet().stream().filter(Filters::owns).collect(Collectors.toSet());
  }

  private static String json(ModelFolder written, String key) {
    return written.config().json().path(key).toString();
  }

  @Test
  void stageOneForQuestionsHasHeadsButNoPoolersUnderTheReleasedNames() throws IOException {
    Filters filters = new Filters(2, 5, false);
    ModelFolder written = write(DEBERTA, Head.QUESTION_ANSWERING, Optional.of(filters), true);
    assertEquals("\"ted-deberta-v2\"", json(written, "model_type"));
    assertEquals("[\"TEDDebertaV2ForQuestionAnswering\"]", json(written, "architectures"));
    assertEquals("true", json(written, "train_filters"));
    assertEquals("2", json(written, "filter_interval"));
    assertEquals("5", json(written, "filter_output_dim"));
    assertEquals(
        Set.of(
            "deberta.encoder.layer.1.filter.weight",
            "deberta.encoder.layer.1.filter.bias",
            "filter_head.0.weight",
            "filter_head.0.bias"),
        filterNames(written));
  }

  @Test
  void nonlinearFiltersOfStageTwoHaveTwoLayersUnderTheReleasedNames() throws IOException {
    Filters filters = new Filters(2, 5, true);
    ModelFolder written = write(DEBERTA, Head.SEQUENCE_CLASSIFICATION, Optional.of(filters), false);
    assertEquals("[\"TEDDebertaV2ForSequenceClassification\"]", json(written, "architectures"));
    assertEquals("false", json(written, "train_filters"));
    assertEquals("true", json(written, "filter_nonlinear"));
    assertEquals(
        Set.of(
            "deberta.encoder.layer.1.filter.0.weight",
            "deberta.encoder.layer.1.filter.0.bias",
            "deberta.encoder.layer.1.filter.2.weight",
            "deberta.encoder.layer.1.filter.2.bias"),
        filterNames(written));
  }

  @Test
  void withoutFiltersItIsWhatTransformersKnows() throws IOException {
    ModelFolder written = write(DEBERTA, Head.SEQUENCE_CLASSIFICATION, Optional.empty(), false);
    assertEquals("\"deberta-v2\"", json(written, "model_type"));
    assertEquals("[\"DebertaV2ForSequenceClassification\"]", json(written, "architectures"));
    assertFalse(written.config().json().has("filter_interval"));
    assertFalse(written.config().json().has("train_filters"));
  }

  @Test
  void familiesThatTheReleaseDoesNotHaveKeepTheirType() throws IOException {
    Filters filters = new Filters(1, 5, false);
    ModelFolder written =
        write(TinyTask.BERT_STUDENT, Head.SEQUENCE_CLASSIFICATION, Optional.of(filters), false);
    assertEquals("\"bert\"", json(written, "model_type"));
    assertEquals("[\"BertForSequenceClassification\"]", json(written, "architectures"));
    assertEquals("1", json(written, "filter_interval"));
  }
}
