package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.train.Results;
import dev.filtrate.train.TinyTask;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunCommandTest {
  @Test
  void theTableShowsMeanAndSpreadOfSeveralSeeds() {
    Map<Long, Map<String, Double>> seeds = new LinkedHashMap<>();
    seeds.put(1L, Map.of("accuracy", 0.75));
    seeds.put(2L, Map.of("accuracy", 0.85));
    Results results =
        new Results(
            "tiny",
            "accuracy",
            List.of(
                new Results.Row("teacher", 12345678, 4.25, seeds),
                new Results.Row("ted", 986, 0.125, Map.of(1L, Map.of("accuracy", 0.5)))));
    Captured captured = new Captured(0);
    RunCommand.table(results, captured.console);
    assertEquals(
        """
        model           accuracy  parameters  ms / example
        --------------------------------------------------
        teacher  0.8000 ± 0.0707  12,345,678          4.25
        ted               0.5000         986          0.13
        """,
        captured.out());
  }

  @Test
  @Tag("ort")
  void aRunEndsWithItsTableAndItsFolder(@TempDir Path folder) {
    TinyTask task = new TinyTask(folder);
    Path out = folder.resolve("out");
    String[] arguments = {
      "run",
      task.file("recipe.yaml").toString(),
      "--output_dir=" + out,
      "--set=training.num_train_epochs=1",
      "--set=compare=[finetuned, kd]",
      "--seed=5,6",
      "--tensorboard",
      "--csv"
    };
    Outcome outcome = Captured.filtrate(arguments);
    assertEquals(0, outcome.code(), outcome.err());
    List<String> lines = outcome.out().lines().toList();
    assertTrue(lines.get(0).startsWith("stage "), outcome.out());
    assertTrue(
        lines.get(2).matches("teacher/finetuned +\\d+ +[01]\\.\\d{4} +\\d+ s"), outcome.out());
    lines = lines.subList(lines.indexOf("") + 1, lines.size());
    assertTrue(lines.get(0).startsWith("model "), outcome.out());
    assertTrue(lines.get(2).matches("teacher +0\\.\\d{4} ± 0\\.\\d{4} +[\\d,]+ +\\d+\\.\\d\\d"));
    assertTrue(lines.get(3).startsWith("finetuned "), outcome.out());
    assertTrue(lines.get(4).startsWith("kd "), outcome.out());
    assertTrue(outcome.out().contains(out + " in "), outcome.out());
    assertTrue(
        outcome.err().startsWith("task train: 36 training and 20 validation examples\n"),
        outcome.err());
    assertTrue(outcome.out().contains("report: " + out.resolve("report.html")), outcome.out());
    for (String file : List.of("report.html", "seed-5/metrics.csv", "tensorboard/seed-6/kd")) {
      assertTrue(Files.exists(out.resolve(file)), file);
    }
    Outcome again =
        Captured.filtrate("export", out.toString(), "--precision=int8,fp32", "--max_drop=100");
    assertEquals(0, again.code(), again.err());
    assertTrue(
        again.out().matches("(?s)exported: the student of \\w+ of seed [56]\n.*"), again.out());
    assertTrue(Files.isRegularFile(out.resolve("export/onnx/model_quantized.onnx")));
    Path elsewhere = folder.resolve("elsewhere");
    Outcome copy = Captured.filtrate("export", out.toString(), "--output_dir=" + elsewhere);
    assertEquals(0, copy.code(), copy.err());
    assertTrue(copy.out().endsWith(elsewhere + "\n"), copy.out());
    assertTrue(Files.isRegularFile(elsewhere.resolve("model.onnx")));
    assertEquals(
        new Outcome(
            2,
            "",
            "filtrate: "
                + out
                + ": exists already; go on with --resume, or choose another"
                + " --output_dir\n"),
        Captured.filtrate(arguments));
  }
}
