package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.train.TinyTask.Watcher;
import dev.filtrate.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a recipe's settings change what comes out. */
@Tag("ort")
class TrainingTest {
  /** One update of rate 0: a stage that ends where it started. */
  private static final String[] STANDING_STILL = {
    "distill.max_train_steps=1", "distill.num_warmup_steps=1"
  };

  @TempDir private Path folder;
  private TinyTask task;

  @BeforeEach
  void write() {
    task = new TinyTask(folder);
  }

  private Path run(String name, String... settings) {
    Path out = folder.resolve(name);
    TinyTask.run(task.recipe(out, settings));
    return out;
  }

  private static String[] and(String[] some, String... more) {
    List<String> all = new ArrayList<>(List.of(some));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  private static List<JsonNode> log(Path out) {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : TinyTask.log(out)) {
      try {
        lines.add(new ObjectMapper().readTree(line));
      } catch (IOException e) {
        throw new AssertionError(line, e);
      }
    }
    return lines;
  }

  @Test
  void twoMicroBatchesAreABatchOfTwiceTheSize() {
    StringBuilder lines = new StringBuilder("sentence\tlabel\n");
    for (int i = 0; i < 32; i++) {
      lines.append(i % 2 == 0 ? "good film the plot\t1\n" : "a film and bad\t0\n");
    }
    task.write("train.tsv", lines.toString());
    String[] settings = {
      "compare=[kd]", "training.group_by_length=false", "training.num_train_epochs=1"
    };
    Path whole = run("whole", and(settings, "training.per_device_train_batch_size=8"));
    Path halves = run("halves", and(settings, "training.gradient_accumulation_steps=2"));
    List<JsonNode> atOnce = log(whole);
    List<JsonNode> inHalves = log(halves);
    assertEquals(atOnce.size(), inHalves.size());
    for (int i = 0; i < atOnce.size(); i++) {
      for (String term : List.of("loss", "pred_loss", "kl_loss", "learning_rate")) {
        double value = atOnce.get(i).path(term).asDouble();
        assertEquals(value, inHalves.get(i).path(term).asDouble(), 1e-4, inHalves.get(i) + term);
      }
    }
    Safetensors found = Safetensors.open(halves.resolve("kd/model.safetensors"));
    Safetensors.open(whole.resolve("kd/model.safetensors"))
        .tensors()
        .forEach((name, tensor) -> assertClose(name, tensor, found.tensor(name)));
  }

  private static void assertClose(String name, Tensor expected, Tensor found) {
    if (!name.endsWith("key.bias")) { // its true gradient is 0: AdamW moves it by rounding alone
      assertArrayEquals(expected.toFloats(), found.toFloats(), 2e-3f, name);
    }
  }

  @Test
  void rowsWithoutALabelTeachByTheTeacherOnly() {
    task.write("train.tsv", TinyTask.examples(16, 3).replaceAll("(?m)\t[01]$", "\t-1"));
    Path out =
        run("out", "compare=[finetuned, kd]", "task.labels=[no, yes]", "training.weight_decay=0");
    for (JsonNode line : log(out)) {
      if (line.has("loss")) {
        assertEquals(0, line.get("pred_loss").asDouble(), line.toString());
        boolean kd = line.get("stage").asText().equals("kd");
        assertEquals(kd, line.path("kl_loss").asDouble() > 0, line.toString());
      }
    }
    Weights raw = student(task.recipe(folder.resolve("raw"), "task.labels=[no, yes]"));
    Map<String, List<Integer>> start = TinyTask.bits(raw.parameters());
    assertEquals(start, new TreeMap<>(TinyTask.bits(out.resolve("student/finetuned"))));
    assertNotEquals(start, new TreeMap<>(TinyTask.bits(out.resolve("kd"))));
  }

  private static Weights student(Recipe recipe) {
    Model model =
        new Model(
            recipe.studentConfig().orElseThrow().withLabels(List.of("0", "1")),
            Head.SEQUENCE_CLASSIFICATION,
            Optional.empty());
    return new Weights(model, Weights.random(model, 5).parameters());
  }

  @Test
  void aStageEndsAfterSoManyEvaluationsWithoutANewBest() {
    Path out = folder.resolve("out");
    Watcher watcher = new Watcher("", 0);
    Recipe recipe =
        task.recipe(
            out,
            "compare=finetuned",
            "training.learning_rate=1e-20",
            "training.num_train_epochs=9",
            "training.early_stopping_patience=2");
    new Run(recipe, watcher, watcher, false).execute();
    assertEquals(
        List.of(
            "begin student/finetuned 0 81",
            "evaluation student/finetuned 9 best",
            "evaluation student/finetuned 18",
            "evaluation student/finetuned 27",
            "end student/finetuned 27"),
        watcher.notes.stream().filter(n -> n.contains("student/finetuned")).toList());
  }

