package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.Randomness;
import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.graph.Tensor;
import dev.filtrate.train.TinyTask;
import dev.filtrate.weights.ModelFolder;
import dev.filtrate.weights.TorchFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Folders as the TED release publishes them, {@code …-stage1} and {@code …-stage2}: a pickle with
 * filters, poolers and heads under the released names, and the config of its own model type.
 */
@Tag("ort")
class ReleasedCheckpointTest {
  private static final int LAYERS = 2;

  @TempDir private static Path folder;
  private static TinyTask task;

  @BeforeAll
  static void publish() throws IOException {
    task = new TinyTask(folder);
    publish("teacher-stage1", 16, true);
    publish("student-stage1", 8, true);
    publish("student-stage2", 8, false);
  }

  private static void publish(String name, int width, boolean stageOne) throws IOException {
    Path out = Files.createDirectory(folder.resolve(name));
    Files.writeString(
        out.resolve("config.json"),
        """
        {"architectures": ["TEDDebertaV2ForSequenceClassification"], "model_type": "ted-deberta-v2",
         "train_filters": %s, "filter_interval": 1, "filter_output_dim": %s,
         "filter_nonlinear": false, "filter_disabled": false, "torch_dtype": "float32",
         "transformers_version": "4.28.0", "id2label": {"0": 0, "1": 1}, "label2id": {"0": 0, "1": 1},
         "vocab_size": 17, "hidden_size": %d, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 20, "type_vocab_size": 0, "position_biased_input": false,
         "position_buckets": 4, "max_relative_positions": -1, "max_position_embeddings": 16,
         "relative_attention": true, "share_att_key": true, "pos_att_type": ["p2c", "c2p"],
         "norm_rel_ebd": "layer_norm", "layer_norm_eps": 1e-7, "pooler_dropout": 0,
         "pooler_hidden_act": "gelu", "pooler_hidden_size": %d, "pad_token_id": 0}
        """
            .formatted(stageOne, width == 16 ? "null" : "16", width, width));
    TorchFile.write(out.resolve("pytorch_model.bin"), stateDict(width, stageOne));
  }

  /** The keys and shapes of a released state dict, in its order. */
  private static Map<String, Tensor> stateDict(int h, boolean stageOne) {
    Map<String, Tensor> all = new LinkedHashMap<>();
    all.put("deberta.embeddings.position_ids", Tensor.ofLongs(new long[] {1, 4}, 0, 1, 2, 3));
    put(all, "deberta.embeddings.word_embeddings.weight", 17, h);
    pair(all, "deberta.embeddings.LayerNorm", h);
    for (int i = 0; i < LAYERS; i++) {
      String layer = "deberta.encoder.layer." + i + ".";
      for (String part : List.of("query_proj", "key_proj", "value_proj")) {
        pair(all, layer + "attention.self." + part, h, h);
      }
      pair(all, layer + "attention.output.dense", h, h);
      pair(all, layer + "attention.output.LayerNorm", h);
      pair(all, layer + "intermediate.dense", 20, h);
      pair(all, layer + "output.dense", h, 20);
      pair(all, layer + "output.LayerNorm", h);
      pair(all, layer + "filter", 16, h);
    }
    put(all, "deberta.encoder.rel_embeddings.weight", 8, h);
    pair(all, "deberta.encoder.LayerNorm", h);
    pair(all, "pooler.dense", h, h);
    pair(all, "classifier", 2, h);
    for (int k = 0; k < LAYERS && stageOne; k++) {
      pair(all, "filter_pooler." + k + ".dense", 16, 16);
      pair(all, "filter_head." + k, 2, 16);
    }
    return all;
  }

  private static void pair(Map<String, Tensor> all, String name, long... dims) {
    put(all, name + ".weight", dims);
    put(all, name + ".bias", dims[0]);
  }

  private static void put(Map<String, Tensor> all, String name, long... dims) {
    float[] values = new float[(int) Tensor.count(dims)];
    Randomness.of(7, name + dims.length).fillNormal(values, 0.2);
    all.put(name, Tensor.ofFloats(dims, values));
  }

