package dev.filtrate.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.AtomicFiles;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Files with a JSON object on each line. */
final class JsonLines {
  private static final ObjectMapper JSON = new ObjectMapper();

  private JsonLines() {}

  /** Every object of a file, in order; a line that was cut off, or no file, is none. */
  static void forEach(Path file, Consumer<JsonNode> take) {
    if (!Files.isRegularFile(file)) {
      return;
    }
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        JsonNode json = parse(line);
        if (json != null && json.isObject()) {
          take.accept(json);
        }
      }
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  static List<JsonNode> read(Path file) {
    List<JsonNode> all = new ArrayList<>();
    forEach(file, all::add);
    return all;
  }

  private static @Nullable JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      return null; // written while we read, or cut off by a crash
    }
  }
}