  @Test
  void theBestModelIsThatOfItsStep() throws IOException {
    String[] settings = {
      "compare=finetuned", "training.lr_scheduler_type=constant", "training.num_warmup_steps=0"
    };
    Path best =
        run(
            "best",
            and(
                settings,
                "training.max_train_steps=14",
                "training.eval_steps=2",
                "training.save_best=true"));
    int step = 0;
    double accuracy = -1;
    for (JsonNode line : log(best)) {
      double value = line.at("/eval/accuracy").asDouble(-1);
      if (value > accuracy) {
        accuracy = value;
        step = line.get("step").asInt();
      }
    }
    Path last = run("last", and(settings, "training.max_train_steps=" + step));
    assertEquals(
        TinyTask.bits(last.resolve("student/finetuned")),
        TinyTask.bits(best.resolve("student/finetuned")));
    JsonNode results = new ObjectMapper().readTree(best.resolve("results.json").toFile());
    assertEquals(accuracy, results.at("/models/finetuned/mean").asDouble());
  }

  @Test
  void everySeedHasItsFolderAndItsPlaceInTheMean() throws IOException {
    Path out = folder.resolve("out");
    Results results =
        TinyTask.run(
            task.recipe(out, "compare=finetuned", "seed=[5, 6]", "training.num_train_epochs=1"));
    for (int seed : List.of(5, 6)) {
      Path one = out.resolve("seed-" + seed);
      assertTrue(Files.exists(one.resolve("student/finetuned/model.safetensors")));
      assertEquals(10, TinyTask.log(one).size());
    }
    assertNotEquals(
        TinyTask.bits(out.resolve("seed-5/student/finetuned")),
        TinyTask.bits(out.resolve("seed-6/student/finetuned")));
    Results.Row row = results.rows().get(0);
    assertEquals(List.of(5L, 6L), List.copyOf(row.metrics().keySet()));
    JsonNode json = new ObjectMapper().readTree(out.resolve("results.json").toFile());
    assertEquals(
        row.values("accuracy").stream().mapToDouble(v -> v).average().orElseThrow(),
        json.at("/models/finetuned/mean").asDouble(),
        1e-12);
  }

  @Test
  void aFairComparisonStartsEveryMethodFromTheFinetunedStudent() {
    Path out = run("out", and(STANDING_STILL, "compare=[kd, lwd]", "start=fair"));
    Map<String, List<Integer>> finetuned = TinyTask.bits(out.resolve("student/finetuned"));
    assertEquals(finetuned, TinyTask.bits(out.resolve("kd")));
    assertEquals(finetuned, withoutFilters(out.resolve("lwd")));
  }

  @Test
  void theReleasedComparisonStartsOnlyTedFromTheFinetunedStudent() {
    Path out = run("out", and(STANDING_STILL, "compare=[kd, lwd, ted]", "start=released"));
    Map<String, List<Integer>> raw =
        TinyTask.bits(student(task.recipe(folder.resolve("raw"))).parameters());
    assertEquals(raw, new TreeMap<>(TinyTask.bits(out.resolve("kd"))));
    assertEquals(raw, new TreeMap<>(withoutFilters(out.resolve("lwd"))));
    assertEquals(
        TinyTask.bits(out.resolve("student/finetuned")), withoutFilters(out.resolve("ted")));
    Map<String, List<Integer>> filters = TinyTask.bits(out.resolve("student/filters"));
    Map<String, List<Integer>> ted = TinyTask.bits(out.resolve("ted"));
    assertEquals(
        filters.get("bert.encoder.layer.0.filter.weight"),
        ted.get("bert.encoder.layer.0.filter.weight"));
    Path alone = run("alone", and(STANDING_STILL, "compare=kd", "start=released"));
    assertFalse(Files.exists(alone.resolve("student")));
  }

  private static Map<String, List<Integer>> withoutFilters(Path model) {
    Map<String, List<Integer>> bits = TinyTask.bits(model);
    bits.keySet().removeIf(name -> name.contains("filter"));
    return bits;
  }

  @Test
  void aStudentMayStartFromLayersOfItsTeacher() {
    task.write(
        "recipe.yaml",
        TinyTask.yaml(TinyTask.BERT_TEACHER, "")
            .replace("student:\n  config: \n", "student: {teacher_layers: [1]}\n"));
    Path out = run("out", and(STANDING_STILL, "compare=kd", "start=released"));
    Map<String, List<Integer>> teacher = TinyTask.bits(out.resolve("teacher/finetuned"));
    Map<String, List<Integer>> student = TinyTask.bits(out.resolve("kd"));
    assertTrue(student.keySet().stream().noneMatch(name -> name.contains("layer.1")));
    student.forEach(
        (name, bits) -> assertEquals(teacher.get(name.replace("layer.0", "layer.1")), bits, name));
  }

