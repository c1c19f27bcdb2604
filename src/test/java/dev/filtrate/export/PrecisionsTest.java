package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.Randomness;
import dev.filtrate.data.FileFormat;
import dev.filtrate.data.Layout;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Head;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.OnnxModel;
import dev.filtrate.onnx.Parameters;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.recipe.ExportSettings;
import dev.filtrate.recipe.Precision;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A student in float16, int8 and the runtime's fused operators. */
@Tag("ort")
@Tag("tokenizers")
class PrecisionsTest {
  private static final ExportSettings ALL =
      new ExportSettings(List.of(Precision.values()), 100, true, false);

  @TempDir Path folder;

  static Stream<String> configs() {
    return ExportPassesTest.configs();
  }

  private static WeightedGraph slim(Weights weights) {
    return Pass.run(ExportPasses.ALL, ExportPasses.draft(weights));
  }

  private static WeightedGraph int8(WeightedGraph slim, boolean perChannel, boolean reduceRange) {
    ExportSettings settings = new ExportSettings(List.of(), 0, perChannel, reduceRange);
    return ExportPasses.quantized(settings).run(slim);
  }

  /** Three texts of up to nine tokens, two of them padded. */
  private static Map<String, Tensor> run(WeightedGraph draft) {
    byte[] model = OnnxCodec.encode(draft.graph(), Parameters.embedded(draft.values()), Map.of());
    Randomness random = Randomness.of(5, "ids");
    long[] ids = new long[27];
    long[] mask = new long[27];
    long[] types = new long[27];
    for (int i = 0; i < ids.length; i++) {
      mask[i] = i % 9 < 9 - 2 * (i / 9) ? 1 : 0;
      ids[i] = mask[i] == 1 ? 1 + random.nextInt(19) : 0;
      types[i] = mask[i] == 1 && i % 9 > 4 ? 1 : 0;
    }
    long[] dims = {3, 9};
    Map<String, Tensor> feeds =
        new LinkedHashMap<>(
            Map.of(
                "input_ids", Tensor.ofLongs(dims, ids),
                "attention_mask", Tensor.ofLongs(dims, mask),
                "token_type_ids", Tensor.ofLongs(dims, types)));
    try (ComputeSession session =
        ComputeSession.open("precision", model, TinyModels.ENGINE.options())) {
      feeds.keySet().retainAll(session.inputs());
      return session.run(feeds);
    }
  }

  /** The largest difference, as a part of the largest logit. */
  private static double apart(Map<String, Tensor> expected, Map<String, Tensor> actual) {
    double largest = 0;
    double difference = 0;
    for (Map.Entry<String, Tensor> output : expected.entrySet()) {
      float[] wanted = output.getValue().toFloats();
      float[] got = Objects.requireNonNull(actual.get(output.getKey())).toFloats();
      for (int i = 0; i < wanted.length; i++) {
        largest = Math.max(largest, Math.abs(wanted[i]));
        double apart = Math.abs(wanted[i] - got[i]);
        difference = Double.isNaN(apart) ? apart : Math.max(difference, apart);
      }
    }
    return difference / largest;
  }

  private static List<Node> nodes(Graph graph, OpType op) {
    return graph.nodes().stream().filter(n -> n.op() == op).toList();
  }

  private static Set<DType> types(List<Node> nodes) {
    return nodes.stream()
        .flatMap(n -> n.outputs().stream())
        .map(Value::type)
        .collect(Collectors.toSet());
  }

  @ParameterizedTest
  @MethodSource("configs")
  void halvesAnswerLikeTheWhole(String config) {
    for (Head head : Head.values()) {
      WeightedGraph slim = slim(TinyModels.random(config, head, 6));
      WeightedGraph half = ExportPasses.HALF.run(slim);
      double apart = apart(run(slim), run(half));
      assertTrue(apart > 0 && apart < 1e-2, "apart: " + apart);
      assertEquals(slim.graph().inputs(), half.graph().inputs());
      assertEquals(slim.graph().outputs(), half.graph().outputs());
      assertEquals(Set.of(DType.FLOAT), types(nodes(half.graph(), OpType.SOFTMAX)));
      assertEquals(Set.of(DType.FLOAT), types(nodes(half.graph(), OpType.LAYER_NORMALIZATION)));
      assertEquals(Set.of(DType.FLOAT16), types(nodes(half.graph(), OpType.MATMUL)));
      assertEquals(slim.graph().parameterCount(), half.graph().parameterCount());
      for (Value p : half.graph().parameters()) {
        if (p.name().contains("rel_embeddings")) { // goes through a norm in some models
          continue;
        }
        boolean norm = p.name().contains("LayerNorm") || p.name().contains("layer_norm");
        assertEquals(norm ? DType.FLOAT : DType.FLOAT16, p.type(), p.name());
      }
    }
  }

