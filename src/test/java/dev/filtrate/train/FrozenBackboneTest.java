package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Filters;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.weights.Safetensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Stage I with its backbone apart, computed or from a cache, learns what the one graph of backbone
 * and filters learns. (That what this learns is right, reference cases say.)
 */
@Tag("ort")
class FrozenBackboneTest {
  /** The heads drop, the backbone does not, whatever frozen_dropout says. */
  private static final List<String> SETTINGS =
      List.of(
          "compare=[ted]",
          "training.learning_rate=1e-3",
          "training.cls_dropout=0.2",
          "filters.teacher_filter_interval=1",
          "distill.max_train_steps=1");

  private static final String APART = "filters.frozen_dropout=false";

  private static final String DISTILBERT =
      """
      {"model_type": "distilbert", "vocab_size": %d, "dim": 8, "n_layers": 2, "n_heads": 2,\
       "hidden_dim": 16, "max_position_embeddings": 20, "initializer_range": 0.2}""";

  @TempDir private Path folder;
  private String config = "";

  private static String deberta(int vocabulary, String position) {
    return """
        {"model_type": "deberta-v2", "vocab_size": %d, "hidden_size": 8, "num_hidden_layers": 2,\
         "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 20,\
         "type_vocab_size": 0, "relative_attention": true, "position_buckets": 4,\
         "norm_rel_ebd": "layer_norm", "position_biased_input": false,\
         "initializer_range": 0.2, %s}"""
        .formatted(vocabulary, position);
  }

  /** Two layers of a family, small, which are teacher and student. */
  private static String config(String family, int vocabulary) {
    return switch (family) {
      case "bert" ->
          TinyTask.BERT_TEACHER
              .replace("size\": 17", "size\": " + vocabulary)
              .replace("embeddings\": 16", "embeddings\": 20");
      case "deberta-v2" ->
          deberta(
              vocabulary,
              "\"pos_att_type\": [\"p2c\", \"c2p\"], \"conv_kernel_size\": 3, \"conv_act\":"
                  + " \"gelu\"");
      case "deberta-v3" ->
          deberta(vocabulary, "\"pos_att_type\": [\"p2c\", \"c2p\"], \"share_att_key\": true");
      case "distilbert" -> DISTILBERT.formatted(vocabulary);
      default -> throw new IllegalArgumentException(family);
    };
  }

  private TinyFolder task(String family) {
    config = config(family, 17);
    return new TinyTask(folder);
  }

  private TinyFolder questions(String family) {
    config = config(family, 24);
    return new TinySquad(folder);
  }

  private Recipe recipe(TinyFolder task, String name, String... more) {
    List<String> settings = new ArrayList<>(SETTINGS);
    settings.addAll(List.of("teacher.config=" + config, "student.config=" + config));
    settings.addAll(List.of(more));
    return task.recipe(Use.RUN, folder.resolve(name), settings.toArray(String[]::new));
  }

  private Path run(TinyFolder task, String name, String... more) {
    Recipe recipe = recipe(task, name, more);
    TinyTask.run(recipe);
    return recipe.outputDir();
  }

  private Path cached(TinyFolder task, String name, String... more) {
    List<String> settings = new ArrayList<>(List.of(more));
    settings.add(APART);
    settings.add("filters.frozen_cache=" + folder.resolve("cache"));
    return run(task, name, settings.toArray(String[]::new));
  }

