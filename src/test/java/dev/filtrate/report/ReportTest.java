package dev.filtrate.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  @TempDir Path folder = Path.of("");

  private JsonNode run() throws IOException {
    Path page = Report.write(folder);
    assertEquals(folder.resolve("report.html"), page);
    return FakeRun.data(page).get("runs").get(0);
  }

  @Test
  void aFinishedRunIsToldWhole() throws IOException {
    FakeRun.finished(folder);
    JsonNode run = run();
    assertEquals("finished", run.get("status").asText());
    assertEquals("[1,2]", run.get("seeds").toString());
    assertEquals("[\"teacher\", \"ted\"]", run.get("models").findValues("name").toString());
    assertEquals(0.75, run.at("/models/1/metrics/accuracy/2").asDouble());
    assertEquals(FakeRun.RECIPE.formatted("10"), run.get("recipe").asText());
    assertEquals("0", run.at("/environment/filtrate").asText());
  }

  @Test
  void curvesAreMeansOverSeedsWithTheirRange() throws IOException {
    FakeRun.finished(folder);
    JsonNode curve = run().at("/curves/teacher~1finetuned");
    assertEquals("[1.0,2.0]", curve.get("step").toString());
    assertEquals("[0.5,1]", curve.get("epoch").toString());
    assertEquals("[0.5,0.5]", curve.at("/terms/loss/mean").toString());
    assertEquals("[0.25,0.5]", curve.at("/terms/loss/low").toString());
    assertEquals("[0.75,0.5]", curve.at("/terms/loss/high").toString());
    assertEquals("[null,40]", curve.at("/terms/examples_per_second/mean").toString());
    assertTrue(curve.at("/terms/learning_rate/low").isMissingNode());
  }

  @Test
  void layersAreApartFromTerms() throws IOException {
    FakeRun.finished(folder);
    JsonNode run = run();
    assertEquals("mse_loss", run.at("/layers/ted/term").asText());
    assertEquals("[[1],[3]]", run.at("/layers/ted/rows").toString());
    assertTrue(run.at("/curves/ted/terms/mse_loss.0").isMissingNode());
  }

  @Test
  void answersAreCountedAndTheWorstQuoted() throws IOException {
    FakeRun.finished(folder);
    JsonNode answers = run().get("validation");
    assertEquals("classes", answers.get("kind").asText());
    assertEquals("[\"no\",\"yes\"]", answers.get("labels").toString());
    assertEquals("[[2,0],[0,4]]", answers.at("/models/0/confusion").toString());
    assertEquals("[[0,2],[2,2]]", answers.at("/models/1/confusion").toString());
    JsonNode worst = answers.get("worst");
    assertEquals("ted", worst.get("model").asText());
    assertEquals(2, worst.get("seed").asLong()); // its better one
    assertEquals(2, worst.get("examples").size());
    JsonNode first = worst.get("examples").get(0);
    assertEquals("a </script><b>", first.get("text").asText());
    assertEquals(1 / (1 + Math.exp(-3)), first.get("probability").asDouble(), 1e-12);
    assertEquals("yes", first.at("/others/teacher").asText());
    assertTrue(first.at("/right/teacher").asBoolean());
    assertEquals("c", worst.at("/examples/1/pair").asText());
  }

  @Test
  void aTextOfTheDataIsNoMarkup() throws IOException {
    FakeRun.finished(folder);
    String page = Files.readString(Report.write(folder));
    assertFalse(page.contains("a </script>"));
    assertEquals(3, page.split("</script>", -1).length - 1);
    String later = page.substring(page.indexOf("<script type=\"application/json\""));
    assertFalse(later.replaceAll("(?s)<script>.*", "").contains("http"), "asks for something");
  }

  @Test
  void textsStayOutOfThePageWhereTheRecipeOrTheCallerSaysSo() throws IOException {
    FakeRun.finished(folder);
    Path page = Report.write(folder, OptionalInt.of(0));
    assertFalse(Files.readString(page).contains("\\u003cb>"));
    Report.write(folder);
    assertTrue(Files.readString(page).contains("\\u003cb>"));
    new FakeRun(folder)
        .write("recipe.yaml", FakeRun.RECIPE.formatted("10") + "report: {worst_examples: 0}\n");
    Report.write(folder);
    assertFalse(Files.readString(page).contains("\\u003cb>"));
  }

  @Test
  void aRunThatWasInterruptedShowsHowFarItCame() throws IOException {
    FakeRun.begun(folder);
    JsonNode run = run();
    assertEquals("not finished: teacher/finetuned of seed 2, update 1", run.get("status").asText());
    assertEquals("[\"teacher\", \"ted\"]", run.get("models").findValues("name").toString());
    assertEquals("{\"1\":0.9}", run.at("/models/0/metrics/accuracy").toString());
    assertTrue(run.path("validation").isMissingNode());
    assertEquals(2, run.at("/stages/0/seconds").asDouble());
    new FakeRun(folder)
        .write("seed-1/checkpoints/ted/result.json", "{\"metrics\": {\"accuracy\": 0.625}}");
    assertEquals("{\"1\":0.625}", run().at("/models/1/metrics/accuracy").toString());
  }

  @Test
  void aRunBeforeItsFirstUpdateHasAPageToo() throws IOException {
    new FakeRun(folder).write("recipe.yaml", "seed: 7\n");
    JsonNode run = run();
    assertEquals("[7]", run.get("seeds").toString());
    assertEquals("not finished: before its first update", run.get("status").asText());
  }

  @Test
  void precisionsTakeTheStudentsPlace() throws IOException {
    FakeRun run = FakeRun.finished(folder);
    assertEquals("[\"teacher\", \"student\"]", run().get("sizes").findValues("name").toString());
    run.write(
        "export/precisions.json",
        """
        {"precisions": {
          "fp32": {"kept": true, "bytes": 400, "metrics": {"accuracy": 0.75},
            "latency_ms": {"1": 0.5, "8": 2.0}, "agreement": 1.0},
          "int8": {"kept": false, "reason": "too bad", "bytes": 100, "metrics": {"accuracy": 0.1},
            "latency_ms": {}, "agreement": null}}}
        """);
    JsonNode sizes = run().get("sizes");
    assertEquals("[\"teacher\", \"fp32\", \"int8\"]", sizes.findValues("name").toString());
    assertEquals(2, sizes.at("/1/latencyMs8").asDouble());
    assertEquals("too bad", sizes.at("/2/refused").asText());
    assertTrue(sizes.at("/2/latencyMs").isNull());
  }

  @Test
  void scoresLabelsAndAnswersAreCountedInTheirOwnWays() throws IOException {
    FakeRun run = FakeRun.finished(folder);
    run.write("validation.jsonl", "{\"text\": \"a\", \"label\": 2.5}\n");
    predicts(run, "{\"prediction\": 2.0}");
    assertEquals("[[2.5,2.0]]", run().at("/validation/models/0/points").toString());
    run.write("validation.jsonl", "{\"text\": \"a\", \"label\": [\"x\"]}\n");
    predicts(run, "{\"prediction\": [\"x\", \"y\"], \"logits\": {\"x\": 1, \"y\": 1, \"z\": -1}}");
    assertEquals("[[2,0,0],[0,2,0],[0,0,0]]", run().at("/validation/models/0/labels").toString());
    run.write(
        "validation.jsonl",
        """
        {"text": "a", "text_pair": "b", "label": ["b"]}
        {"text": "a", "text_pair": "b", "label": []}
        """);
    predicts(
        run,
        """
        {"prediction": "", "exact": 0, "f1": 0, "probability": 1}
        {"prediction": "", "exact": 1, "f1": 1, "probability": 1}\
        """);
    assertEquals(
        "{\"with an answer\":{\"silent\":2},\"without an answer\":{\"exact\":2}}",
        run().at("/validation/models/0/answers").toString());
  }

  private static void predicts(FakeRun run, String lines) {
    for (String place : List.of("seed-1/predictions/ted.jsonl", "seed-2/predictions/ted.jsonl")) {
      run.write(place, lines + "\n");
    }
  }

  @Test
  void anotherFolderIsRefused() {
    UserError refused = assertThrows(UserError.class, () -> Report.write(folder));
    assertEquals(
        folder + ": is not a run's folder (no recipe.yaml); give the --output_dir of a run",
        refused.getMessage());
  }
}
