package dev.filtrate.weights;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.Check;
import dev.filtrate.base.Excerpt;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Weights in several files and the index that says which tensor is in which: {@code {"metadata": …,
 * "weight_map": {tensor: file}}}. The index is the truth: a tensor that it does not name is not
 * there.
 */
final class Shards {
  private Shards() {}

  /**
   * The tensors that an index names, in its order.
   *
   * @param ending of the names of its files: {@code .safetensors}, {@code .bin}
   * @param reader gives the tensors of a file
   */
  static Map<String, Tensor> read(
      Path index, String ending, Function<Path, Map<String, Tensor>> reader) {
    JsonNode weightMap = Json.readObject(index).path("weight_map");
    Check.user(
        weightMap.isObject() && !weightMap.isEmpty(),
        "%s: expected a 'weight_map' of tensor names to files, found %s",
        index,
        weightMap.isMissingNode() ? "none" : Excerpt.of(weightMap.toString()));
    Map<String, Map<String, Tensor>> files = new LinkedHashMap<>();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> e : weightMap.properties()) {
      String file = e.getValue().asText("");
      Tensor tensor =
          files
              .computeIfAbsent(file, name -> reader.apply(shard(index, e.getKey(), name, ending)))
              .get(e.getKey());
      if (tensor == null) {
        throw UserError.of(
            "%s: tensor '%s': expected in %s, which does not have it; fetch or write the files again",
            index, e.getKey(), file);
      }
      tensors.put(e.getKey(), tensor);
    }
    return tensors;
  }

  /** The file of a name, which must not lead out of the index's folder. */
  private static Path shard(Path index, String tensor, String name, String ending) {
    if (!name.endsWith(ending) || !name.matches("[^/\\\\:\\x00]+")) {
      throw new UserError(
          "%s: tensor '%s': expected the name of a file in the same folder, found '%s'"
              .formatted(index, tensor, name));
    }
    Path file = index.resolveSibling(name);
    Check.user(
        Files.exists(file),
        "%s: tensor '%s': expected in %s, which is missing; fetch it, all shards belong in one folder",
        index,
        tensor,
        name);
    return file;
  }
}
