package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.data.FileFormat;
import dev.filtrate.data.Layout;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Head;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.OnnxModel;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.train.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("ort")
@Tag("tokenizers")
class StudentExportTest {
  private static final StudentExport EXPORT = new StudentExport(TinyModels.ENGINE);

  @TempDir Path folder;

  static Stream<String> configs() {
    return ExportPassesTest.configs();
  }

  private StudentExport.Report export(StudentExport export, Weights weights, Path to) {
    Path vocabulary = TinyModels.vocabulary(folder);
    try (Tokenizer tokenizer = Tokenizer.read(vocabulary, 24)) {
      return export.write(weights, to, tokenizer, Optional.empty(), Map.of("recipe_sha256", "abc"));
    }
  }

  private static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(file.toFile());
  }

  private List<String> files(Path where) throws IOException {
    try (Stream<Path> files = Files.walk(where)) {
      return files
          .filter(Files::isRegularFile)
          .map(f -> where.relativize(f).toString().replace('\\', '/'))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("configs")
  void anExportGivesTheLogitsOfItsModel(String config) {
    for (Head head : Head.values()) {
      Weights weights = TinyModels.withFilters(TinyModels.random(config, head, 7), 8);
      Path to = folder.resolve(head.name());
      StudentExport.Report report = export(EXPORT, weights, to);
      Agreement agreement = report.agreement();
      assertEquals(32, agreement.examples());
      assertTrue(agreement.largestDifference() <= agreement.bound(), agreement.toString());
      assertTrue(agreement.bound() < 1e-2, agreement.toString());
      OnnxModel written = OnnxCodec.read(to.resolve("model.onnx"));
      assertEquals(StudentExport.graph(weights), written.graph());
      assertEquals(report.parameters(), written.graph().parameterCount());
    }
  }

  @Test
  void theFolderHoldsWhatConsumersLookFor() throws IOException {
    Path to = folder.resolve("export");
    StudentExport.Report report = export(EXPORT, TinyModels.random(TinyModels.DEBERTA, 1), to);
    assertEquals(
        List.of(
            "README.md",
            "config.json",
            "golden/inputs.json",
            "golden/outputs.json",
            "model.onnx",
            "onnx/model.onnx",
            "precisions.json",
            "provenance.json",
            "serving.properties",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.txt"),
        files(to));
    assertEquals(-1, Files.mismatch(to.resolve("model.onnx"), to.resolve("onnx/model.onnx")));
    assertEquals(Files.size(to.resolve("model.onnx")), report.bytes());

    JsonNode config = json(to.resolve("config.json"));
    assertEquals("deberta-v2", config.path("model_type").asText());
    assertEquals(
        "[\"DebertaV2ForSequenceClassification\"]", config.path("architectures").toString());
    assertEquals("{\"0\":\"bad\",\"1\":\"good\"}", config.path("id2label").toString());
    assertEquals("{\"bad\":0,\"good\":1}", config.path("label2id").toString());
    assertEquals("single_label_classification", config.path("problem_type").asText());
    List<String> keys = new ArrayList<>();
    config.fieldNames().forEachRemaining(keys::add);
    assertTrue(keys.stream().noneMatch(key -> key.contains("filter")), keys.toString());
    assertEquals(
        "[\"input_ids\",\"attention_mask\"]",
        json(to.resolve("tokenizer_config.json")).path("model_input_names").toString());

    Map<String, String> metadata = OnnxCodec.read(to.resolve("model.onnx")).metadata();
    assertEquals("[\"bad\",\"good\"]", metadata.get("filtrate.labels"));
    assertEquals("abc", metadata.get("filtrate.recipe_sha256"));
    assertEquals("24", metadata.get("filtrate.max_length"));
    JsonNode provenance = json(to.resolve("provenance.json"));
    assertEquals(
        metadata.get("filtrate.student_sha256"), provenance.path("student_sha256").asText());
    assertEquals(
        Hashes.ofFile(to.resolve("model.onnx")),
        provenance.path("sha256").path("model.onnx").asText());
    assertEquals(32, provenance.path("proof").path("examples").asInt());
  }

  @Test
  void theSameModelGivesTheSameFiles() throws IOException {
    Path first = folder.resolve("first");
    Path second = folder.resolve("second");
    export(EXPORT, TinyModels.random(TinyModels.BERT, 1), first);
    export(EXPORT, TinyModels.random(TinyModels.BERT, 1), second);
    List<String> files = new ArrayList<>(files(first));
    files.removeAll(List.of("README.md", "precisions.json")); // they tell of times
    for (String file : files) {
      assertEquals(-1, Files.mismatch(first.resolve(file), second.resolve(file)), file);
    }
  }

  private TaskSpec task(int classes) {
    return TaskSpec.of(
        "films",
        TinyModels.tsv(folder.resolve("train.tsv"), 9, classes),
        TinyModels.tsv(folder.resolve("dev.tsv"), 45, classes),
        Layout.of(FileFormat.TSV, "sentence", null, "label"),
        classes == 1 ? ProblemType.REGRESSION : ProblemType.SINGLE_LABEL_CLASSIFICATION,
        List.of(),
        classes == 1 ? "spearmanr" : "matthews_correlation");
  }

  @ParameterizedTest
  @MethodSource("configs")
  void anExportIsProvenOnTheTask(String config) throws IOException {
    Weights weights = TinyModels.random(config, 3);
    Path to = folder.resolve("export");
    try (Tokenizer tokenizer = Tokenizer.read(TinyModels.vocabulary(folder), 24)) {
      int labels = weights.model().config().numLabels();
      TaskSpec spec = labels == 1 ? scores() : task(labels);
      DevSet task = DevSet.read(spec, weights.model().config(), tokenizer, 1);
      Agreement agreement =
          EXPORT.write(weights, to, tokenizer, Optional.of(task), Map.of()).agreement();
      assertEquals(45, agreement.examples());
      assertEquals(spec.metric(), agreement.metrics().keySet().iterator().next());
      Path trained = TinyModels.folder(folder.resolve("trained"), weights);
      try (Student student = Student.load(trained)) {
        Map<String, Double> metrics = student.evaluate(task, 4);
        assertEquals(metrics.keySet(), agreement.metrics().keySet());
        metrics.forEach(
            (name, value) ->
                assertEquals(value, agreement.metrics().getOrDefault(name, 0.0), 1e-5, name));
      }
      Map<String, String> metadata = OnnxCodec.read(to.resolve("model.onnx")).metadata();
      assertEquals("films", metadata.get("filtrate.task"));
      assertEquals(spec.metric(), metadata.get("filtrate.metric"));
      double value = agreement.metrics().getOrDefault(spec.metric(), Double.NaN);
      assertEquals(value, Double.parseDouble(metadata.getOrDefault("filtrate.value", "")), 1e-6);
    }
  }

  private TaskSpec scores() {
    TaskSpec classes = task(5);
    return TaskSpec.of(
        classes.name(),
        classes.trainFile(),
        classes.validationFile(),
        classes.layout(),
        ProblemType.REGRESSION,
        List.of(),
        "spearmanr");
  }

  @Test
  void aDamagedExportIsRefusedAndLeavesNothingBehind() throws IOException {
    List<Pass> passes = new ArrayList<>(ExportPasses.ALL);
    passes.add(new Pass("damage", StudentExportTest::damaged, "nothing", d -> true));
    StudentExport damaging = new StudentExport(TinyModels.ENGINE, passes, OnnxCodec.INSIDE);
    Path to = folder.resolve("deep/export");
    String message =
        TinyModels.refusal(() -> export(damaging, TinyModels.random(TinyModels.BERT, 1), to));
    assertTrue(
        message.startsWith(
            to.resolve("model.onnx")
                + ": refused: its logits differ from those of the trained model by up to "),
        message);
    assertEquals(List.of(), files(folder.resolve("deep")));
    assertFalse(Files.exists(to));
  }

  private static WeightedGraph damaged(WeightedGraph draft) {
    Map<String, Tensor> values = new LinkedHashMap<>(draft.values());
    values.computeIfPresent(
        "bert.encoder.layer.0.output.dense.bias",
        (name, bias) -> {
          float[] numbers = bias.toFloats();
          numbers[5] += 0.01f;
          return Tensor.ofFloats(bias.dims(), numbers);
        });
    return new WeightedGraph(draft.graph(), values);
  }

  @Test
  void weightsThatAreNotNumbersAreRefused() {
    Weights weights = TinyModels.random(TinyModels.BERT, 1);
    Map<String, Tensor> values = new LinkedHashMap<>(weights.parameters());
    values.put("classifier.bias", Tensor.ofFloats(new long[] {3}, 0, Float.NaN, 0));
    TinyModels.refusal(
        () -> export(EXPORT, new Weights(weights.model(), values), folder.resolve("export")));
  }

  @Test
  void anEarlierExportIsReplacedAndNothingElse() throws IOException {
    Path to = folder.resolve("export");
    export(EXPORT, TinyModels.random(TinyModels.BERT, 1), to);
    byte[] first = Files.readAllBytes(to.resolve("model.onnx"));
    export(EXPORT, TinyModels.random(TinyModels.BERT, 2), to);
    assertFalse(java.util.Arrays.equals(first, Files.readAllBytes(to.resolve("model.onnx"))));

    Path other = Files.createDirectory(folder.resolve("other"));
    TinyModels.write(other.resolve("notes.txt"), "mine");
    String message =
        TinyModels.refusal(() -> export(EXPORT, TinyModels.random(TinyModels.BERT, 1), other));
    assertEquals(
        other + ": exists already and is no export of this program; choose another --output_dir",
        message);
    assertEquals(List.of("notes.txt"), files(other));
  }

  @Test
  void aPlaceThatCannotBeWrittenIsNamed() {
    Path file = TinyModels.write(folder.resolve("file"), "in the way");
    String message =
        TinyModels.refusal(
            () -> export(EXPORT, TinyModels.random(TinyModels.BERT, 1), file.resolve("export")));
    assertTrue(message.startsWith(file.resolve("export") + ": cannot be written: "), message);
  }

  @Test
  void textsLongerThanTheModelsPositionsAreRefused() {
    String shorter = TinyModels.BERT.replace("embeddings\": 40", "embeddings\": 20");
    assertEquals(
        "config.json: max_length: 24 is more than the model's 20 positions"
            + " (max_position_embeddings)",
        TinyModels.refusal(
            () -> export(EXPORT, TinyModels.random(shorter, 1), folder.resolve("export"))));
  }

  @Test
  void aTokenizerWithMoreIdsThanTheModelIsRefused() {
    String small = TinyModels.BERT.replace("\"vocab_size\": 20", "\"vocab_size\": 14");
    String message =
        TinyModels.refusal(
            () -> export(EXPORT, TinyModels.random(small, 1), folder.resolve("export")));
    assertEquals(
        "config.json: its vocab_size is 14, but the tokenizer's ids go up to 14; use the tokenizer"
            + " that belongs to the model",
        message);
  }

  @Test
  void aTaskWithOtherLabelsIsRefused() {
    Weights weights = TinyModels.random(TinyModels.BERT, 1);
    try (Tokenizer tokenizer = Tokenizer.read(TinyModels.vocabulary(folder), 24)) {
      String type =
          TinyModels.refusal(() -> DevSet.read(scores(), weights.model().config(), tokenizer, 1));
      assertEquals(
          "config.json: the model has 3 labels, but the task is regression; set problem_type to"
              + " what the model was trained for",
          type);
      String labels =
          TinyModels.refusal(
              () ->
                  DevSet.read(
                      task(2).withLabels(List.of("no", "yes")),
                      weights.model().config(),
                      tokenizer,
                      1));
      assertEquals(
          "config.json: the model knows [bad, so-so, good], the task's validation file [no, yes];"
              + " evaluate on the task that the model was trained for",
          labels);
    }
  }

  @Test
  void classesAreThoseOfTheModelInItsOrder() {
    Weights weights = TinyModels.random(TinyModels.DEBERTA, 1);
    Path dev =
        TinyModels.write(folder.resolve("dev.tsv"), "sentence\tlabel\na film\tgood\nx\tbad\n");
    TaskSpec spec =
        TaskSpec.of(
            "films",
            dev,
            dev,
            Layout.of(FileFormat.TSV, "sentence", null, "label"),
            ProblemType.SINGLE_LABEL_CLASSIFICATION,
            List.of("good", "bad"),
            "accuracy");
    try (Tokenizer tokenizer = Tokenizer.read(TinyModels.vocabulary(folder), 24)) {
      for (TaskSpec same : List.of(spec, spec.withLabels(List.of()))) {
        DevSet set = DevSet.read(same, weights.model().config(), tokenizer, 1);
        assertArrayEquals(
            new double[] {1, 0}, new double[] {set.examples().label(0), set.examples().label(1)});
      }
    }
  }
}
