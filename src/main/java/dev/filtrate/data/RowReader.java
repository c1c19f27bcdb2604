package dev.filtrate.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.filtrate.base.Check;
import dev.filtrate.base.Excerpt;
import dev.filtrate.base.UserError;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Picks the wanted columns out of every record of a file. */
final class RowReader {
  /** Takes records. */
  @FunctionalInterface
  interface RowSink {
    /**
     * Takes a record.
     *
     * @param line the line where it begins, from 1; in Parquet the row
     * @param cells a cell per wanted column; in JSON lines and Parquet a column that is not
     *     required is null where its key is missing or null, and JSON text where it holds a list
     */
    void row(int line, @Nullable String[] cells);
  }

  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .readerFor(JsonNode.class);
  private static final Pattern POSITION = Pattern.compile("\\d{1,6}");
  private static final Pattern TREC_LINE = Pattern.compile("([^\\s:]+):(\\S+)\\s+(.*\\S)\\s*");
  private static final List<String> TREC_COLUMNS = List.of("coarse", "fine", "text");

  private final Path file;
  private final Layout layout;
  private final List<String> columns;
  private final int required;
  private final RowSink sink;
  private int @Nullable [] positions;
  private int skipped;

  private RowReader(Path file, Layout layout, List<String> columns, int required, RowSink sink) {
    this.file = file;
    this.layout = layout;
    this.columns = columns;
    this.required = required;
    this.sink = sink;
  }

  /**
   * Hands every record to the sink, in the file's order. Blank lines are skipped. What cannot be
   * read is a {@link UserError} with file and line.
   *
   * @param required how many of the columns, counted from the first, every JSON line must have
   * @return how many rows were left out for having too few columns, where the layout says so
   */
  static int read(Path file, Layout layout, List<String> columns, int required, RowSink sink) {
    RowReader reader = new RowReader(file, layout, columns, required, sink);
    if (layout.format() == FileFormat.PARQUET) {
      try (ParquetFile parquet = ParquetFile.open(file)) {
        parquet.read(columns, reader::parquet);
      }
      return reader.skipped;
    }
    String text = TextFile.read(file, layout.encoding());
    if (layout.format() == FileFormat.JSONL) {
      TextFile.lines(text, reader::json);
    } else if (layout.format() == FileFormat.TREC) {
      TextFile.lines(text, reader::trec);
    } else {
      TextRecords.read(file, text, layout.delimiter(), layout.quoted(), reader::record);
    }
    return reader.skipped;
  }

  private void parquet(int row, @Nullable String[] cells) {
    for (int i = 0; i < required; i++) {
      if (cells[i] == null && layout.skipShort()) {
        skipped++;
        return;
      }
      Check.user(
          cells[i] != null,
          "%s:%d: column '%s' is empty in this row; set skip_short_rows: true to leave such rows"
              + " out",
          file,
          row,
          columns.get(i));
    }
    sink.row(row, cells);
  }

  private void trec(int line, String text) {
    if (text.isBlank()) {
      return;
    }
    Matcher parts = TREC_LINE.matcher(text);
    Check.user(
        parts.matches(),
        "%s:%d: expected COARSE:fine and a question, got %s",
        file,
        line,
        Excerpt.of(text));
    String coarse = parts.group(1);
    @Nullable String[] cells = new @Nullable String[columns.size()];
    for (int i = 0; i < cells.length; i++) {
      cells[i] =
          switch (TREC_COLUMNS.indexOf(columns.get(i))) {
            case 0 -> coarse;
            case 1 -> coarse + ":" + parts.group(2);
            case 2 -> parts.group(3);
            default ->
                throw UserError.of(
                    "%s: no column '%s'; known: %s", file, columns.get(i), TREC_COLUMNS);
          };
    }
    sink.row(line, cells);
  }

