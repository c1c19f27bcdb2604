package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.filtrate.data.FileFormat;
import dev.filtrate.data.Layout;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.data.squad.Question;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.data.squad.SquadTask;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Head;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an export holds for its consumers beside the model. */
@Tag("ort")
@Tag("tokenizers")
class ExportedFilesTest {
  private static final String SQUAD =
      """
      {"version": "2", "data": [{"title": "t", "paragraphs": [
        {"context": "the film and the story .", "qas": [
          {"id": "1", "question": "good film", "answers": [{"text": "film", "answer_start": 4}]},
          {"id": "2", "question": "bad", "answers": [{"text": "story", "answer_start": 17}]}]}]}]}
      """;

  @TempDir Path folder;

  private Path export() {
    return folder.resolve("export");
  }

  private StudentExport.Report export(Weights weights, Optional<? extends ValidationSet> task) {
    try (Tokenizer tokenizer = Tokenizer.read(TinyModels.vocabulary(folder), 24)) {
      return new StudentExport(TinyModels.ENGINE)
          .write(weights, export(), tokenizer, task, Map.of("recipe_sha256", "abc"));
    }
  }

  private DevSet films(Weights weights, @Nullable String second, String metric) {
    Path file =
        TinyModels.write(
            folder.resolve("dev.tsv"),
            "one\ttwo\tlabel\nthe film\ta good story\t0\nthe bad film\tbad\t1\n"
                + "not a | film\tthe\t1\n".repeat(20));
    TaskSpec spec =
        TaskSpec.of(
            "films",
            file,
            file,
            Layout.of(FileFormat.TSV, "one", second, "label"),
            weights.model().config().problemType(),
            List.of(),
            metric);
    try (Tokenizer tokenizer = Tokenizer.read(TinyModels.vocabulary(folder), 24)) {
      return DevSet.read(spec, weights.model().config(), tokenizer, 1);
    }
  }

