package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.train.Progress;
import dev.filtrate.train.Results;
import dev.filtrate.train.Run;
import dev.filtrate.train.TinyTask;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole run whose classes do not exclude each other: is a word praise, is one blame? */
@Tag("ort")
class MultiLabelTest {
  private static final String[] SEVERAL = {
    "task.problem_type=multi_label_classification",
    "task.train_file=train.jsonl",
    "task.validation_file=train.jsonl",
    "compare=[finetuned, kd, ted]",
    "training.num_train_epochs=12"
  };

  @TempDir Path folder;

  private TinyTask task() {
    TinyTask task = new TinyTask(folder);
    StringBuilder lines = new StringBuilder();
    for (String other : List.of("the", "film", "was", "a", "plot", "and")) {
      for (String telling : List.of("good", "bad", "fine poor", "nice", "dull", "plot")) {
        boolean praise = telling.matches(".*(good|fine|nice).*");
        boolean blame = telling.matches(".*(bad|poor|dull).*");
        String labels =
            praise && blame ? "\"praise\", \"blame\"" : praise ? "\"praise\"" : "\"blame\"";
        lines.append(
            "{\"sentence\": \"%s %s\", \"label\": [%s]}\n"
                .formatted(other, telling, praise || blame ? labels : ""));
      }
    }
    task.write("train.jsonl", lines.toString());
    return task;
  }

  private JsonNode json(String file) {
    try {
      return new ObjectMapper().readTree(folder.resolve(file).toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void everyStageLearnsTheExportAnswersAndTheMetricsAgree() {
    Recipe recipe = task().recipe(folder.resolve("out"), inFolder());
    Results results = new Run(recipe, Progress.SILENT, () -> false, false).execute();
    assertEquals("f1_micro", results.metric());
    for (Results.Row row : results.rows()) {
      assertTrue(row.mean("f1_micro") > 0.8, row.toString());
      assertEquals(
          List.of("f1_micro", "f1_macro", "accuracy"),
          row.metrics().values().stream().flatMap(m -> m.keySet().stream()).toList());
    }
    JsonNode config = json("out/ted/config.json");
    assertEquals("multi_label_classification", config.path("problem_type").asText());
    assertEquals("{\"0\":\"blame\",\"1\":\"praise\"}", config.path("id2label").toString());
    Path export = folder.resolve("export");
    try (Tokenizer tokenizer = Tokenizer.read(folder.resolve("vocab.txt"), 16);
        Student trained = Student.load(folder.resolve("out").resolve("ted"))) {
      DevSet set = DevSet.read(recipe.requireTask(), trained.config(), tokenizer, 5);
      new StudentExport(TinyModels.ENGINE)
          .writeFrom(folder.resolve("out").resolve("ted"), export, tokenizer, Optional.of(set));
      try (Student student = Student.load(export)) {
        assertTrue(student.isMultiLabel());
        Map<String, Double> metrics = student.evaluate(set, 8);
        assertEquals(
            results.rows().get(3).mean("f1_micro"), metrics.getOrDefault("f1_micro", 0.0), 1e-9);
        same(trained.classify(texts()), student.classify(texts()));
      }
    }
    assertEquals(
        "multi_label_classification", json("export/provenance.json").path("problem_type").asText());
    assertEquals(
        "multi_label_classification", json("export/config.json").path("problem_type").asText());
  }

  private String[] inFolder() {
    String[] keys = SEVERAL.clone();
    for (int i = 0; i < keys.length; i++) {
      keys[i] = keys[i].replace("=train.jsonl", "=" + folder.resolve("train.jsonl"));
    }
    return keys;
  }

  private static List<String> texts() {
    return List.of("the good", "the fine poor", "a plot");
  }

  private static void same(List<Prediction> expected, List<Prediction> actual) {
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i).labels(), actual.get(i).labels());
      assertEquals(Set.of("blame", "praise"), actual.get(i).probabilities().keySet());
      for (Map.Entry<String, Double> p : expected.get(i).probabilities().entrySet()) {
        double other = actual.get(i).probabilities().getOrDefault(p.getKey(), -1.0);
        assertEquals(p.getValue(), other, 1e-5);
        assertEquals(p.getValue() > 0.5, expected.get(i).labels().contains(p.getKey()));
      }
    }
  }
}