  /** The files of teacher and student. */
  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cache"))) {
      return files.sorted().toList();
    }
  }

  private List<ByteBuffer> contents() throws IOException {
    List<ByteBuffer> contents = new ArrayList<>();
    for (Path file : files()) {
      contents.add(ByteBuffer.wrap(Files.readAllBytes(file)));
    }
    return contents;
  }

  /** Every loss of every update of Stage I, its layers' too. */
  private static double[] losses(Path run) throws IOException {
    List<Double> losses = new ArrayList<>();
    for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
      JsonNode json = new ObjectMapper().readTree(line);
      if (json.path("stage").asText().endsWith("/filters")) {
        for (String term : List.of("loss", "pred_loss.0", "pred_loss.1")) {
          losses.add(json.get(term).asDouble());
        }
      }
    }
    assertTrue(losses.size() > 50, losses.toString());
    return losses.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static Map<String, Tensor> learnt(Path run, String who) {
    Path model = run.resolve(who).resolve("filters/model.safetensors");
    return new TreeMap<>(Safetensors.open(model).tensors());
  }

  /** The same losses and parameters; those that Stage I does not train as fine-tuning left them. */
  private static void assertSame(Path expected, Path found) throws IOException {
    assertArrayEquals(losses(expected), losses(found), 2e-5);
    for (String who : List.of("teacher", "student")) {
      Map<String, Tensor> all = learnt(expected, who);
      Map<String, Tensor> tensors = learnt(found, who);
      assertEquals(all.keySet(), tensors.keySet());
      boolean answers = all.containsKey("qa_outputs.weight");
      all.forEach(
          (name, tensor) -> {
            // A bias moves all positions' logits alike: its gradient is 0 but for rounding.
            if (!answers || !name.endsWith(".bias")) {
              float[] values = Objects.requireNonNull(tensors.get(name)).toFloats();
              assertArrayEquals(tensor.toFloats(), values, 1e-4f, name);
            }
          });
      tensors.keySet().removeIf(Filters::owns);
      assertEquals(TinyTask.bits(found.resolve(who).resolve("finetuned")), TinyTask.bits(tensors));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert", "deberta-v2", "deberta-v3", "distilbert"})
  void theSameLossesAndParametersAsInOneGraph(String family) throws IOException {
    TinyFolder task = task(family);
    Path whole = run(task, "whole");
    assertSame(whole, run(task, "apart", APART));
    assertSame(whole, cached(task, "filling"));
    List<ByteBuffer> filled = contents();
    assertEquals(2, filled.size()); // teacher and student
    assertSame(whole, cached(task, "again"));
    assertEquals(filled, contents());
  }

  @Test
  void batchesOfOtherSizesAndLengthsReadTheSameRecords() throws IOException {
    TinyFolder task = task("bert");
    cached(task, "filling");
    List<ByteBuffer> filled = contents();
    String[] others = {
      "teacher.learn_filters.per_device_train_batch_size=7",
      "student.learn_filters.per_device_train_batch_size=3",
      "student.learn_filters.gradient_accumulation_steps=2",
      "teacher.learn_filters.group_by_length=false",
      "student.learn_filters.num_train_epochs=5"
    };
    assertSame(run(task, "whole", others), cached(task, "cached", others));
    assertEquals(filled, contents());
  }

  @Test
  void aDamagedRecordIsComputedAgain() throws IOException {
    TinyFolder task = task("bert");
    Path whole = cached(task, "filling");
    List<ByteBuffer> filled = contents();
    for (Path file : files()) {
      byte[] bytes = Files.readAllBytes(file);
      bytes[bytes.length / 2] ^= 0x10;
      Files.write(file, bytes);
    }
    assertSame(whole, cached(task, "again"));
    List<ByteBuffer> healed = contents();
    for (int i = 0; i < 2; i++) { // in another batch, so to rounding
      assertEquals(filled.get(i).limit(), healed.get(i).limit());
    }
    assertSame(whole, cached(task, "healed"));
    assertEquals(healed, contents());
  }

  /** Records of zeros with their checksums: the backbone is not asked again. */
  @Test
  void whatIsInTheCacheIsWhatFiltersLearnFrom() throws IOException {
    TinyFolder task = task("bert");
    double[] computed = losses(cached(task, "filling"));
    int examples = 36;
    for (Path file : files()) {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      int start = 64 + 8 * examples;
      byte[] record = new byte[(bytes.limit() - start) / examples]; // first tokens: all alike
      CRC32C crc = new CRC32C();
      crc.update(record);
      for (int i = 0; i < examples; i++) {
        bytes.putLong(64 + 8 * i, 1L << 32 | crc.getValue());
        bytes.put(start + i * record.length, record);
      }
      Files.write(file, bytes.array());
    }
    List<ByteBuffer> zeros = contents();
    double[] learnt = losses(cached(task, "zeros"));
    assertEquals(zeros, contents());
    assertEquals(computed.length, learnt.length);
    for (int i = 0; i < learnt.length; i++) {
      assertTrue(Math.abs(learnt[i] - computed[i]) > 1e-7, "loss " + i);
    }
  }

  @Test
  void halfPrecisionIsNearInHalfTheRoom() throws IOException {
    TinyFolder task = task("deberta-v3");
    Path exact = cached(task, "exact");
    long room = Files.size(files().get(0));
    Path near = cached(task, "near", "filters.frozen_cache_dtype=float16");
    assertArrayEquals(losses(exact), losses(near), 5e-3);
    assertFalse(Arrays.equals(losses(exact), losses(near)));
    long head = 64 + 8 * 36;
    assertEquals(2, files().stream().filter(f -> f.toFile().length() == room).count());
    assertEquals(
        2, files().stream().filter(f -> f.toFile().length() == head + (room - head) / 2).count());
  }

  @Test
  void aRunThatResumesEndsBitForBitAsOneThatWasNotStopped() {
    TinyFolder task = task("bert");
    Path whole = cached(task, "whole");
    TinyTask.Watcher watcher = new TinyTask.Watcher("student/filters", 14);
    Recipe recipe =
        recipe(
            task,
            "stopped",
            APART,
            "filters.frozen_cache=" + folder.resolve("cache2"),
            "checkpoint.checkpointing_steps=5");
    assertThrows(Stopped.class, () -> new Run(recipe, watcher, watcher, false).execute());
    TinyTask.resume(recipe);
    assertEquals(
        TinyTask.bits(whole.resolve("student/filters")),
        TinyTask.bits(recipe.outputDir().resolve("student/filters")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"deberta-v2", "deberta-v3"})
  void answersCountPaddingWhichIsConstantInDeberta(String family) throws IOException {
    TinyFolder task = questions(family);
    Path whole = run(task, "whole");
    assertSame(whole, run(task, "apart", APART));
    assertSame(whole, cached(task, "filling"));
    assertSame(whole, cached(task, "again"));
  }

  @Test
  void answersOfOtherFamiliesGoWithoutACache() throws IOException {
    TinyFolder task = questions("bert");
    assertSame(run(task, "whole"), run(task, "apart", APART));
    UserError e = assertThrows(UserError.class, () -> cached(task, "refused"));
    assertTrue(
        String.valueOf(e.getMessage())
            .endsWith(
                "filters.frozen_cache: the loss over answers counts padding, which a cache does not"
                    + " hold; leave it out"),
        e.getMessage());
  }

  @Test
  void dropoutOfTheBackboneIsRefused() {
    TinyFolder task = task("bert");
    UserError e =
        assertThrows(
            UserError.class,
            () -> run(task, "refused", "filters.frozen_cache=" + folder.resolve("cache")));
    assertEquals(
        "--set filters.frozen_cache: filters.frozen_cache: under dropout the backbone says something else of a text every"
            + " time; set frozen_dropout: false, or leave it out",
        e.getMessage());
  }
}