  @Test
  void theMaskStaysInFloat32UpToTheSoftmax() {
    WeightedGraph half = ExportPasses.HALF.run(slim(TinyModels.random(TinyModels.BERT, 6)));
    Map<Value, Node> producers = new LinkedHashMap<>();
    half.graph().nodes().forEach(n -> n.outputs().forEach(v -> producers.put(v, n)));
    for (Node softmax : nodes(half.graph(), OpType.SOFTMAX)) {
      Node sum = Objects.requireNonNull(producers.get(softmax.in(0)));
      assertEquals(OpType.ADD, sum.op());
      assertEquals(DType.FLOAT, sum.in(0).type());
      assertEquals(DType.FLOAT, sum.in(1).type());
    }
  }

  @Test
  void weightsThatAHalfCannotHoldStayAsTheyAre() {
    Weights weights = TinyModels.random(TinyModels.BERT, 6);
    Map<String, Tensor> values = new LinkedHashMap<>(weights.parameters());
    String name = "bert.encoder.layer.1.output.dense.bias";
    float[] bias = Objects.requireNonNull(values.get(name)).toFloats();
    bias[3] = 1e5f;
    values.put(name, Tensor.ofFloats(new long[] {bias.length}, bias));
    WeightedGraph slim = slim(new Weights(weights.model(), values));
    WeightedGraph half = ExportPasses.HALF.run(slim);
    Value kept =
        half.graph().parameters().stream().filter(p -> p.name().equals(name)).findAny().get();
    assertEquals(DType.FLOAT, kept.type());
    double apart = apart(run(slim), run(half));
    assertTrue(apart < 1e-2, "apart: " + apart);
  }

  @ParameterizedTest
  @MethodSource("configs")
  void bytesAnswerAlmostLikeTheWhole(String config) {
    for (Head head : Head.values()) {
      WeightedGraph slim = slim(TinyModels.random(config, head, 6));
      for (boolean perChannel : new boolean[] {true, false}) {
        for (boolean reduceRange : new boolean[] {true, false}) {
          WeightedGraph bytes = int8(slim, perChannel, reduceRange);
          double apart = apart(run(slim), run(bytes));
          String which = head + ", per channel " + perChannel + ", reduced " + reduceRange;
          assertTrue(apart > 0 && apart < 0.25, which + ": " + apart);
          Set<Value> products =
              nodes(bytes.graph(), OpType.MATMUL).stream()
                  .flatMap(n -> n.inputs().stream())
                  .collect(Collectors.toSet());
          for (Value p : bytes.graph().parameters()) {
            assertFalse(products.contains(p), p.toString());
            boolean words = p.name().contains("word_embeddings") && p.rank() == 2;
            assertTrue(!words || p.type() == DType.INT8, p.toString());
          }
        }
      }
      Map<String, Integer> before = slim.graph().operatorCounts();
      Map<String, Integer> after = int8(slim, true, false).graph().operatorCounts();
      int products = count(after, "MatMulInteger");
      assertEquals(count(before, "MatMul"), count(after, "MatMul") + products);
      assertTrue(products >= 2 * 6 + 1, after.toString());
      assertTrue(count(after, "DynamicQuantizeLinear") < products, "q, k and v share theirs");
    }
  }

  private static int count(Map<String, Integer> counts, String operator) {
    return counts.getOrDefault(operator, 0);
  }

  private StudentExport.Report export(
      Weights weights, ExportSettings settings, long dataInside, Path to) {
    String rows = "the film\tbad\nthe bad film\tgood\na good story\tgood\nand\tbad\n".repeat(9);
    return export(weights, settings, dataInside, rows, to);
  }

  private StudentExport.Report export(
      Weights weights, ExportSettings settings, long dataInside, String rows, Path to) {
    Path file = TinyModels.write(folder.resolve("dev.tsv"), "one\tlabel\n" + rows);
    TaskSpec spec =
        TaskSpec.of(
            "films",
            file,
            file,
            Layout.of(FileFormat.TSV, "one", null, "label"),
            weights.model().config().problemType(),
            List.of(),
            "accuracy");
    try (Tokenizer tokenizer = Tokenizer.read(TinyModels.vocabulary(folder), 24)) {
      DevSet task = DevSet.read(spec, weights.model().config(), tokenizer, 1);
      return new StudentExport(TinyModels.ENGINE, ExportPasses.ALL, dataInside)
          .with(settings)
          .write(weights, to, tokenizer, Optional.of(task), Map.of());
    }
  }

