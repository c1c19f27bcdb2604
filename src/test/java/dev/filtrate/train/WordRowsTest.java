package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Randomness;
import dev.filtrate.data.Example;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.AdamW;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.Objective;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.runtime.TrainingSession;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WordRowsTest {
  private static final double RATE = 0.01;
  private static final int STEPS = 12;
  private static final List<Integer> WORDS = List.of(3, 7, 8, 20, 38);

  private static Model model(String type, int pad) throws IOException {
    String json =
        """
        {"model_type": "%s", "vocab_size": 40, "hidden_size": 8, "num_hidden_layers": 1,
         "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 16,
         "dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 16, "pad_token_id": %d,
         "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0, "dropout": 0,
         "seq_classif_dropout": 0, "attention_dropout": 0, "initializer_range": 0.2}
        """
            .formatted(type, pad);
    ModelConfig config = ModelConfig.parse((ObjectNode) new ObjectMapper().readTree(json), "test");
    return new Model(config, Head.SEQUENCE_CLASSIFICATION, Optional.empty());
  }

  private static WordRows rows(List<Integer> words, Model model) {
    long[] ids = words.stream().mapToLong(Integer::longValue).toArray();
    EncodedExamples text =
        EncodedExamples.of(
            new Encoded.Builder().add(ids, new long[ids.length]).build(),
            List.of(new Example("", null, 0)),
            ProblemType.SINGLE_LABEL_CLASSIFICATION,
            model.config().common().padTokenId());
    return WordRows.usedBy(List.of(text), model.config());
  }

  private static Graph gradients(Model model) {
    return StageGraphs.gradients("gradients", model, Objective.task(), n -> true, false);
  }

  private static Map<String, Tensor> batch(long number, int pad) {
    Randomness random = Randomness.of(number, "ids");
    long[] ids = new long[12];
    long[] mask = new long[12];
    for (int i = 0; i < ids.length; i++) {
      boolean padding = i > 9;
      ids[i] = padding ? pad : WORDS.get(random.nextInt(WORDS.size()));
      mask[i] = padding ? 0 : 1;
    }
    long[] grid = {2, 6};
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    feeds.put("input_ids", Tensor.ofLongs(grid, ids));
    feeds.put("attention_mask", Tensor.ofLongs(grid, mask));
    feeds.put("token_type_ids", Tensor.zeros(DType.INT64, grid));
    feeds.put("labels", Tensor.ofLongs(new long[] {2}, 0, 1));
    return feeds;
  }

  private interface Feeding {
    Map<String, Tensor> feeds(Map<String, Tensor> whole);
  }

  private static Map<String, Tensor> train(
      Model model, AdamW optimizer, Map<String, Tensor> weights, int pad, Feeding feeding) {
    Engine engine = new Engine(Target.ORT, RuntimeOptions.defaults().withThreads(1));
    Graph gradients = gradients(model);
    try (TrainingSession session = engine.training(gradients, optimizer, weights)) {
      for (int step = 1; step <= STEPS; step++) {
        Map<String, Tensor> feeds = feeding.feeds(batch(step, pad));
        feeds.keySet().removeIf(input -> gradients.input(input).isEmpty());
        session.accumulate(feeds, Map.of(), 0);
        session.step(RATE, step);
      }
      return session.parameters().download();
    }
  }

  @Tag("ort")
  @ParameterizedTest
  @CsvSource({"bert, 0", "bert, 5", "roberta, 1", "electra, 0", "distilbert, 2", "deberta-v2, 0"})
  void trainingTheRowsInUseGivesTheParametersOfTrainingAll(String type, int pad)
      throws IOException {
    Model model = model(type, pad);
    AdamW optimizer = AdamW.with(0.5, OptionalDouble.of(0.3));
    Map<String, Tensor> start = Outline.random(model, gradients(model).parameters());
    WordRows rows = rows(WORDS, model);

    Map<String, Tensor> all = train(model, optimizer, start, pad, LinkedHashMap::new);
    Map<String, Tensor> some =
        train(rows.model(model), optimizer, rows.gather(start), pad, rows::feeds);
    Map<String, Tensor> found = rows.scatter(some, start, Math.pow(optimizer.decay(RATE), STEPS));

    assertEquals(all.keySet(), found.keySet());
    String words = model.config().wordEmbeddings();
    long kept = pad + 1 + WORDS.stream().filter(word -> word > pad).count();
    assertEquals(kept, get(some, words).dims()[0]);
    all.forEach(
        (name, expected) -> {
          if (!name.contains("key")) { // where the true gradient is 0, rounding alone moves a bias
            assertArrayEquals(expected.toFloats(), get(found, name).toFloats(), 2e-5f, name);
          }
        });
    assertArrayEquals(row(get(all, words), 39), row(get(found, words), 39), 1e-6f);
  }

  private static Tensor get(Map<String, Tensor> tensors, String name) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  private static float[] row(Tensor table, int row) {
    float[] values = new float[(int) table.dims()[1]];
    table.floats().position(row * values.length).get(values);
    return values;
  }

  @Test
  void paddingAndWhatComesBeforeItKeepTheirNumbers() throws IOException {
    WordRows rows = rows(List.of(9, 30), model("roberta", 1));
    Tensor ids = Tensor.ofLongs(new long[] {1, 4}, 0, 30, 9, 1);
    assertArrayEquals(
        new long[] {0, 3, 2, 1}, get(rows.feeds(Map.of("input_ids", ids)), "input_ids").toLongs());
  }

  @Test
  void aTokenThatNoTextUsesIsNoticed() throws IOException {
    WordRows rows = rows(WORDS, model("bert", 0));
    Tensor ids = Tensor.ofLongs(new long[] {1, 1}, 21);
    assertThrows(IllegalStateException.class, () -> rows.feeds(Map.of("input_ids", ids)));
  }
}
