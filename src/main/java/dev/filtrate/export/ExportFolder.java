package dev.filtrate.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.errorprone.annotations.MustBeClosed;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Parameters;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.recipe.Precision;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.train.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The files of an export: {@code config.json} and the tokenizer's as Hugging Face names them,
 * {@code model.onnx} where most runtimes look, the same file as {@code onnx/model.onnx} where
 * transformers.js does, {@code serving.properties} for DJL, {@code golden/} for programs to check
 * themselves against, {@code README.md} for people, and {@code provenance.json}.
 */
final class ExportFolder {
  static final String MODEL = "model.onnx";
  static final String ONNX = "onnx";
  static final String PROVENANCE = "provenance.json";
  static final String PRODUCER = "producer";
  private static final String CONFIG = "config.json";
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private ExportFolder() {}

  /** Whether a folder holds an exported model. */
  static boolean isExport(Path folder) {
    return Files.isRegularFile(folder.resolve(MODEL));
  }

  /**
   * Throws {@link UserError} unless an export may be written there: nothing else is overwritten.
   */
  static void requireFree(Path folder) {
    boolean ours = Files.isRegularFile(folder.resolve(PROVENANCE)) && isExport(folder);
    Check.user(
        !Files.exists(folder) || ours || isEmptyFolder(folder),
        "%s: exists already and is no export of this program; choose another --output_dir",
        folder);
  }

  private static boolean isEmptyFolder(Path folder) {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(folder, e);
    }
  }

  /**
   * Throws {@link UserError} if the tokenizer has ids, lengths or padding that the model does not
   * take.
   */
  static void requireFits(String where, ModelConfig config, Tokenizer tokenizer) {
    Check.user(
        tokenizer.vocabularySize() <= config.common().vocabSize(),
        "%s: its vocab_size is %d, but the tokenizer's ids go up to %d; use the tokenizer that"
            + " belongs to the model",
        where,
        config.common().vocabSize(),
        tokenizer.vocabularySize() - 1);
    Check.user(
        config.takesPadding(tokenizer.padId()),
        "%s: its pad_token_id is %d, but the tokenizer pads with %d; use the tokenizer that belongs"
            + " to the model",
        where,
        config.common().padTokenId(),
        tokenizer.padId());
    Check.user(
        tokenizer.maxLength() <= config.longest().orElse(Integer.MAX_VALUE),
        "%s: max_length: %d is more than the model's %d positions (max_position_embeddings)",
        where,
        tokenizer.maxLength(),
        config.longest().orElse(0));
  }

  /** Opens an exported model; a file that the runtime does not take is a {@link UserError}. */
  @MustBeClosed
  static ComputeSession open(Path folder, RuntimeOptions options) {
    Path file = folder.resolve(MODEL);
    try {
      return ComputeSession.openFile(file.toString(), file, options);
    } catch (IllegalStateException e) {
      throw new UserError(
          "%s: ONNX Runtime cannot load it, export the model again: %s"
              .formatted(file, e.getMessage()),
          e);
    }
  }

  /** How long texts may be: what the tokenizer's config says, within the model's positions. */
  static int maxLength(Path folder, ModelConfig config) {
    int positions = config.usualLength();
    return Math.min(Tokenizer.modelMaxLength(folder).orElse(positions), positions);
  }

  /**
   * Writes the model twice, under both names; data beside it too, if it has any.
   *
   * @param dataInside how many bytes of weights the file may hold inside
   */
  static void writeModel(
      Path folder, WeightedGraph draft, Map<String, String> metadata, long dataInside)
      throws IOException {
    Path file = folder.resolve(MODEL);
    OnnxCodec.write(file, draft.graph(), Parameters.embedded(draft.values()), metadata, dataInside);
    Path second = Files.createDirectory(folder.resolve(ONNX));
    try (Stream<Path> files = Files.list(folder)) {
      for (Path written : files.filter(ExportFolder::isModel).toList()) {
        Path other = second.resolve(written.getFileName());
        if (written.equals(file)) {
          link(written, other);
        } else {
          Files.copy(written, other); // loaders take a linked data file for an attack
        }
      }
    }
  }

  /** Whether a file is the model, or its data beside it. */
  static boolean isModel(Path file) {
    return String.valueOf(file.getFileName()).startsWith(MODEL);
  }

  private static void link(Path file, Path other) throws IOException {
    try {
      Files.createLink(other, file);
    } catch (IOException | UnsupportedOperationException e) { // not every file system has links
      Files.copy(file, other);
    }
  }

  /** Writes the tokenizer, telling it what the graph takes. */
  static void writeTokenizer(Path folder, Tokenizer tokenizer, List<String> inputs) {
    tokenizer.write(folder);
    Path file = folder.resolve(TOKENIZER_CONFIG);
    ObjectNode config = read(file);
    inputs.forEach(config.putArray("model_input_names")::add);
    config.put("model_max_length", tokenizer.maxLength()); // what it was trained and proven with
    writeJson(file, config);
  }

  /** Writes the config of the model as it is now: no filters, its labels spelled out. */
  static void writeConfig(Path folder, Model model) {
    ModelConfig config = model.config();
    ObjectNode json = config.withLabels(config.common().labels()).json();
    List.copyOf(json.properties()).stream()
        .map(Map.Entry::getKey)
        .filter(key -> key.contains("filter"))
        .forEach(json::remove);
    json.put("model_type", config.common().modelType().replaceFirst("^ted-", ""));
    json.putArray("architectures").add(Weights.architecture(model));
    json.put("vocab_size", config.common().vocabSize());
    json.put("hidden_size", config.hiddenSize());
    json.put("type_vocab_size", config.common().typeVocabSize());
    json.put("pad_token_id", config.common().padTokenId());
    json.remove("torch_dtype");
    json.put("dtype", "float32");
    if (model.head() == Head.SEQUENCE_CLASSIFICATION) {
      json.put("problem_type", config.problemType().id());
    }
    writeJson(folder.resolve(CONFIG), json);
  }

  /**
   * Tells transformers.js which of its files are there: without a word it looks for int8 in
   * WebAssembly and for float32 elsewhere.
   */
  static void addDataTypes(Path folder, Set<Precision> precisions) {
    ObjectNode json = read(folder.resolve(CONFIG));
    ObjectNode settings = json.putObject("transformers.js_config");
    settings.put("dtype", "fp32");
    ObjectNode devices = JSON.createObjectNode();
    if (precisions.contains(Precision.INT8)) {
      devices.putObject("wasm").put("dtype", "q8");
    }
    if (precisions.contains(Precision.FP16)) {
      devices.putObject("webgpu").put("dtype", "fp16");
    }
    if (!devices.isEmpty()) {
      settings.set("device_config", devices);
    }
    ObjectNode external = JSON.createObjectNode();
    for (Precision precision : precisions) {
      if (Files.exists(folder.resolve(ONNX).resolve(precision.file() + "_data"))) {
        external.put(precision.file(), true);
      }
    }
    if (!external.isEmpty()) {
      settings.set("use_external_data_format", external);
    }
    writeJson(folder.resolve(CONFIG), json);
  }

  static void writeJson(Path file, ObjectNode json) {
    try {
      String text = JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json);
      AtomicFiles.writeText(file, text + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(file + ": " + json, e);
    }
  }

  private static ObjectNode read(Path file) {
    try {
      if (JSON.readTree(file.toFile()) instanceof ObjectNode object) {
        return object;
      }
      throw UserError.of("%s: expected a JSON object", file);
    } catch (JsonProcessingException e) {
      throw new UserError(file + ": not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }
}
