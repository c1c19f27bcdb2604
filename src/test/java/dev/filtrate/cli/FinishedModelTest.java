package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.export.TinyModels;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code export}, {@code evaluate} and {@code predict} on a small random model. */
@Tag("ort")
@Tag("tokenizers")
class FinishedModelTest {
  @TempDir Path folder;
  private Path model = Path.of("");

  @BeforeEach
  void makeModel() {
    model = TinyModels.folder(folder.resolve("model"), TinyModels.random(TinyModels.BERT, 11));
  }

  private Outcome filtrate(String command, Path of, String... more) {
    List<String> line = new ArrayList<>(List.of(command, "--model_name_or_path", of.toString()));
    line.addAll(Arrays.asList(more));
    return Captured.filtrate(line.toArray(String[]::new));
  }

  private Path export() {
    Path to = folder.resolve("export");
    Outcome outcome = filtrate("export", model, "--output_dir", to.toString());
    assertEquals(0, outcome.code(), outcome.err());
    return to;
  }

  private static JsonNode json(String line) {
    try {
      return new ObjectMapper().readTree(line);
    } catch (IOException e) {
      throw new AssertionError(line, e);
    }
  }

  private Path dev() {
    TinyModels.tsv(folder.resolve("numbers.tsv"), 30, 3);
    StringBuilder named = new StringBuilder();
    try {
      for (String line : Files.readAllLines(folder.resolve("numbers.tsv"))) {
        named.append(
            line.replaceAll("\t0$", "\tbad")
                .replaceAll("\t1$", "\tso-so")
                .replaceAll("\t2$", "\tgood"));
        named.append('\n');
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return TinyModels.write(folder.resolve("dev.tsv"), named.toString());
  }

  @Test
  void exportSaysWhatItWroteAndWhatTheProofFound() {
    Path to = folder.resolve("export");
    Outcome plain = filtrate("export", model, "--output_dir", to.toString());
    assertTrue(
        plain
            .out()
            .matches(
                "[\\d,]+ parameters, 0\\.\\d MiB; logits differ by at most \\S+ over 32 made up"
                    + " texts \\(allowed \\S+\\)\n\n"
                    + "precision +max diff .*\n"
                    + "-+\n"
                    + "fp32 .*\n\n"
                    + "\\S+\n"),
        plain.toString());
    assertTrue(plain.out().endsWith(to + "\n"), plain.out());

    Outcome proven =
        filtrate(
            "export", model, "--output_dir", to.toString(), "--validation_file", dev().toString());
    assertEquals(0, proven.code(), proven.err());
    assertTrue(proven.out().contains(" over 30 validation examples "), proven.out());
    assertTrue(proven.out().contains("\naccuracy  "), proven.out());
  }

  @Test
  void exportMeasuresEveryPrecisionThatIsAskedFor() {
    Path to = folder.resolve("export");
    Outcome outcome =
        Captured.filtrate(
            "export",
            model.toString(),
            "--output_dir=" + to,
            "--validation_file=" + dev(),
            "--precision=int8,fp16",
            "--max-drop=100");
    assertEquals(0, outcome.code(), outcome.err());
    List<String> lines = outcome.out().lines().toList();
    int head = lines.size() - 7;
    assertTrue(lines.get(head).matches("precision +accuracy +points lost +same answers .*"));
    assertTrue(lines.get(head + 2).matches("fp32 +0\\.\\d{4} +0\\.00 +1\\.0000 .*"), outcome.out());
    assertTrue(lines.get(head + 3).startsWith("fp16 "), outcome.out());
    assertTrue(lines.get(head + 4).startsWith("int8 "), outcome.out());
    assertTrue(Files.isRegularFile(to.resolve("onnx/model_fp16.onnx")));

    Outcome unknown = Captured.filtrate("export", model.toString(), "--precision", "fp32,int4");
    assertEquals(2, unknown.code());
    assertTrue(
        unknown.err().contains("each one of fp32, fp16, int8, optimized, got \"fp32,int4\""),
        unknown.err());
    Outcome twice = filtrate("export", model, model.toString());
    assertEquals(
        "filtrate: --model_name_or_path: cannot go with '" + model + "'; leave one out\n",
        twice.err());
    assertEquals(
        "filtrate: expected one run or model, got 'a b'\n",
        Captured.filtrate("export", "a", "b").err());
  }

  @Test
  void exportAlsoWritesWhatTheTrainingApiNeeds() {
    String to = folder.resolve("export").toString();
    for (String flag : List.of("--training-artifacts", "--training_artifacts")) {
      Outcome outcome = filtrate("export", model, "--output_dir", to, flag);
      assertEquals(0, outcome.code(), outcome.err());
      assertTrue(
          outcome
              .out()
              .contains(
                  "\ntraining artifacts: losses of ONNX Runtime's training API differ from those of"
                      + " training here by at most "),
          outcome.out());
    }
    for (String file :
        List.of("training_model.onnx", "eval_model.onnx", "optimizer_model.onnx", "checkpoint")) {
      assertTrue(Files.isRegularFile(Path.of(to, "training", file)), file);
    }
    assertEquals(
        0, filtrate("predict", Path.of(to), "a good film").code(), "the export is still one");
    assertEquals(0, filtrate("export", model, "--output_dir", to).code());
    assertFalse(Files.exists(Path.of(to, "training")), "the folder is made anew");

    Outcome decaying =
        filtrate(
            "export",
            model,
            "--output_dir",
            to,
            "--training-artifacts",
            "--set",
            "student.finetune.weight_decay=0.01");
    assertEquals(2, decaying.code());
    assertEquals(
        "filtrate: student.finetune.weight_decay: is 0.01, but the training API's AdamW would also"
            + " decay biases and norms; set it to 0 for --training_artifacts\n",
        decaying.err());
  }

  @Test
  void evaluateMeasuresTheSameOfAModelAndOfItsExport() {
    String dev = dev().toString();
    Outcome trained = filtrate("evaluate", model, "--validation_file", dev);
    Outcome exported = filtrate("evaluate", export(), "--validation_file", dev);
    assertEquals(0, trained.code(), trained.err());
    assertEquals(trained.out(), exported.out());
    assertTrue(
        trained.out().matches("accuracy  \\S+\nf1_macro  \\S+\nmatthews_correlation  \\S+\n"),
        trained.out());
    JsonNode json = json(filtrate("evaluate", model, "--validation_file", dev, "--json").out());
    assertEquals("dev", json.path("task").asText());
    assertEquals(30, json.path("examples").asInt());
    assertEquals(
        trained.out().lines().findFirst().orElse(""),
        "accuracy  %.4f".formatted(json.path("metrics").path("accuracy").asDouble()));
  }

  @Test
  void predictAnswersArgumentsInTheirOrder() {
    Outcome exported = filtrate("predict", export(), "a good film", "not a film .");
    assertEquals(0, exported.code(), exported.err());
    assertTrue(
        exported
            .out()
            .matches("(bad|so-so|good)\t[01]\\.\\d{4}\ta good film\n\\S+\t\\S+\tnot a film \\.\n"),
        exported.out());
    assertEquals(exported.out(), filtrate("predict", model, "a good film", "not a film .").out());
    JsonNode json = json(filtrate("predict", model, "--json", "a good film").out());
    assertEquals("a good film", json.path("text").asText());
    assertEquals(3, json.path("probabilities").size());
    assertEquals(json.path("score"), json.path("probabilities").path(json.path("label").asText()));
  }

  @Test
  void predictAnswersForSpreadsheets() {
    Outcome csv = filtrate("predict", model, "--csv", "a film, \"good\"", "bad");
    assertEquals(0, csv.code(), csv.err());
    List<String> lines = csv.out().lines().toList();
    assertEquals(
        "text,label,score,probability_bad,probability_so-so,probability_good", lines.get(0));
    assertEquals(3, lines.size());
    assertTrue(
        lines.get(1).matches("\"a film, \"\"good\"\"\",(bad|so-so|good)(,[01]\\.\\d+(E-\\d)?){4}"),
        csv.out());
    JsonNode json = json(filtrate("predict", model, "--json", "bad").out());
    assertTrue(lines.get(2).startsWith("bad," + json.path("label").asText() + ",0."), csv.out());
    assertTrue(
        filtrate("predict", model, "--csv", "--pairs", "a", "b")
            .out()
            .startsWith("text,text_pair,label,score,"));
    assertEquals(
        "filtrate: --json: cannot go with --csv; leave one out\n",
        filtrate("predict", model, "--csv", "--json", "a").err());
  }

  @Test
  void predictAnswersPairs() {
    Outcome pairs = filtrate("predict", model, "--pairs", "a film", "good", "a story", "bad");
    assertTrue(
        pairs.out().matches("\\S+\t\\S+\ta film\tgood\n\\S+\t\\S+\ta story\tbad\n"), pairs.out());
    JsonNode json = json(filtrate("predict", model, "--pairs", "--json", "a film", "good").out());
    assertEquals("good", json.path("text_pair").asText());
    assertEquals(
        "filtrate: --pairs: expected arguments by twos, got 1\n",
        filtrate("predict", model, "--pairs", "a film").err());
    Path lines = TinyModels.write(folder.resolve("lines.txt"), "a film\tgood\na film\n");
    Outcome refused = filtrate("predict", model, "--pairs", "--input_file", lines.toString());
    assertEquals(2, refused.code());
    assertEquals(
        "filtrate: " + lines + ":2: expected two texts with a tab in between\n", refused.err());
  }

  @Test
  void predictAnswersAFileOrStandardInputLineByLine() {
    String texts = "a film\n\nthe story\n";
    Path file = TinyModels.write(folder.resolve("texts.txt"), texts);
    Outcome ofFile = filtrate("predict", model, "--input_file", file.toString());
    assertEquals(3, ofFile.out().lines().count(), ofFile.toString());
    byte[] typed = texts.getBytes(StandardCharsets.UTF_8);
    Commands predict = new Commands(List.of(new PredictCommand(new ByteArrayInputStream(typed))));
    Outcome ofInput = Captured.run(predict, "predict", "--model_name_or_path", model.toString());
    assertEquals(ofFile, ofInput);
    assertEquals(
        "filtrate: --input_file: cannot go with texts among the arguments; leave one out\n",
        filtrate("predict", model, "--input_file", file.toString(), "a film").err());
    Outcome absent =
        filtrate("predict", model, "--input_file", folder.resolve("no.txt").toString());
    assertEquals(2, absent.code());
    assertTrue(absent.err().contains("no.txt: cannot be read: no such file"), absent.err());
  }

  @Test
  void predictScoresWhereTheModelIsARegression() {
    Path scores =
        TinyModels.folder(folder.resolve("scores"), TinyModels.random(TinyModels.DEBERTA_CONV, 1));
    assertTrue(filtrate("predict", scores, "a film").out().matches("-?\\d+\\.\\d{4}\ta film\n"));
    JsonNode json = json(filtrate("predict", scores, "--json", "a film").out());
    assertTrue(json.path("score").isNumber());
    assertFalse(json.has("label") || json.has("probabilities"));
  }

  @Test
  void whatIsMissingIsSaidInOneSentence() {
    for (String command : List.of("predict", "evaluate", "export")) {
      Outcome nothing = Captured.filtrate(command);
      assertEquals(2, nothing.code());
      assertTrue(
          nothing.err().contains("model_name_or_path: missing: give a Hugging Face folder"),
          nothing.err());
      Outcome absent = filtrate(command, folder.resolve("absent"));
      assertEquals(2, absent.code());
      assertTrue(absent.err().contains("expected a Hugging Face folder at "), absent.err());
    }
    Outcome other = filtrate("export", model, "--output_dir", model.toString());
    assertEquals(
        "filtrate: "
            + model
            + ": exists already and is no export of this program; choose another --output_dir\n",
        other.err());
  }
}
