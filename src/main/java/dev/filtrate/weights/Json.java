package dev.filtrate.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Path;

/** The JSON files of a model's folder. */
final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  /** Reads an object; throws {@link UserError} naming the file if it holds something else. */
  static ObjectNode readObject(Path file) {
    try {
      JsonNode json = MAPPER.readTree(file.toFile());
      if (json instanceof ObjectNode object) {
        return object;
      }
      throw new UserError(file + ": expected a JSON object, found something else");
    } catch (JsonProcessingException e) {
      throw new UserError(file + ": not JSON, see line " + e.getLocation().getLineNr(), e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  /** Text as Hugging Face indents it, the same on every platform. */
  static String pretty(ObjectNode json) {
    DefaultIndenter lines = new DefaultIndenter("  ", "\n");
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter(
            Separators.createDefaultInstance()
                .withObjectFieldValueSpacing(Separators.Spacing.AFTER));
    printer.indentObjectsWith(lines);
    printer.indentArraysWith(lines);
    try {
      return MAPPER.writer(printer).writeValueAsString(json) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not writable as JSON: " + json, e);
    }
  }
}
