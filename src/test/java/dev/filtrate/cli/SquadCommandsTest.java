package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.train.TinySquad;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Question answering from the command line: a model is trained, exported, measured and asked. */
@Tag("ort")
class SquadCommandsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private Outcome filtrate(String command, String model, String... more) {
    List<String> arguments =
        new ArrayList<>(List.of(command, "--model_name_or_path", folder.resolve(model).toString()));
    arguments.addAll(List.of(more));
    return Captured.filtrate(arguments.toArray(String[]::new));
  }

  @Test
  void aModelIsTrainedExportedMeasuredAndAsked() throws IOException {
    TinySquad task = new TinySquad(folder);
    String recipe = task.file("recipe.yaml").toString();
    String model = folder.resolve("model").toString();
    Outcome trained =
        Captured.filtrate("finetune", "--recipe", recipe, "--output_dir", model, "--quiet");
    assertEquals(0, trained.code(), trained.err());
    assertTrue(trained.out().startsWith("f1  "), trained.out());

    String export = folder.resolve("export").toString();
    Outcome exported = filtrate("export", "model", "--recipe", recipe, "--output_dir", export);
    assertEquals(0, exported.code(), exported.err());
    JsonNode config = JSON.readTree(folder.resolve("export/config.json").toFile());
    assertEquals("BertForQuestionAnswering", config.path("architectures").path(0).asText());

    String dev = task.file("dev.json").toString();
    String[] squad = {
      "--task_name", "squad_v2", "--validation_file", dev, "--doc_stride", "4", "--json"
    };
    JsonNode before = JSON.readTree(filtrate("evaluate", "model", squad).out());
    String[] answers = new String[squad.length + 2];
    System.arraycopy(squad, 0, answers, 0, squad.length);
    answers[squad.length] = "--answers_dir";
    answers[squad.length + 1] = folder.resolve("answers").toString();
    JsonNode after = JSON.readTree(filtrate("evaluate", "export", answers).out());
    assertEquals(12, after.path("examples").asInt());
    double f1 = after.path("metrics").path("f1").asDouble();
    assertEquals(before.path("metrics").path("f1").asDouble(), f1, 1e-6);

    JsonNode predictions = JSON.readTree(folder.resolve("answers/eval_predictions.json").toFile());
    JsonNode best = JSON.readTree(folder.resolve("answers/eval_nbest_predictions.json").toFile());
    JsonNode odds = JSON.readTree(folder.resolve("answers/eval_null_odds.json").toFile());
    assertEquals(12, predictions.size());
    for (int i = 0; i < 12; i++) {
      String id = "q" + i;
      boolean none = odds.path(id).asDouble() > 0;
      assertEquals(none, predictions.path(id).asText().isEmpty(), id);
      assertTrue(best.path(id).size() > 1 && best.path(id).size() <= 21, id);
      assertTrue(best.path(id).path(0).has("probability"), id);
    }
  }

  @Test
  void aWholeRunEndsWithAnExport() throws IOException {
    TinySquad task = new TinySquad(folder);
    String recipe = task.file("recipe.yaml").toString();
    String out = folder.resolve("run").toString();
    Outcome run =
        Captured.filtrate(
            "run",
            recipe,
            "--output_dir",
            out,
            "--set",
            "compare=[kd, ted]",
            "--quiet",
            "--precision=int8",
            "--max_drop=100");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("ted"), run.out());
    JsonNode precisions =
        JSON.readTree(folder.resolve("run/export/precisions.json").toFile()).path("precisions");
    assertEquals(1, precisions.at("/fp32/agreement").asDouble());
    double lost = precisions.at("/int8/drop").asDouble(); // scores are in points already
    double f1 = precisions.at("/fp32/metrics/f1").asDouble();
    assertEquals(f1 - lost, precisions.at("/int8/metrics/f1").asDouble(), 1e-6);
    JsonNode golden = JSON.readTree(folder.resolve("run/export/golden/outputs.json").toFile());
    assertTrue(golden.at("/precisions/fp32/examples/0").has("answer"), golden.toString());
    assertTrue(golden.at("/precisions/int8/examples/0").has("end_logits"), golden.toString());
    assertTrue(Files.exists(folder.resolve("run/export/model.onnx")));
    Outcome plan = Captured.filtrate("plan", recipe, "--quiet");
    assertEquals(0, plan.code(), plan.err());
    assertTrue(plan.out().contains("ted"), plan.out());
  }

  @Test
  void questionsAreAnsweredAndWhatIsNoSquadIsSaid() {
    TinySquad task = new TinySquad(folder);
    String recipe = task.file("recipe.yaml").toString();
    String model = folder.resolve("model").toString();
    String[] train = {"finetune", "--recipe", recipe, "--output_dir", model, "--quiet"};
    assertEquals(0, Captured.filtrate(train).code());

    String context = "\uD83D\uDE00 ann likes tea . bob likes rice .";
    Outcome asked = filtrate("predict", "model", " who likes tea ?", context);
    String[] cells = asked.out().strip().split("\t");
    assertEquals("who likes tea ?", cells[2]);
    assertTrue(!cells[0].isEmpty() && context.contains(cells[0]), cells[0]);
    assertEquals(
        "\t1.0000\twho likes tea ?\n", filtrate("predict", "model", "who likes tea ?", " ").out());
    assertEquals(
        "filtrate: --null_score_diff_threshold: goes with --version_2_with_negative\n",
        filtrate("predict", "model", "--null_score_diff_threshold", "1", "who ?", context).err());
    Outcome none =
        filtrate(
            "predict",
            "model",
            "--version_2_with_negative",
            "--null_score_diff_threshold=-99",
            "--json",
            "who ?",
            context);
    assertTrue(none.out().contains("\"answer\":\"\""), none.out() + none.err());
    assertEquals(
        "filtrate: " + model + ": expected arguments by twos, a question and a text, got 1\n",
        filtrate("predict", "model", "who ?").err());

    String dev = task.write("dev.tsv", "sentence\tlabel\na\t0\nb\t1\n").toString();
    assertEquals(
        "filtrate: "
            + model
            + ": answers questions, but the task dev is the other kind; give the task that the"
            + " model was trained for\n",
        filtrate("evaluate", "model", "--validation_file", dev, "--quiet").err());
    assertEquals(
        "filtrate: --doc_stride: task.doc_stride: goes with a task_name of squad or squad_v2\n",
        filtrate("evaluate", "model", "--validation_file", dev, "--doc_stride", "3").err());
  }
}