  private static Outcome stage(String command, String out, String... flags) {
    List<String> all = new ArrayList<>(List.of(command));
    for (String flag : flags) {
      all.add(flag.replace("@", folder + "/"));
    }
    all.addAll(
        List.of(
            "--train_file=" + task.file("train.tsv"),
            "--validation_file=" + task.file("dev.tsv"),
            "--tokenizer_name=" + task.file("vocab.txt"),
            "--max_length=16",
            "--max_train_steps=2",
            "--threads=1",
            "--output_dir=" + folder.resolve(out)));
    Outcome outcome = Captured.filtrate(all.toArray(String[]::new));
    assertEquals(0, outcome.code(), outcome.err());
    assertFalse(outcome.err().contains("initialised afresh"), outcome.err());
    return outcome;
  }

  private static void assertReleased(String out, boolean stageOne) throws IOException {
    JsonNode config = config(out);
    assertEquals("ted-deberta-v2", config.path("model_type").asText());
    assertEquals(
        "[\"TEDDebertaV2ForSequenceClassification\"]", config.path("architectures").toString());
    assertEquals(stageOne, config.path("train_filters").booleanValue());
    assertEquals(1, config.path("filter_interval").intValue());
    assertEquals(16, config.path("filter_output_dim").intValue());
    assertFalse(config.path("filter_nonlinear").booleanValue());
    assertFalse(config.path("filter_disabled").booleanValue());
    Map<String, Tensor> expected = stateDict(8, stageOne);
    expected.remove("deberta.embeddings.position_ids");
    Map<String, Tensor> found = ModelFolder.open(folder.resolve(out)).tensors();
    assertEquals(new TreeSet<>(expected.keySet()), new TreeSet<>(found.keySet()));
    found.forEach(
        (name, tensor) ->
            assertEquals(Objects.requireNonNull(expected.get(name)).shape(), tensor.shape(), name));
  }

  private static JsonNode config(String out) throws IOException {
    return new ObjectMapper().readTree(folder.resolve(out).resolve("config.json").toFile());
  }

  @Test
  void theReleasedStageOneTeachesAndStartsStageTwo() throws IOException {
    Outcome outcome =
        stage(
            "distill",
            "ted",
            "--method=ted",
            "--teacher_model_name_or_path=@teacher-stage1",
            "--model_name_or_path=@student-stage1",
            "--mse_alpha=1",
            "--kl_alpha=1");
    assertTrue(
        outcome
            .err()
            .contains(
                "in the checkpoint but not used: deberta.embeddings.position_ids, filter_pooler.0.dense.weight"),
        outcome.err());
    assertReleased("ted", false);
    stage(
        "distill",
        "ted-again",
        "--method=ted",
        "--teacher_model_name_or_path=@teacher-stage1",
        "--model_name_or_path=@ted",
        "--mse_alpha=1");
    assertReleased("ted-again", false);
  }

  @Test
  void theReleasedStageTwoIsAStudentToo() throws IOException {
    stage(
        "distill",
        "kd",
        "--method=kd",
        "--teacher_model_name_or_path=@teacher-stage1",
        "--model_name_or_path=@student-stage2",
        "--kl_alpha=1");
    JsonNode config = config("kd");
    assertEquals("deberta-v2", config.path("model_type").asText());
    assertEquals(
        "[\"DebertaV2ForSequenceClassification\"]", config.path("architectures").toString());
    assertFalse(config.has("filter_interval"));
    stage("finetune", "tuned", "--model_name_or_path=@student-stage2");
    assertEquals("deberta-v2", config("tuned").path("model_type").asText());
    Outcome answer =
        Captured.filtrate(
            "predict",
            "--model_name_or_path=" + folder.resolve("student-stage2"),
            "--tokenizer_name=" + task.file("vocab.txt"),
            "--max_length=16",
            "the film was good");
    assertEquals(0, answer.code(), answer.err());
    assertTrue(answer.out().matches("[01]\t0\\.\\d{4}\tthe film was good\n"), answer.out());
  }

  @Test
  void stageOneGoesOnWithTheFiltersAndHeadsThatAreThere() throws IOException {
    stage(
        "learn-filters",
        "on",
        "--model_name_or_path=@student-stage1",
        "--filter_output_dim=16",
        "--learning_rate=1e-9");
    assertReleased("on", true);
    Map<String, Tensor> before = stateDict(8, true);
    ModelFolder.open(folder.resolve("on"))
        .tensors()
        .forEach(
            (name, tensor) ->
                assertEquals(
                    Objects.requireNonNull(before.get(name)).get(0), tensor.get(0), 1e-6, name));
  }
}
