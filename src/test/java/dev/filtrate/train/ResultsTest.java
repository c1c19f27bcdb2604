package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsTest {
  private static Results.Row row(String name, long seed, String metric, double value) {
    return new Results.Row(name, 100, 1.5, Map.of(seed, Map.of(metric, value)));
  }

  private static String best(String metric, Results.Row... rows) {
    return new Results("task", metric, List.of(rows))
        .best()
        .map(Results.Row::name)
        .orElse("nobody");
  }

  @Test
  void theBestIsAStudentAndTheEarlierOfEquals() {
    assertEquals(
        "kd",
        best(
            "accuracy",
            row("teacher", 1, "accuracy", 0.99),
            row("finetuned", 1, "accuracy", 0.7),
            row("kd", 1, "accuracy", 0.8),
            row("ted", 1, "accuracy", 0.8)));
    assertEquals("nobody", best("accuracy", row("teacher", 1, "accuracy", 0.99)));
  }

  @Test
  void theBestErrorIsTheSmallest() {
    assertEquals("ted", best("mse", row("kd", 1, "mse", 0.2), row("ted", 1, "mse", 0.1)));
  }

  @Test
  void aValueThatIsNoNumberIsWorst() {
    assertEquals(
        "kd",
        best(
            "pearson",
            row("finetuned", 1, "pearson", Double.NaN),
            row("kd", 1, "pearson", -0.5),
            row("lwd", 1, "pearson", Double.NaN)));
  }

  @Test
  void severalSeedsGiveMeanAndSampleDeviation() {
    List<Results.Row> merged =
        Results.merge(
            List.of(
                row("kd", 1, "accuracy", 0.7),
                row("ted", 1, "accuracy", 0.9),
                row("kd", 2, "accuracy", 0.8),
                row("ted", 2, "accuracy", 0.9)));
    assertEquals(List.of("kd", "ted"), merged.stream().map(Results.Row::name).toList());
    Results.Row kd = merged.get(0);
    assertEquals(0.75, kd.mean("accuracy"), 1e-12);
    assertEquals(Math.sqrt(0.005), kd.deviation("accuracy"), 1e-12);
    assertEquals(0, merged.get(1).deviation("accuracy"));
    assertEquals(0, row("kd", 1, "accuracy", 0.7).deviation("accuracy"));
    JsonNode json = new Results("task", "accuracy", merged).toJson();
    assertEquals(0.8, json.at("/models/kd/seeds/2/accuracy").asDouble());
    assertEquals(1.5, json.at("/models/kd/latency_ms").asDouble());
    assertTrue(json.at("/models/kd/standard_deviation").asDouble() > 0.07);
  }

  @Test
  void whatIsReadIsWhatWasWritten(@TempDir Path folder) throws IOException {
    Results results =
        new Results(
            "task",
            "accuracy",
            Results.merge(List.of(row("kd", 1, "accuracy", 0.7), row("kd", 2, "accuracy", 0.8))));
    Run.writeJson(folder.resolve("results.json"), results.toJson());
    assertEquals(results, Results.read(folder));
    Files.writeString(folder.resolve("results.json"), "{\"accuracy\": 0.5}");
    UserError e = assertThrows(UserError.class, () -> Results.read(folder));
    assertEquals(
        folder.resolve("results.json")
            + ": expected the results of a run with its models; give the folder of a finished"
            + " 'filtrate run'",
        e.getMessage());
  }
}