  private void json(int line, String text) {
    if (text.isBlank()) {
      return;
    }
    JsonNode object = object(file, line, text);
    @Nullable String[] cells = new @Nullable String[columns.size()];
    for (int i = 0; i < cells.length; i++) {
      JsonNode value = object.get(columns.get(i));
      if (value == null || value.isNull()) {
        if (i < required && layout.skipShort()) {
          skipped++;
          return;
        }
        Check.user(
            i >= required,
            "%s:%d: no key '%s'; known: %s",
            file,
            line,
            columns.get(i),
            Excerpt.of(keys(object)));
      } else if (value.isArray() && i >= required) {
        cells[i] = value.toString();
      } else {
        cells[i] = text(line, columns.get(i), value);
      }
    }
    sink.row(line, cells);
  }

  /** The object on a line of JSON lines; anything else is a {@link UserError}. */
  static JsonNode object(Path file, int line, String text) {
    JsonNode object;
    try {
      object = JSON.readValue(text);
    } catch (JsonProcessingException e) {
      throw new UserError(
          "%s:%d: expected a JSON object on one line: %s"
              .formatted(file, line, e.getOriginalMessage().lines().findFirst().orElse("")),
          e);
    }
    Check.user(
        object.isObject(),
        "%s:%d: expected a JSON object on one line, got %s",
        file,
        line,
        Excerpt.of(text));
    return object;
  }

  private String text(int line, String key, JsonNode value) {
    Check.user(
        value.isValueNode(),
        "%s:%d: key '%s': expected text or a number, got %s",
        file,
        line,
        key,
        Excerpt.of(value.toString()));
    return scalar(value);
  }

  /** A value as a cell: a whole number without a fraction, as other writers have it. */
  static String scalar(JsonNode value) {
    double number = value.doubleValue();
    boolean whole = value.isFloatingPointNumber() && number % 1 == 0 && Math.abs(number) < 1e15;
    return whole ? Long.toString(value.longValue()) : value.asText();
  }

  private void record(int line, List<String> cells) {
    int[] at = positions;
    if (at == null) {
      at = resolve(line, layout.header() ? cells : List.of());
      positions = at;
      if (layout.header()) {
        return;
      }
    }
    @Nullable String[] wanted = new @Nullable String[at.length];
    for (int i = 0; i < at.length; i++) {
      if (at[i] >= cells.size() && layout.skipShort()) {
        skipped++;
        return;
      }
      if (at[i] >= cells.size()) {
        throw UserError.of(
            "%s:%d: expected at least %d columns, got %d; columns are parted by %s",
            file, line, Arrays.stream(at).max().orElse(0) + 1, cells.size(), delimiter());
      }
      wanted[i] = cells.get(at[i]);
    }
    sink.row(line, wanted);
  }

  private int[] resolve(int line, List<String> header) {
    List<String> known = header.stream().map(String::strip).toList();
    int[] at = new int[columns.size()];
    for (int i = 0; i < at.length; i++) {
      String column = columns.get(i);
      at[i] = known.indexOf(column);
      Check.user(
          Collections.frequency(known, column) < 2,
          "%s:%d: the header names column '%s' twice; give its position, counted from 0",
          file,
          line,
          column);
      if (at[i] < 0 && POSITION.matcher(column).matches()) {
        at[i] = Integer.parseInt(column);
      } else if (at[i] < 0 && layout.header()) {
        throw UserError.of(
            "%s:%d: no column '%s'; known: %s (parted by %s)",
            file, line, column, Excerpt.of(known), delimiter());
      } else if (at[i] < 0) {
        throw UserError.of(
            "%s: no column '%s': without a header line columns are positions, counted from 0",
            file, column);
      }
    }
    return at;
  }

  private String delimiter() {
    return layout.delimiter() == '\t' ? "tabs" : "'" + layout.delimiter() + "'";
  }

  private static List<String> keys(JsonNode object) {
    Iterable<String> names = object::fieldNames;
    return StreamSupport.stream(names.spliterator(), false).toList();
  }
}
