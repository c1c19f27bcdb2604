package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.train.Progress;
import dev.filtrate.train.Results;
import dev.filtrate.train.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("ort")
@Tag("tokenizers")
class RunExportTest {
  private static final String RECIPE =
      """
      seed: [3, 4]
      task: {task_name: films, train_file: train.tsv, validation_file: dev.tsv}
      tokenizer: {path: vocab.txt, max_length: 16}
      training: {per_device_train_batch_size: 8, num_train_epochs: 1, learning_rate: 0.01}
      teacher: {config: %s}
      student: {config: %s}
      distill: {kl_alpha: 1}
      compare: [finetuned, kd]
      mixed_precision: %s
      output_dir: '%s'
      """;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"no", "bf16"}) // an export is in float32 all the same, and proven so
  void aRunEndsWithItsBestStudent(String precision) throws IOException {
    TinyModels.vocabulary(folder);
    TinyModels.tsv(folder.resolve("train.tsv"), 40, 2);
    TinyModels.tsv(folder.resolve("dev.tsv"), 20, 2);
    String text =
        RECIPE.formatted(TinyModels.BERT, TinyModels.BERT, precision, folder.resolve("run"));
    Path file = TinyModels.write(folder.resolve("recipe.yaml"), text);
    Recipe recipe = Recipe.read(file, List.of(), Use.RUN);
    Results results = new Run(recipe, Progress.SILENT, () -> false, false).execute();

    RunExport export = RunExport.write(recipe, results);
    Results.Row best = results.best().orElseThrow();
    assertEquals(best.name(), export.method());
    Path to = recipe.outputDir().resolve("export");
    assertEquals(to, export.report().folder());
    assertEquals(best.parameters(), export.report().parameters());
    Map<String, Double> measured = Objects.requireNonNull(best.metrics().get(export.seed()));
    assertTrue(
        best.values("accuracy").stream().allMatch(v -> v <= get(measured, "accuracy")),
        results.toString());
    assertEquals(
        get(measured, "accuracy"), get(export.report().agreement().metrics(), "accuracy"), 1e-6);

    Map<String, String> metadata = OnnxCodec.read(to.resolve("model.onnx")).metadata();
    assertEquals(
        Hashes.ofFile(recipe.outputDir().resolve("recipe.yaml")),
        metadata.get("filtrate.recipe_sha256"));
    assertEquals(export.method().equals("kd"), metadata.containsKey("filtrate.teacher_sha256"));
    assertEquals("[\"0\",\"1\"]", metadata.get("filtrate.labels"));
    String card = Files.readString(to.resolve("README.md"));
    for (Results.Row row : results.rows()) {
      String value =
          "| %s | %.4f ± %.4f | %,d |"
              .formatted(
                  row.name(), row.mean("accuracy"), row.deviation("accuracy"), row.parameters());
      assertTrue(card.contains(value), card);
    }
    try (Student student = Student.load(to)) {
      assertEquals(List.of("0", "1"), student.labels());
      assertEquals(16, student.tokenizer().maxLength());
    }
  }

  private static double get(Map<String, Double> metrics, String name) {
    return metrics.getOrDefault(name, Double.NaN);
  }
}
