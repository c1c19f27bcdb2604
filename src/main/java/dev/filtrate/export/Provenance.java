package dev.filtrate.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Version;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.recipe.Precision;
import dev.filtrate.train.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Where an export comes from: {@code provenance.json}, and the same as properties of the model
 * itself under {@code filtrate.}, which every runtime can read. Nothing in it depends on when or
 * where it was made, so the same model gives the same files.
 */
final class Provenance {
  private static final String NAMESPACE = "filtrate.";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ObjectNode facts = JSON.createObjectNode();

  /**
   * Everything that is known before the model is written.
   *
   * @param metrics of the trained model on the task; the one that selects first
   * @param others what the caller knows besides
   */
  Provenance(
      Weights weights,
      Tokenizer tokenizer,
      Optional<? extends ValidationSet> task,
      Map<String, Double> metrics,
      Map<String, String> others) {
    Map<String, Tensor> trained = new TreeMap<>(weights.parameters());
    trained.keySet().removeIf(Filters::owns);
    facts.put("version", Version.current());
    facts.put("model_type", weights.model().config().common().modelType());
    task.ifPresent(t -> facts.put("task", t.task()));
    if (weights.model().head() == Head.SEQUENCE_CLASSIFICATION) {
      facts.put("problem_type", weights.model().config().problemType().id());
      ArrayNode labels = facts.putArray("labels");
      weights.model().config().common().labels().forEach(labels::add);
    }
    task.ifPresent(
        t -> {
          String metric = t.metrics().get(0);
          facts.put("metric", metric);
          facts.put("value", metrics.getOrDefault(metric, Double.NaN));
          ObjectNode all = facts.putObject("metrics");
          metrics.forEach(all::put);
        });
    facts.put("max_length", tokenizer.maxLength());
    facts.put("student_sha256", Hashes.ofWeights(trained));
    facts.put("tokenizer_sha256", tokenizer.sha256());
    task.ifPresent(t -> new TreeMap<>(t.hashes()).forEach(facts::put));
    new TreeMap<>(others).forEach(facts::put);
  }

  /** All that is known. */
  ObjectNode facts() {
    return facts.deepCopy();
  }

  /** The properties of a model's file; what is not a text as JSON. */
  Map<String, String> metadata(Precision precision) {
    Map<String, String> properties = new TreeMap<>();
    properties.put(NAMESPACE + "precision", precision.id());
    for (Map.Entry<String, JsonNode> fact : facts.properties()) {
      JsonNode value = fact.getValue();
      properties.put(
          NAMESPACE + fact.getKey(), value.isTextual() ? value.textValue() : value.toString());
    }
    return properties;
  }

  /** Writes the file, once models and proof are there, and before what tells of times. */
  void write(Path folder, WeightedGraph draft, Agreement agreement) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put(ExportFolder.PRODUCER, "filtrate");
    json.setAll(facts);
    ObjectNode model = json.putObject("model");
    model.put("opset", OnnxCodec.OPSET);
    model.put("ir_version", OnnxCodec.IR_VERSION);
    model.put("parameters", draft.graph().parameterCount());
    ObjectNode operators = model.putObject("operators");
    draft.graph().operatorCounts().forEach(operators::put);
    ObjectNode hashes = json.putObject("sha256");
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        String name = folder.relativize(file).toString().replace('\\', '/');
        hashes.put(name, Hashes.ofFile(file));
      }
    }
    ObjectNode proof = json.putObject("proof");
    proof.put("examples", agreement.examples());
    proof.put("examples_are", facts.has("task") ? "the task's validation set" : "made up");
    proof.put("largest_difference", agreement.largestDifference());
    proof.put("bound", agreement.bound());
    ObjectNode metrics = proof.putObject("metrics");
    agreement.metrics().forEach(metrics::put);
    ExportFolder.writeJson(folder.resolve(ExportFolder.PROVENANCE), json);
  }
}
