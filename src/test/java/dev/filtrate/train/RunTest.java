package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.StageSettings;
import dev.filtrate.recipe.Use;
import dev.filtrate.weights.ModelFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One whole run, looked at from all sides. */
@Tag("ort")
class RunTest {
  /** 36 examples in batches of 4, 3 epochs. */
  private static final int PER_EPOCH = 9;

  private static final int UPDATES = 27;

  private static final List<String> STAGES =
      List.of(
          "teacher/finetuned",
          "student/finetuned",
          "kd",
          "lwd",
          "teacher/filters",
          "student/filters",
          "ted");

  @TempDir private static Path folder;
  private static TinyTask task;
  private static Path out;
  private static Recipe recipe;
  private static Results results;

  @BeforeAll
  static void run() {
    task = new TinyTask(folder);
    out = folder.resolve("out");
    recipe = task.recipe(out);
    results = TinyTask.run(recipe);
  }

  private static JsonNode json(String file) throws IOException {
    return new ObjectMapper().readTree(out.resolve(file).toFile());
  }

  @Test
  void leavesTheFolderThatTheArchitectureDescribes() throws IOException {
    try (Stream<Path> files = Files.list(out)) {
      assertEquals(
          Set.of(
              "recipe.yaml",
              "environment.json",
              "metrics.jsonl",
              "predictions",
              "validation.jsonl",
              "results.json",
              "tokenizer",
              "teacher",
              "student",
              "kd",
              "lwd",
              "ted",
              "checkpoints"),
          files.map(f -> f.getFileName().toString()).collect(Collectors.toSet()));
    }
    for (String stage : STAGES) {
      ModelFolder model = ModelFolder.open(out.resolve(stage));
      assertEquals(List.of("0", "1"), model.config().common().labels(), stage);
      assertEquals(
          Set.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"),
          model.tokenizerFiles().stream()
              .map(f -> f.getFileName().toString())
              .collect(Collectors.toSet()),
          stage);
      assertTrue(
          Files.exists(out.resolve("checkpoints").resolve(stage).resolve("step-18/state.json")),
          stage);
    }
    assertTrue(json("environment.json").hasNonNull("onnxruntime"));
  }

  @Test
  void theResolvedRecipeReadsBackAsTheSameOne() {
    Recipe again = Recipe.read(out.resolve("recipe.yaml"), List.of(), Use.RUN);
    assertEquals(recipe, again);
  }

  @Test
  void theLogHasALineForEveryUpdateAndEveryEvaluation() throws IOException {
    Map<String, List<Integer>> updates = new LinkedHashMap<>();
    Map<String, List<Integer>> evaluations = new LinkedHashMap<>();
    for (String line : Files.readAllLines(out.resolve("metrics.jsonl"))) {
      JsonNode json = new ObjectMapper().readTree(line);
      String stage = json.get("stage").asText();
      int step = json.get("step").asInt();
      assertEquals((double) step / PER_EPOCH, json.get("epoch").asDouble(), 1e-4, line);
      Set<String> keys = new TreeSet<>();
      json.fieldNames().forEachRemaining(keys::add);
      if (json.has("eval")) {
        assertEquals(Set.of("stage", "step", "epoch", "eval", "time"), keys, line);
        assertEquals(
            List.of("accuracy", "f1", "matthews_correlation"),
            new ArrayList<>(
                json.get("eval").properties().stream().map(Map.Entry::getKey).toList()));
        evaluations.computeIfAbsent(stage, s -> new ArrayList<>()).add(step);
      } else {
        assertEquals(keys(stage), keys, line);
        assertEquals(rate(stage, step), json.get("learning_rate").asDouble(), 1e-9, line);
        updates.computeIfAbsent(stage, s -> new ArrayList<>()).add(step);
      }
    }
    List<Integer> all = Stream.iterate(1, i -> i + 1).limit(UPDATES).toList();
    assertEquals(STAGES, List.copyOf(updates.keySet()));
    updates.forEach((stage, steps) -> assertEquals(all, steps, stage));
    assertEquals(
        STAGES.stream().filter(s -> !s.endsWith("filters")).toList(),
        List.copyOf(evaluations.keySet()));
    evaluations.forEach((stage, steps) -> assertEquals(List.of(9, 18, 27), steps, stage));
  }

