package dev.filtrate.train.verify;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.graph.Tensor;
import dev.filtrate.weights.Safetensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** A copy of a committed case, to be damaged. */
public record CaseCopy(Path folder) {
  /** Copies a case by name into a folder of that name below {@code parent}. */
  public static CaseCopy of(String name, Path parent) {
    return of(Path.of("src/test/resources/cases", name), parent);
  }

  /** Copies a case's folder to one of its name below {@code parent}. */
  static CaseCopy of(Path from, Path parent) {
    Path to = parent.resolve(from.getFileName());
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new CaseCopy(to);
  }

  /** Adds a number to one entry of a float tensor. */
  public CaseCopy add(String file, String tensor, int entry, float amount) {
    return change(
        file,
        tensor,
        t -> {
          float[] values = t.toFloats();
          values[entry] += amount;
          return Tensor.ofFloats(t.dims(), values);
        });
  }

  /** Replaces a tensor that is there. */
  CaseCopy change(String file, String tensor, UnaryOperator<Tensor> change) {
    return tensors(
        file, all -> all.put(tensor, change.apply(Objects.requireNonNull(all.get(tensor)))));
  }

  /** Changes what a file of tensors holds. */
  CaseCopy tensors(String file, Consumer<Map<String, Tensor>> change) {
    Path path = folder.resolve(file + ".safetensors");
    Map<String, Tensor> all = new LinkedHashMap<>(Safetensors.open(path).tensors());
    change.accept(all);
    Safetensors.write(path, all, Map.of());
    return this;
  }

  /** Changes a JSON file. */
  CaseCopy json(String file, Consumer<ObjectNode> change) {
    Path path = folder.resolve(file + ".json");
    try {
      ObjectNode json = (ObjectNode) new ObjectMapper().readTree(path.toFile());
      change.accept(json);
      AtomicFiles.writeText(path, json.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  CaseCopy delete(String... files) {
    for (String file : List.of(files)) {
      AtomicFiles.deleteRecursively(folder.resolve(file));
    }
    return this;
  }
}
