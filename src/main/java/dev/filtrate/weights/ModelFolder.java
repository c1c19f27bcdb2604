package dev.filtrate.weights;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.ModelConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A Hugging Face model folder: {@code config.json}, the tokenizer's files, and the weights: {@code
 * model.safetensors}, or else {@code pytorch_model.bin}, each also in parts with an {@code
 * .index.json}. Written are safetensors.
 */
public final class ModelFolder {
  private static final String CONFIG = "config.json";
  private static final String WEIGHTS = "model.safetensors";
  private static final String PICKLED = "pytorch_model.bin";
  private static final String INDEX = ".index.json";

  /** The files that make a tokenizer, of all kinds in use. */
  private static final List<String> TOKENIZER_FILES =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.txt",
          "vocab.json",
          "merges.txt",
          "spm.model",
          "spiece.model",
          "sentencepiece.bpe.model",
          "tokenizer.model");

  private final Path path;
  private final ModelConfig config;
  private final Map<String, Tensor> tensors;

  private ModelFolder(Path path, ModelConfig config, Map<String, Tensor> tensors) {
    this.path = path;
    this.config = config;
    this.tensors = tensors;
  }

  /**
   * Opens a folder: reads its config and maps its weights. Throws {@link UserError} if the folder,
   * the config or the weights are missing or damaged.
   */
  public static ModelFolder open(Path folder) {
    ModelConfig config = readConfig(folder);
    return new ModelFolder(folder, config, Collections.unmodifiableMap(readTensors(folder)));
  }

  /** Reads the config only, for a folder whose weights may be missing. */
  public static ModelConfig readConfig(Path folder) {
    Check.user(
        Files.exists(folder), "%s: no such folder; expected a Hugging Face model folder", folder);
    Check.user(
        Files.isDirectory(folder),
        "%s: not a folder; expected a Hugging Face model folder",
        folder);
    Check.user(
        Files.exists(folder.resolve(CONFIG)),
        "%s: has no config.json; expected a Hugging Face model folder",
        folder);
    return ModelConfig.read(folder.resolve(CONFIG));
  }

  /** The weights in the first of their forms that is there. */
  private static Map<String, Tensor> readTensors(Path folder) {
    Function<Path, Map<String, Tensor>> safetensors = file -> Safetensors.open(file).tensors();
    if (Files.exists(folder.resolve(WEIGHTS))) {
      return safetensors.apply(folder.resolve(WEIGHTS));
    }
    if (Files.exists(folder.resolve(WEIGHTS + INDEX))) {
      return Shards.read(folder.resolve(WEIGHTS + INDEX), ".safetensors", safetensors);
    }
    if (Files.exists(folder.resolve(PICKLED))) {
      return TorchWeights.read(folder.resolve(PICKLED));
    }
    if (Files.exists(folder.resolve(PICKLED + INDEX))) {
      return Shards.read(folder.resolve(PICKLED + INDEX), ".bin", TorchWeights::read);
    }
    throw new UserError(
        "%s: has no weights; expected a Hugging Face model folder with %s or %s, or one of them in parts with its %s"
            .formatted(folder, WEIGHTS, PICKLED, INDEX));
  }

  /** Where the folder is. */
  public Path path() {
    return path;
  }

  /** The model's config. */
  public ModelConfig config() {
    return config;
  }

  /** The tensors by name; views of mapped files. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /** The tokenizer's files that are here, to be copied beside a model made from this one. */
  public List<Path> tokenizerFiles() {
    return tokenizerFiles(path);
  }

  /** The tokenizer's files in a folder; none if there are none. */
  public static List<Path> tokenizerFiles(Path folder) {
    return TOKENIZER_FILES.stream().map(folder::resolve).filter(Files::isRegularFile).toList();
  }

  /**
   * Writes a folder, whole or not at all; an existing one is replaced (it may be the one that the
   * tensors are views of).
   *
   * @param config the content of {@code config.json}
   * @param tensors the content of {@code model.safetensors}
   * @param files copied under their own names: the tokenizer's, as a rule
   */
  public static void write(
      Path folder, ObjectNode config, Map<String, Tensor> tensors, List<Path> files) {
    for (Path file : files) {
      Check.user(Files.isReadable(file), "%s: expected a readable file to copy", file);
    }
    AtomicFiles.writeFolder(
        folder,
        temporary -> {
          byte[] json = Json.pretty(config).getBytes(StandardCharsets.UTF_8);
          write(temporary.resolve(CONFIG), channel -> writeFully(channel, json));
          write(
              temporary.resolve(WEIGHTS), channel -> Safetensors.write(channel, tensors, Map.of()));
          for (Path file : files) {
            byte[] content = Files.readAllBytes(file);
            write(
                temporary.resolve(file.getFileName().toString()),
                channel -> writeFully(channel, content));
          }
        });
  }

  private static void writeFully(FileChannel channel, byte[] content) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(content);
    while (rest.hasRemaining()) {
      channel.write(rest);
    }
  }

  /** Writes and syncs a file of the unfinished folder, whose errors then name the folder itself. */
  private static void write(Path file, AtomicFiles.Writer content) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      content.write(channel);
      channel.force(true);
    }
  }
}