  private static Set<String> keys(String stage) {
    Set<String> keys =
        new TreeSet<>(
            List.of(
                "stage",
                "step",
                "epoch",
                "loss",
                "pred_loss",
                "learning_rate",
                "examples_per_second",
                "time"));
    if (List.of("kd", "lwd", "ted").contains(stage)) {
      keys.add("kl_loss");
      if (!stage.equals("kd")) {
        keys.add("mse_loss");
      }
    }
    return keys;
  }

  private static double rate(String stage, int step) {
    StageSettings settings =
        stage.equals("teacher/finetuned") ? recipe.teacher().finetune() : recipe.training();
    return settings.schedule().rate(step - 1, UPDATES);
  }

  @Test
  void theLossIsTheWeightedSumOfItsTerms() throws IOException {
    for (String line : Files.readAllLines(out.resolve("metrics.jsonl"))) {
      JsonNode json = new ObjectMapper().readTree(line);
      if (json.has("loss")) {
        double sum = json.get("pred_loss").asDouble();
        sum += json.path("kl_loss").asDouble() + json.path("mse_loss").asDouble();
        assertEquals(sum, json.get("loss").asDouble(), 1e-5 * Math.max(1, sum), line);
      }
    }
  }

  @Test
  void theResultsHoldTheTeacherAndEveryMethod() throws IOException {
    List<String> names = List.of("teacher", "finetuned", "kd", "lwd", "ted");
    assertEquals(names, results.rows().stream().map(Results.Row::name).toList());
    JsonNode json = json("results.json");
    assertEquals("accuracy", json.get("metric").asText());
    for (Results.Row row : results.rows()) {
      JsonNode model = json.get("models").get(row.name());
      assertEquals(row.mean("accuracy"), model.get("mean").asDouble());
      assertEquals(row.values("f1").get(0), model.at("/seeds/5/f1").asDouble(), row.name());
      assertTrue(row.latencyMs() > 0);
    }
    assertTrue(results.rows().get(0).mean("accuracy") > 0.8, results.toString());
    assertTrue(results.rows().get(0).parameters() > results.rows().get(1).parameters());
  }

  @Test
  void filterLearningLeavesEverythingElseAsItWas() {
    for (String who : List.of("teacher", "student")) {
      Map<String, List<Integer>> before = TinyTask.bits(out.resolve(who + "/finetuned"));
      Map<String, List<Integer>> after = TinyTask.bits(out.resolve(who + "/filters"));
      Set<String> filters = new TreeSet<>(after.keySet());
      after.keySet().removeIf(name -> name.contains("filter"));
      filters.removeAll(after.keySet());
      assertEquals(before, after, who);
      int layer = who.equals("teacher") ? 1 : 0;
      assertEquals(
          Set.of(
              "bert.encoder.layer." + layer + ".filter.weight",
              "bert.encoder.layer." + layer + ".filter.bias",
              "filter_pooler.0.dense.weight",
              "filter_pooler.0.dense.bias",
              "filter_head.0.weight",
              "filter_head.0.bias"),
          filters);
    }
  }

  @Test
  void methodsWithoutFiltersLeaveNone() {
    for (String method : List.of("kd", "student/finetuned")) {
      assertTrue(
          TinyTask.bits(out.resolve(method)).keySet().stream().noneMatch(n -> n.contains("filter")),
          method);
    }
    for (String method : List.of("lwd", "ted")) {
      assertEquals(
          List.of("bert.encoder.layer.0.filter.bias", "bert.encoder.layer.0.filter.weight"),
          TinyTask.bits(out.resolve(method)).keySet().stream()
              .filter(n -> n.contains("filter"))
              .toList(),
          method);
    }
  }
}
