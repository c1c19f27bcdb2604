package dev.filtrate.weights;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Weights in several safetensors files and the index that says which tensor is in which: {@code
 * {"metadata": …, "weight_map": {tensor: file}}}. The index is the truth: a tensor that it does not
 * name is not there.
 */
final class Shards {
  private Shards() {}

  /** The tensors that an index names, in its order. */
  static Map<String, Tensor> read(Path index) {
    JsonNode weightMap = Json.readObject(index).path("weight_map");
    Check.user(
        weightMap.isObject() && !weightMap.isEmpty(),
        "%s: expected a 'weight_map' of tensor names to files, found %s",
        index,
        weightMap.isMissingNode() ? "none" : weightMap);
    Map<String, Safetensors> files = new LinkedHashMap<>();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> e : weightMap.properties()) {
      String file = e.getValue().asText("");
      Safetensors shard =
          files.computeIfAbsent(file, name -> Safetensors.open(shard(index, e.getKey(), name)));
      Check.user(
          shard.names().contains(e.getKey()),
          "%s: tensor '%s': expected in %s, which does not have it; fetch or write the files again",
          index,
          e.getKey(),
          file);
      tensors.put(e.getKey(), shard.tensor(e.getKey()));
    }
    return tensors;
  }

  /** The file of a name, which must not lead out of the index's folder. */
  private static Path shard(Path index, String tensor, String name) {
    if (!isPlain(name)) {
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

  private static boolean isPlain(String name) {
    return name.endsWith(".safetensors") && name.matches("[^/\\\\:\\x00]+");
  }
}