  private static JsonNode json(Path file) {
    try {
      return new ObjectMapper().readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a file on the golden ids, and compares with what golden/ says of it. */
  private static void isGolden(Path export, Precision precision) {
    JsonNode examples = json(export.resolve("golden/inputs.json")).path("examples");
    JsonNode expected =
        json(export.resolve("golden/outputs.json")).path("precisions").path(precision.id());
    Path file = export.resolve(expected.path("file").asText());
    assertEquals(export.resolve("onnx").resolve(precision.file()), file);
    double tolerance = expected.path("tolerance").asDouble();
    assertTrue(tolerance >= 1e-4, precision + ": " + tolerance);
    try (ComputeSession session =
        ComputeSession.openFile("golden", file, TinyModels.ENGINE.options())) {
      for (int i = 0; i < examples.size(); i++) {
        Map<String, Tensor> feeds = new LinkedHashMap<>();
        for (String input : session.inputs()) {
          long[] ids = new ObjectMapper().convertValue(examples.get(i).path(input), long[].class);
          feeds.put(input, Tensor.ofLongs(new long[] {1, ids.length}, ids));
        }
        JsonNode wanted = expected.path("examples").path(i).path("logits");
        float[] logits = Objects.requireNonNull(session.run(feeds).get("logits")).toFloats();
        assertEquals(logits.length, wanted.size());
        for (int j = 0; j < logits.length; j++) {
          assertEquals(wanted.get(j).asDouble(), logits[j], 1e-5);
        }
      }
    }
  }

  @Test
  void everyPrecisionIsMeasuredAndTold() throws IOException {
    Path to = folder.resolve("export");
    Weights weights = TinyModels.random(TinyModels.DEBERTA, 4);
    StudentExport.Report report = export(weights, ALL, OnnxCodec.INSIDE, to);
    assertTrue(report.precisions().allKept());
    JsonNode table = json(to.resolve("precisions.json"));
    assertEquals("accuracy", table.path("metric").asText());
    assertEquals(36, table.path("examples").asInt());
    JsonNode provenance = json(to.resolve("provenance.json"));
    double accuracy = provenance.at("/proof/metrics/accuracy").asDouble();
    String card = Files.readString(to.resolve("README.md"));
    for (Precision precision : Precision.values()) {
      isGolden(to, precision);
      Path file = to.resolve("onnx").resolve(precision.file());
      JsonNode row = table.path("precisions").path(precision.id());
      assertTrue(row.path("kept").asBoolean());
      assertEquals("onnx/" + precision.file(), row.path("file").asText());
      assertEquals(Files.size(file), row.path("bytes").asLong());
      assertEquals(
          100 * (accuracy - row.at("/metrics/accuracy").asDouble()),
          row.path("drop").asDouble(),
          1e-9);
      assertTrue(row.path("latency_ms").path("8").asDouble() > 0);
      assertTrue(
          row.path("mean_difference").asDouble() <= row.path("largest_difference").asDouble());
      assertTrue(card.contains("\n| " + precision.id() + " | "), card);
      assertTrue(card.contains(precision.id() + " is `onnx/" + precision.file() + "`"), card);
      assertEquals(
          Hashes.ofFile(file), provenance.path("sha256").path("onnx/" + precision.file()).asText());
    }
    assertEquals(
        "{\"dtype\":\"fp32\",\"device_config\":{\"wasm\":{\"dtype\":\"q8\"},"
            + "\"webgpu\":{\"dtype\":\"fp16\"}}}",
        json(to.resolve("config.json")).path("transformers.js_config").toString());
    for (Precision precision : List.of(Precision.FP16, Precision.INT8)) {
      OnnxModel written = OnnxCodec.read(to.resolve("onnx").resolve(precision.file()));
      assertEquals(precision.id(), written.metadata().get("filtrate.precision"));
      assertEquals("[\"bad\",\"good\"]", written.metadata().get("filtrate.labels"));
    }
  }

  private static final List<String> TEXTS =
      Stream.of("a", "the", "not a", "and", "good")
          .flatMap(a -> Stream.of("film", "story", "bad film", "good").map(b -> a + " " + b))
          .toList();

  /** How much more a student's logits are for "bad" than for "good", text by text. */
  private static double[] odds(Path export) {
    try (Student student = Student.load(export)) {
      return student.classify(TEXTS).stream()
          .map(Prediction::probabilities)
          .mapToDouble(p -> Math.log(p.getOrDefault("bad", 0.0) / p.getOrDefault("good", 0.0)))
          .toArray();
    }
  }

  /** The same student with its answers moved, so that it finds half of the texts good. */
  private Weights balanced(Weights weights) {
    Path to = folder.resolve("lopsided");
    export(weights, ExportSettings.DEFAULT, OnnxCodec.INSIDE, to);
    double median = Arrays.stream(odds(to)).sorted().skip(TEXTS.size() / 2).findFirst().orElse(0);
    Map<String, Tensor> values = new LinkedHashMap<>(weights.parameters());
    values.computeIfPresent(
        "classifier.bias",
        (name, bias) -> {
          float[] moved = bias.toFloats();
          moved[1] += (float) median + 1e-3f;
          return Tensor.ofFloats(bias.dims(), moved);
        });
    return new Weights(weights.model(), values);
  }

  @Test
  void aPrecisionThatAnswersTooBadlyIsRefusedAndTheOthersAreKept() {
    Weights weights = TinyModels.random(TinyModels.DEBERTA, 4);
    Map<String, Tensor> values = new LinkedHashMap<>(weights.parameters());
    String words = "deberta.embeddings.word_embeddings.weight";
    float[] table = Objects.requireNonNull(values.get(words)).toFloats();
    Arrays.fill(table, 16 * 19, 16 * 20, 3e4f); // a word that no text has takes all the range
    values.put(words, Tensor.ofFloats(new long[] {20, 16}, table));
    Weights uneven = balanced(new Weights(weights.model(), values));
    Path to = folder.resolve("export");
    export(uneven, ExportSettings.DEFAULT, OnnxCodec.INSIDE, to);
    double[] odds = odds(to);
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < odds.length; i++) {
      rows.append(TEXTS.get(i)).append(odds[i] > 0 ? "\tbad\n" : "\tgood\n");
    }
    ExportSettings strict =
        new ExportSettings(List.of(Precision.FP16, Precision.INT8), 0.5, true, false);
    StudentExport.Report report = export(uneven, strict, OnnxCodec.INSIDE, rows.toString(), to);
    assertEquals(1, report.agreement().metrics().get("accuracy"));
    assertFalse(report.precisions().allKept());
    String why = report.precisions().refusals().get(0);
    assertTrue(
        why.matches(
            "int8: its accuracy is 0\\.\\d{4}, that of the trained model 1\\.0000: \\d+\\.\\d\\d"
                + " points lost, and max_drop is 0\\.5"),
        why);
    assertFalse(Files.exists(to.resolve("onnx/model_quantized.onnx")));
    isGolden(to, Precision.FP16);
    JsonNode refused = json(to.resolve("precisions.json")).at("/precisions/int8");
    assertFalse(refused.path("kept").asBoolean());
    assertFalse(refused.has("file"));
    assertTrue(refused.path("drop").asDouble() > 0.5, refused.toString());
    assertEquals("int8: " + refused.path("reason").asText(), why);
    assertFalse(json(to.resolve("golden/outputs.json")).path("precisions").has("int8"));
    assertFalse(
        json(to.resolve("config.json")).at("/transformers.js_config/device_config").has("wasm"));
  }

  @Test
  void weightsThatAreTooMuchForOneFileLieBesideIt() throws IOException {
    Path to = folder.resolve("export");
    Weights weights = TinyModels.random(TinyModels.BERT.replace("so-so", "fine"), 4);
    export(weights, ALL, 1000, to);
    Path onnx = to.resolve("onnx");
    for (Precision precision : Precision.values()) {
      isGolden(to, precision);
      Path data = onnx.resolve(precision.file() + "_data");
      long bytes = Files.size(onnx.resolve(precision.file())) + Files.size(data);
      JsonNode row = json(to.resolve("precisions.json")).path("precisions").path(precision.id());
      assertEquals(bytes, row.path("bytes").asLong());
    }
    assertEquals(
        -1, Files.mismatch(to.resolve("model.onnx_data"), onnx.resolve("model.onnx_data")));
    JsonNode external =
        json(to.resolve("config.json")).at("/transformers.js_config/use_external_data_format");
    assertTrue(external.path("model_quantized.onnx").asBoolean(), external.toString());
    try (Student student = Student.load(to)) {
      assertEquals(3, student.classify(List.of("the film")).get(0).probabilities().size());
    }
  }
}
