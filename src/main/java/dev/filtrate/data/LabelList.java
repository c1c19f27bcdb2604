package dev.filtrate.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.Check;
import dev.filtrate.base.Excerpt;
import dev.filtrate.base.UserError;
import java.util.ArrayList;
import java.util.List;

/** The cell of an example with any number of classes. */
final class LabelList {
  private static final ObjectMapper JSON = new ObjectMapper();

  private LabelList() {}

  /**
   * The entries of a cell: of a JSON list, or parted by commas; none of an empty one.
   *
   * @param where file, line and column, for errors
   */
  static List<String> read(String where, String cell) {
    List<String> entries = new ArrayList<>();
    if (cell.startsWith("[")) {
      for (JsonNode entry : array(where, cell)) {
        Check.user(
            entry.isValueNode() && !entry.isNull(),
            "%s: expected a list of names or numbers, got %s",
            where,
            Excerpt.of(cell));
        entries.add(entry.asText());
      }
    } else if (!cell.isBlank()) {
      for (String entry : cell.split(",", -1)) {
        entries.add(entry.strip());
      }
    }
    return entries;
  }

  private static JsonNode array(String where, String cell) {
    try {
      return JSON.readTree(cell);
    } catch (JsonProcessingException e) {
      throw new UserError(
          "%s: expected a JSON list such as [\"a\", \"b\"], got %s"
              .formatted(where, Excerpt.of(cell)),
          e);
    }
  }
}
