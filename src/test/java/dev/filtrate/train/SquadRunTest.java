package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.weights.Safetensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Question answering through every stage of a run. */
@Tag("ort")
class SquadRunTest {
  @TempDir Path folder;

  @Test
  void everyStageAndMethodLearnsToAnswer() {
    TinySquad task = new TinySquad(folder);
    Path out = folder.resolve("out");
    Results results = TinyTask.run(task.recipe(Use.RUN, out));
    assertEquals("squad_v2", results.task());
    assertEquals("f1", results.metric());
    assertEquals(
        List.of("teacher", "finetuned", "kd", "lwd", "ted"),
        results.rows().stream().map(Results.Row::name).toList());
    for (Results.Row row : results.rows()) {
      Map<String, Double> metrics = row.metrics().getOrDefault(5L, Map.of());
      assertEquals(8, metrics.getOrDefault("HasAns_total", Double.NaN), row.name());
      assertEquals(4, metrics.getOrDefault("NoAns_total", Double.NaN), row.name());
      double all =
          (8 * metrics.getOrDefault("HasAns_f1", Double.NaN)
                  + 4 * metrics.getOrDefault("NoAns_f1", Double.NaN))
              / 12;
      assertEquals(all, metrics.getOrDefault("f1", Double.NaN), 1e-9, row.name());
      assertTrue(
          metrics.getOrDefault("best_f1", Double.NaN)
              >= metrics.getOrDefault("NoAns_f1", Double.NaN) * 4 / 12,
          row.name());
    }
    Map<String, Tensor> filters =
        Safetensors.open(out.resolve("teacher/filters/model.safetensors")).tensors();
    assertEquals(List.of(2L, 16L), dims(filters, "filter_head.0.weight"));
    assertEquals(List.of(2L, 16L), dims(filters, "qa_outputs.weight"));
    assertFalse(filters.keySet().stream().anyMatch(name -> name.startsWith("filter_pooler")));
    List<String> log = TinyTask.log(out);
    assertTrue(log.stream().anyMatch(l -> l.contains("\"ted\"") && l.contains("kl_loss")));
  }

  private static List<Long> dims(Map<String, Tensor> tensors, String name) {
    Tensor tensor = tensors.get(name);
    return tensor == null ? List.of() : Arrays.stream(tensor.dims()).boxed().toList();
  }

  @Test
  void aModelOfVersion1AlwaysAnswersAndWithAThresholdTunedTheBestF1IsReached() {
    TinySquad task = new TinySquad(folder);
    Recipe version1 =
        task.recipe(
            Use.FINETUNE,
            folder.resolve("v1"),
            "task.task_name=squad",
            "task.train_file=" + folder.resolve("train-v1.json"),
            "task.validation_file=" + folder.resolve("dev-v1.json"));
    Map<String, Double> metrics =
        new Run(version1, Progress.SILENT, () -> false, false).stage(Use.FINETUNE);
    assertEquals(Set.of("f1", "exact_match"), metrics.keySet());

    Recipe tuned = task.recipe(Use.FINETUNE, folder.resolve("tuned"), "task.tune_null_score=true");
    metrics = new Run(tuned, Progress.SILENT, () -> false, false).stage(Use.FINETUNE);
    assertTrue(metrics.containsKey("null_score_diff_threshold"));
    assertTrue(metrics.getOrDefault("f1", Double.NaN) >= 33.3, metrics.toString()); // "none" to all
  }

  @Test
  void aModelThatLearnsItsQuestionsByHeartAnswersThem() {
    TinySquad task = new TinySquad(folder);
    Recipe recipe =
        task.recipe(
            Use.FINETUNE,
            folder.resolve("by-heart"),
            "task.validation_file=" + task.file("train.json"),
            "student.config.hidden_size=32",
            "training.num_train_epochs=60",
            "training.learning_rate=5e-3");
    Map<String, Double> metrics =
        new Run(recipe, Progress.SILENT, () -> false, false).stage(Use.FINETUNE);
    assertTrue(metrics.getOrDefault("HasAns_f1", 0.0) > 90, metrics.toString());
    assertTrue(metrics.getOrDefault("NoAns_f1", 0.0) > 90, metrics.toString());
  }

  @Test
  void whatCannotBeLearntFromIsCountedAndWhatCannotWorkIsSaid() {
    TinySquad task = new TinySquad(folder);
    String train = read(task.file("train.json"));
    task.write("train.json", train.replaceFirst("\"answer_start\": \\d+", "\"answer_start\": 1"));
    TinyTask.Watcher watcher = new TinyTask.Watcher("", 0);
    new Run(task.recipe(Use.FINETUNE, folder.resolve("a")), watcher, () -> false, false)
        .stage(Use.FINETUNE);
    assertTrue(
        watcher.notes.contains(
            folder.resolve("train.json")
                + ": left out 1 question whose answer does not stand in the context (first: q0)"),
        watcher.notes.toString());

    error(
        task.file("train.json")
            + ": 8 of 24 questions have no answer (first: \"q2\"), which is for squad_v2; set"
            + " task_name: squad_v2, or version_2_with_negative: true",
        task.recipe(Use.FINETUNE, folder.resolve("b"), "task.task_name=squad"));
    error(
        "doc_stride: windows of 20 tokens that share 16 have no room for a question; expected a"
            + " doc_stride of at most 15, or a max_seq_length of at least 21",
        task.recipe(Use.FINETUNE, folder.resolve("b"), "task.doc_stride=16"));
    task.write("train.json", train.replaceAll("\"answer_start\": \\d+", "\"answer_start\": 1"));
    error(
        task.file("train.json")
            + ": 16 of 24 answers do not stand in their context at answer_start (first: question"
            + " \"q0\"), which counts code points from 0",
        task.recipe(Use.FINETUNE, folder.resolve("b")));
    assertFalse(Files.exists(folder.resolve("b")));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void error(String message, Recipe recipe) {
    Run run = new Run(recipe, Progress.SILENT, () -> false, false);
    assertEquals(
        message, assertThrows(UserError.class, () -> run.stage(Use.FINETUNE)).getMessage());
  }
}
