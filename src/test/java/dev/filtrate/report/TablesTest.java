package dev.filtrate.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.report.Comparison.Difference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs beside each other, and lines as a table. */
class TablesTest {
  @TempDir Path folder = Path.of("");

  @Test
  void aSpreadsheetHasAColumnForEverythingThatALineSays() throws IOException {
    FakeRun.begun(folder);
    List<Path> files = Report.writeCsv(folder);
    assertEquals(
        List.of(folder.resolve("seed-1/metrics.csv"), folder.resolve("seed-2/metrics.csv")), files);
    List<String> lines = Files.readAllLines(files.get(0));
    assertEquals(
        "stage,step,epoch,loss,pred_loss,learning_rate,examples_per_second,time,eval.accuracy,eval.f1,"
            + "mse_loss,mse_loss.0,mse_loss.1",
        lines.get(0));
    assertEquals("teacher/finetuned,1,0.5,0.75,0.75,0.001,0,100.0,,,,,", lines.get(1));
    assertEquals("teacher/finetuned,2,1.0,,,,,102.0,0.9,,,,", lines.get(3));
    assertEquals(6, lines.size());
    assertEquals(2, Files.readAllLines(files.get(1)).size()); // the line that was cut off is none
  }

  @Test
  void runsAreComparedModelByModelAndKeyByKey() throws IOException {
    Path one = FakeRun.finished(folder.resolve("one")).folder();
    FakeRun other = FakeRun.begun(folder.resolve("two"));
    other.write("recipe.yaml", FakeRun.RECIPE.formatted("20") + "start: released\n");
    Comparison runs = Comparison.read(List.of(one, other.folder()));
    assertEquals(List.of("one", "two"), runs.labels());
    assertEquals(
        Map.of(
            "accuracy",
            Map.of(
                "teacher", List.of("0.8000 ± 0.1414", "0.9000"),
                "ted", List.of("0.6250 ± 0.1768", "0.5000"))),
        runs.models());
    assertEquals(
        List.of(
            new Difference("distill.kl_alpha", List.of("10", "20")),
            new Difference("start", List.of("-", "released"))),
        runs.differences());
    Path page = folder.resolve("compare.html");
    runs.write(page);
    JsonNode data = FakeRun.data(page);
    assertEquals("compare", data.get("kind").asText());
    assertEquals("[\"one\", \"two\"]", data.get("runs").findValues("label").toString());
    assertEquals("20", data.at("/differences/0/values/1").asText());
    assertTrue(data.at("/runs/0/validation/worst/examples").isEmpty(), "texts in a comparison");
  }

  @Test
  void runsOfOneNameAreToldApartByTheirPaths() {
    Path first = FakeRun.begun(folder.resolve("a/run")).folder();
    Path second = FakeRun.begun(folder.resolve("b/run")).folder();
    Comparison runs = Comparison.read(List.of(first, second));
    assertEquals(List.of(first.toString(), second.toString()), runs.labels());
    assertEquals(List.of(), runs.differences());
  }
}