  private static String deberta(int hiddenSize, String more) {
    return """
        {model_type: deberta-v2, vocab_size: 17, hidden_size: %d, num_hidden_layers: 2,\
         num_attention_heads: 2, intermediate_size: %d, max_position_embeddings: 16,\
         type_vocab_size: 0, relative_attention: true, position_buckets: 4,\
         pos_att_type: [p2c, c2p], norm_rel_ebd: layer_norm, position_biased_input: false,\
         initializer_range: 0.2%s}"""
        .formatted(hiddenSize, 2 * hiddenSize, more);
  }

  /** BERT has token types, which DeBERTa does without. */
  @Test
  void teacherAndStudentMayBeOfDifferentFamilies() {
    String[] settings = {"training.num_train_epochs=1", "filters.teacher_filter_interval=1"};
    task.write(
        "recipe.yaml",
        TinyTask.yaml(TinyTask.BERT_TEACHER, deberta(8, "")).replace("seed: 5", "seed: 6"));
    Path one = run("one", settings);
    assertTrue(
        TinyTask.bits(one.resolve("ted")).containsKey("deberta.encoder.layer.1.filter.bias"));
    task.write(
        "recipe.yaml",
        TinyTask.yaml(
            deberta(16, ""), TinyTask.BERT_STUDENT.replace("layers\": 1", "layers\": 2")));
    Path other = run("other", settings);
    assertTrue(TinyTask.bits(other.resolve("ted")).containsKey("bert.encoder.layer.1.filter.bias"));
    Recipe recipe = task.recipe(Use.PLAN, other, settings);
    assertTrue(new Outline(recipe).graphs().containsKey("ted_joined"));
  }

  @Test
  void debertaGoesThroughAllStagesToo() {
    String teacher = deberta(16, ", share_att_key: true");
    String student = deberta(8, "");
    task.write("recipe.yaml", TinyTask.yaml(teacher, student));
    Path out =
        run(
            "out",
            "training.num_train_epochs=1",
            "filters.teacher_filter_interval=1",
            "filters.filter_nonlinear=true",
            "filters.filter_output_dim=12");
    for (String who : List.of("teacher", "student")) {
      assertEquals(
          TinyTask.bits(out.resolve(who + "/finetuned")),
          withoutFilters(out.resolve(who + "/filters")));
    }
    assertTrue(
        TinyTask.bits(out.resolve("ted")).containsKey("deberta.encoder.layer.1.filter.2.weight"));
    assertEquals(5, log(out).stream().filter(line -> line.has("eval")).count());
  }

  @ParameterizedTest
  @ValueSource(strings = {"batch", "mse"})
  void scoresAreLearntAndDistilledOverTheBatchOrOneByOne(String regressionKl) {
    Path out =
        run(
            "out",
            "task.problem_type=regression",
            "training.num_train_epochs=1",
            "compare=[kd]",
            "distill.regression_kl=" + regressionKl);
    List<JsonNode> evaluations =
        log(out).stream().filter(line -> line.has("eval")).map(line -> line.get("eval")).toList();
    assertEquals(3, evaluations.size());
    assertTrue(evaluations.get(0).has("spearmanr"), evaluations.toString());
    assertEquals(
        1, TinyTask.bits(out.resolve("kd")).getOrDefault("classifier.bias", List.of()).size());
  }

  @Test
  void aRunWithoutEvaluationsIsEvaluatedForItsTable() {
    Path out = folder.resolve("out");
    Results results =
        TinyTask.run(task.recipe(out, "compare=[finetuned]", "training.eval_steps=never"));
    assertTrue(log(out).stream().noneMatch(line -> line.has("eval")));
    assertTrue(results.rows().get(0).mean("accuracy") > 0, results.toString());
  }

  @Test
  void filtersThatAreGivenNeedNotBeLearntAgain() {
    String[] settings = and(STANDING_STILL, "compare=ted");
    Path first = run("first", settings);
    String[] given = {
      "teacher.finetune.num_train_epochs=0",
      "teacher.learn_filters.num_train_epochs=0",
      "student.finetune.num_train_epochs=0",
      "student.learn_filters.num_train_epochs=0",
      "student.model_name_or_path=" + first.resolve("student/filters")
    };
    String filters = "teacher.model_name_or_path=" + first.resolve("teacher/filters");
    Path second = run("second", and(and(settings, given), filters));
    assertEquals(TinyTask.bits(first.resolve("ted")), TinyTask.bits(second.resolve("ted")));
    assertEquals(
        log(first).stream().filter(l -> l.get("stage").asText().equals("ted")).toList(),
        log(second));
    Path none = first.resolve("teacher/finetuned");
    String message =
        String.valueOf(
            assertThrows(
                    UserError.class,
                    () ->
                        run(
                            "third",
                            and(and(settings, given), "teacher.model_name_or_path=" + none)))
                .getMessage());
    assertEquals(
        none
            + ": holds no filters for ted (expected bert.encoder.layer.1.filter.weight); make them"
            + " with learn-filters, or distil with lwd",
        message);
  }
}
