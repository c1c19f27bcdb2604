package dev.filtrate.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFolderTest {
  /** A BERT of two layers with random weights, saved by transformers 5 in two shards. */
  static final Path SHARDED = Path.of("src/test/resources/weights/bert-sharded");

  private static final String INDEX = "model.safetensors.index.json";
  private static final String FIRST = "model-00001-of-00002.safetensors";

  @TempDir Path folder;

  @Test
  void readsTheShardsThatTransformersWrote() {
    ModelFolder model = ModelFolder.open(SHARDED);
    assertEquals(41, model.tensors().size());
    assertEquals(3, model.config().numLabels());
    assertEquals(SHARDED, model.path());
    // numbers as Python prints them
    assertEquals(0.004182042554020882, get(model, "classifier.weight").get(0));
    assertEquals(
        -0.001118325162678957,
        get(model, "bert.encoder.layer.1.output.dense.weight").get(7 * 12 + 11));
  }

  @Test
  void whatWasWrittenIsOpenedAgainWithItsTokenizer() throws IOException {
    Path tokenizer = Files.createDirectory(folder.resolve("tokenizer"));
    Files.writeString(tokenizer.resolve("vocab.txt"), "[PAD]\nword\n");
    Files.writeString(tokenizer.resolve("tokenizer_config.json"), "{}");
    Files.writeString(tokenizer.resolve("notes.txt"), "not a tokenizer's");
    ModelFolder model = ModelFolder.open(SHARDED);
    Path out = folder.resolve("deep/model");
    ModelFolder.write(
        out, model.config().json(), model.tensors(), ModelFolder.tokenizerFiles(tokenizer));

    ModelFolder again = ModelFolder.open(out);
    assertEquals(model.tensors(), again.tensors());
    assertEquals(model.config().json(), again.config().json());
    assertEquals(
        List.of(out.resolve("tokenizer_config.json"), out.resolve("vocab.txt")),
        again.tokenizerFiles());
    assertEquals("[PAD]\nword\n", Files.readString(out.resolve("vocab.txt")));
    assertEquals(
        List.of("config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"),
        list(out));
  }

  @Test
  void theConfigIsWrittenAsHuggingFaceDoes() throws IOException {
    ModelFolder model = ModelFolder.open(SHARDED);
    ModelFolder.write(folder.resolve("m"), model.config().json(), model.tensors(), List.of());
    assertEquals(
        Files.readString(SHARDED.resolve("config.json")),
        Files.readString(folder.resolve("m/config.json")).replace("1.0E-12", "1e-12"));
  }

  @Test
  void aFolderMayBeReplacedByAModelMadeOfItself() throws IOException {
    ModelFolder model = ModelFolder.open(SHARDED);
    Path out = folder.resolve("m");
    Files.createDirectories(out);
    Files.writeString(out.resolve("leftover"), "of another model");
    ModelFolder.write(out, model.config().json(), model.tensors(), List.of());
    ModelFolder once = ModelFolder.open(out);
    ModelFolder.write(out, once.config().json(), once.tensors(), once.tokenizerFiles());
    assertEquals(model.tensors(), ModelFolder.open(out).tensors());
    assertEquals(List.of("config.json", "model.safetensors"), list(out));
    assertEquals(List.of("m"), list(folder));
  }

  @Test
  void aFailureLeavesNothingHalfWritten() throws IOException {
    Path missing = folder.resolve("vocab.txt");
    ModelFolder model = ModelFolder.open(SHARDED);
    Path out = folder.resolve("m");
    UserError e =
        assertThrows(
            UserError.class,
            () -> ModelFolder.write(out, model.config().json(), model.tensors(), List.of(missing)));
    assertEquals(missing + ": expected a readable file to copy", e.getMessage());
    Map<String, Tensor> impossible = Map.of("__metadata__", Tensor.scalar(1f));
    assertThrows(
        IllegalArgumentException.class,
        () -> ModelFolder.write(out, model.config().json(), impossible, List.of()));
    assertEquals(List.of(), list(folder));
  }

  @Test
  void aFolderThatIsNoModelIsOneSentence() throws IOException {
    Path nowhere = folder.resolve("nowhere");
    assertEquals(
        nowhere + ": no such folder; expected a Hugging Face model folder", error(nowhere));
    assertEquals(
        folder + ": has no config.json; expected a Hugging Face model folder", error(folder));
    Path file = Files.writeString(folder.resolve("file"), "");
    assertEquals(file + ": not a folder; expected a Hugging Face model folder", error(file));

    Files.copy(SHARDED.resolve("config.json"), folder.resolve("config.json"));
    assertEquals(
        folder
            + ": has no weights; expected a Hugging Face model folder with model.safetensors or pytorch_model.bin, or one of them in parts with its .index.json",
        error(folder));
  }

  @Test
  void weightsThatPyTorchPickledAreReadLikeSafetensors() throws IOException {
    Map<String, Tensor> tensors = ModelFolder.open(SHARDED).tensors();
    Files.copy(SHARDED.resolve("config.json"), folder.resolve("config.json"));
    TorchFile.write(folder.resolve("pytorch_model.bin"), tensors);
    assertEquals(tensors, ModelFolder.open(folder).tensors());
  }

  @Test
  void safetensorsComeBeforeThePickleBesideThem() throws IOException {
    copySharded();
    Files.writeString(folder.resolve("pytorch_model.bin"), "not looked at");
    assertEquals(ModelFolder.open(SHARDED).tensors(), ModelFolder.open(folder).tensors());
  }

  @Test
  void pickledShardsAreReadAndTheirIndexMayNameNothingOutside() throws IOException {
    Map<String, Tensor> tensors = ModelFolder.open(SHARDED).tensors();
    Files.copy(SHARDED.resolve("config.json"), folder.resolve("config.json"));
    ObjectNode index = new ObjectMapper().createObjectNode();
    List<Map<String, Tensor>> shards = List.of(new LinkedHashMap<>(), new LinkedHashMap<>());
    tensors.forEach(
        (name, tensor) -> {
          int shard = name.startsWith("bert.encoder") ? 1 : 0;
          shards.get(shard).put(name, tensor);
          index.withObject("/weight_map").put(name, "pytorch_model-%d.bin".formatted(shard));
        });
    TorchFile.write(folder.resolve("pytorch_model-0.bin"), shards.get(0));
    TorchFile.write(folder.resolve("pytorch_model-1.bin"), shards.get(1));
    Path file = folder.resolve("pytorch_model.bin.index.json");
    new ObjectMapper().writeValue(file.toFile(), index);
    assertEquals(tensors, ModelFolder.open(folder).tensors());

    for (String name :
        List.of("../pytorch_model-0.bin", "model.safetensors", "/pytorch_model.bin")) {
      index.withObject("/weight_map").put("classifier.bias", name);
      new ObjectMapper().writeValue(file.toFile(), index);
      assertEquals(
          file
              + ": tensor 'classifier.bias': expected the name of a file in the same folder, found '"
              + name
              + "'",
          error(folder));
    }
    index.withObject("/weight_map").put("classifier.bias", "pytorch_model-2.bin");
    new ObjectMapper().writeValue(file.toFile(), index);
    assertEquals(
        file
            + ": tensor 'classifier.bias': expected in pytorch_model-2.bin, which is missing; fetch it, all shards belong in one folder",
        error(folder));
  }

  @Test
  void aShardThatIsMissingIsNamedWithATensor() throws IOException {
    copySharded();
    Files.delete(folder.resolve(FIRST));
    assertEquals(
        folder.resolve(INDEX)
            + ": tensor 'bert.embeddings.LayerNorm.bias': expected in "
            + FIRST
            + ", which is missing; fetch it, all shards belong in one folder",
        error(folder));
  }

  @Test
  void aTensorThatIsNotInItsShardIsNamed() throws IOException {
    copySharded();
    changeWeightMap("classifier.bias", FIRST);
    assertEquals(
        folder.resolve(INDEX)
            + ": tensor 'classifier.bias': expected in "
            + FIRST
            + ", which does not have it; fetch or write the files again",
        error(folder));
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "../model.safetensors",
        "/etc/model.safetensors",
        "sub/../../model.safetensors",
        "..\\model.safetensors",
        "C:model.safetensors",
        "config.json",
        ".."
      })
  void aShardOutsideOfTheFolderIsRefused(String name) throws IOException {
    copySharded();
    changeWeightMap("classifier.bias", name);
    assertEquals(
        folder.resolve(INDEX)
            + ": tensor 'classifier.bias': expected the name of a file in the same folder, found '"
            + name
            + "'",
        error(folder));
  }

  @Test
  void anIndexThatIsNoneIsOneSentence() throws IOException {
    copySharded();
    Path index = folder.resolve(INDEX);
    Files.writeString(index, "{\"weight_map\": {}}");
    assertEquals(
        index + ": expected a 'weight_map' of tensor names to files, found {}", error(folder));
    Files.writeString(index, "{}");
    assertEquals(
        index + ": expected a 'weight_map' of tensor names to files, found none", error(folder));
    Files.writeString(index, "[]");
    assertEquals(index + ": expected a JSON object, found something else", error(folder));
    Files.writeString(index, "{");
    assertEquals(index + ": not JSON, see line 1", error(folder));
  }

  private void copySharded() throws IOException {
    try (Stream<Path> files = Files.list(SHARDED)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  private void changeWeightMap(String tensor, String file) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    Path index = folder.resolve(INDEX);
    ObjectNode json = (ObjectNode) mapper.readTree(index.toFile());
    json.withObject("/weight_map").put(tensor, file);
    mapper.writeValue(index.toFile(), json);
  }

  private static Tensor get(ModelFolder model, String name) {
    return Objects.requireNonNull(model.tensors().get(name), name);
  }

  private static List<String> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  private static String error(Path folder) {
    return String.valueOf(
        assertThrows(UserError.class, () -> ModelFolder.open(folder)).getMessage());
  }
}