  private String text(String file) {
    try {
      return Files.readString(export().resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private JsonNode json(String file) {
    try {
      return new ObjectMapper().readTree(text(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs the file on the golden ids alone, as a program without our tokenizer would. */
  private void idsGiveTheLogits() {
    JsonNode examples = json("golden/inputs.json").path("examples");
    JsonNode expected = json("golden/outputs.json").at("/precisions/fp32");
    double tolerance = expected.path("tolerance").asDouble();
    assertTrue(tolerance >= 1e-4 && tolerance < 1e-2, "tolerance " + tolerance);
    Path file = export().resolve(expected.path("file").asText());
    assertEquals(examples.size(), expected.path("examples").size());
    assertFalse(examples.isEmpty());
    try (ComputeSession session =
        ComputeSession.openFile("golden", file, TinyModels.ENGINE.options())) {
      for (int i = 0; i < examples.size(); i++) {
        Map<String, Tensor> feeds = new LinkedHashMap<>();
        for (String input : session.inputs()) {
          JsonNode ids = examples.get(i).path(input);
          long[] values = new long[ids.size()];
          for (int j = 0; j < values.length; j++) {
            values[j] = ids.get(j).asLong();
          }
          feeds.put(input, Tensor.ofLongs(new long[] {1, values.length}, values));
        }
        JsonNode wanted = expected.path("examples").get(i);
        session.run(feeds).forEach((output, t) -> close(wanted.path(output), t, tolerance));
      }
    }
  }

  private static void close(JsonNode wanted, Tensor actual, double tolerance) {
    float[] values = actual.toFloats();
    assertEquals(wanted.size(), values.length);
    for (int i = 0; i < values.length; i++) {
      assertEquals(wanted.get(i).asDouble(), values[i], tolerance);
    }
  }

  @Test
  void goldenTextsOfAClassifierAreItsTasksAndHardOnes() {
    Weights weights = TinyModels.random(TinyModels.DEBERTA, 4);
    export(weights, Optional.of(films(weights, null, "accuracy")));
    idsGiveTheLogits();
    JsonNode inputs = json("golden/inputs.json");
    assertEquals("text-classification", inputs.path("task").asText());
    assertEquals("[\"bad\",\"good\"]", inputs.path("labels").toString());
    assertEquals(24, inputs.path("max_length").asInt());
    JsonNode examples = inputs.path("examples");
    assertEquals("the film", examples.path(0).path("text").asText());
    assertEquals(GoldenTexts.SAMPLES + 6, examples.size());
    JsonNode last = examples.path(examples.size() - 1);
    assertTrue(last.path("truncated").asBoolean());
    assertEquals(24, last.path("input_ids").size());
    assertFalse(examples.path(0).path("truncated").asBoolean());
    assertFalse(examples.path(0).has("text_pair"));
    assertFalse(examples.path(0).has("token_type_ids")); // nor has the graph

    JsonNode answers = json("golden/outputs.json").at("/precisions/fp32/examples");
    try (Student student = Student.load(export())) {
      for (int i = 0; i < examples.size(); i++) {
        Prediction own = student.classify(List.of(examples.get(i).path("text").asText())).get(0);
        assertEquals(own.label(), answers.get(i).path("labels").path(0).asText());
        assertEquals(own.score(), answers.get(i).path("score").asDouble(), 1e-5);
      }
    }
  }

  @Test
  void goldenTextsOfATaskOfPairsArePairs() {
    Weights weights = TinyModels.random(TinyModels.ROBERTA, 4);
    export(weights, Optional.of(films(weights, "two", "f1")));
    idsGiveTheLogits();
    JsonNode examples = json("golden/inputs.json").path("examples");
    assertEquals("a good story", examples.path(0).path("text_pair").asText());
    examples.forEach(example -> assertTrue(example.has("text_pair"), example.toString()));
    assertTrue(
        text("serving.properties").contains("# no translatorFactory: DJL has none"),
        text("serving.properties"));
  }

  @Test
  void withoutATaskSinglesAndPairsAreTried() {
    export(TinyModels.random(TinyModels.BERT, 4), Optional.empty());
    idsGiveTheLogits();
    JsonNode examples = json("golden/inputs.json").path("examples");
    assertFalse(examples.path(0).has("text_pair"));
    assertTrue(examples.findValuesAsText("text_pair").size() == 2, examples.toString());
    String card = text("README.md");
    assertTrue(card.contains("It was not measured on a task."), card);
    assertFalse(card.contains("model-index"), card);
  }

  @Test
  void aScoreIsGivenAsItIs() {
    Weights weights = TinyModels.random(TinyModels.DEBERTA_CONV, 4);
    export(weights, Optional.of(films(weights, null, "pearson")));
    idsGiveTheLogits();
    JsonNode answer = json("golden/outputs.json").at("/precisions/fp32/examples/0");
    assertEquals(answer.path("logits").path(0).asDouble(), answer.path("score").asDouble(), 1e-6);
    assertFalse(answer.has("labels"));
    String properties = text("serving.properties");
    assertTrue(properties.contains("would put the score through a sigmoid"), properties);
    String card = text("README.md");
    assertTrue(card.contains("the score as it is"), card);
    assertFalse(card.contains("pipeline("), card);
  }

  @Test
  void questionsHaveTheirAnswers() {
    Weights weights = TinyModels.random(TinyModels.BERT, Head.QUESTION_ANSWERING, 4);
    Path file = TinyModels.write(folder.resolve("squad.json"), SQUAD);
    SquadSettings settings = new SquadSettings(false, 4, 20, 10, 0, false);
    SquadTask task = new SquadTask("squad", file, file, settings, 0, 0);
    try (Tokenizer tokenizer = Tokenizer.read(TinyModels.vocabulary(folder), 24)) {
      export(weights, Optional.of(SquadSet.read(task, tokenizer)));
    }
    idsGiveTheLogits();
    JsonNode inputs = json("golden/inputs.json");
    assertEquals("question-answering", inputs.path("task").asText());
    assertEquals(10, inputs.path("max_answer_length").asInt());
    assertFalse(inputs.path("version_2_with_negative").asBoolean());
    JsonNode first = inputs.path("examples").path(0);
    assertEquals("good film", first.path("text").asText());
    JsonNode answers = json("golden/outputs.json").at("/precisions/fp32/examples");
    try (Student student = Student.load(export())) {
      Question asked = new Question("1", "good film", first.path("text_pair").asText(), List.of());
      assertEquals(
          student.answer(List.of(asked), settings).get(0).best(),
          answers.path(0).path("answer").asText());
    }
    Map<String, String> metadata = OnnxCodec.read(export().resolve("model.onnx")).metadata();
    assertTrue(metadata.containsKey("filtrate.train_data_sha256"), metadata.toString());
    String properties = text("serving.properties");
    assertTrue(properties.contains("QuestionAnsweringTranslatorFactory"), properties);
    String card = text("README.md");
    assertTrue(card.contains("pipeline_tag: question-answering"), card);
    assertTrue(card.contains("start_logits"), card);
  }

  @Test
  void djlAndTransformersJsAreToldWhatTheyAsk() {
    export(TinyModels.random(TinyModels.BERT, 4), Optional.empty());
    assertEquals(
        """
        engine=OnnxRuntime
        option.modelName=model
        translatorFactory=ai.djl.huggingface.translator.TextClassificationTranslatorFactory
        includeTokenTypes=true
        padding=true
        truncation=true
        maxLength=24
        """,
        text("serving.properties"));
    assertEquals("fp32", json("config.json").at("/transformers.js_config/dtype").asText());
    assertEquals(24, json("tokenizer_config.json").path("model_max_length").asInt());
  }

  @Test
  void theModelCardsFiguresAreTheMeasuredOnes() throws IOException {
    Weights weights = TinyModels.random(TinyModels.DEBERTA, 4);
    StudentExport.Report report = export(weights, Optional.of(films(weights, null, "accuracy")));
    String card = text("README.md");
    assertTrue(card.startsWith("---\nlibrary_name: transformers.js\n"), card);
    JsonNode head = new YAMLMapper().readTree(card.substring(4, card.indexOf("\n---\n", 4)));
    assertEquals("text-classification", head.path("pipeline_tag").asText());
    JsonNode result = head.at("/model-index/0/results/0");
    assertEquals("films", result.at("/dataset/name").asText());
    Map<String, Double> measured = report.agreement().metrics();
    assertEquals(measured.size(), result.path("metrics").size());
    for (JsonNode metric : result.path("metrics")) {
      double value = measured.getOrDefault(metric.path("type").asText(), Double.NaN);
      assertEquals(value, metric.path("value").asDouble(), 5e-5);
    }
    String accuracy = "| accuracy | %.4f |".formatted(measured.get("accuracy"));
    assertTrue(card.contains(accuracy), card);
    assertTrue(card.contains("| 0 | bad |\n| 1 | good |"), card);
    assertTrue(card.contains("%,d parameters".formatted(report.parameters())), card);
    assertTrue(card.contains("| recipe_sha256 | `abc` |"), card);

    Map<String, String> metadata = OnnxCodec.read(export().resolve("model.onnx")).metadata();
    JsonNode metrics = new ObjectMapper().readTree(metadata.getOrDefault("filtrate.metrics", ""));
    assertEquals(measured.size(), metrics.size());
    assertEquals(
        ProblemType.SINGLE_LABEL_CLASSIFICATION.id(), metadata.get("filtrate.problem_type"));
  }
}
