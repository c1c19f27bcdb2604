package dev.filtrate.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A data file of unknown layout, looked at from end to end: how it is written, and what its columns
 * hold.
 *
 * @param file that was looked at
 * @param layout how its records are written; which columns are text and label is not said yet
 * @param rows without the header
 * @param columns in their order; where there is no header they are called by their positions
 * @param notes what was assumed about the layout, a sentence each
 */
public record Survey(
    Path file, Layout layout, int rows, List<SurveyColumn> columns, List<String> notes) {
  /** So much of a file tells its delimiter. */
  private static final int HEAD = 1 << 17;

  /** So large a part of the rows must have the same number of columns. */
  private static final double CONSISTENT = 0.8;

  private static final char[] DELIMITERS = {'\t', ',', ';', '|'};

  /** Cells that only a header holds. */
  private static final Set<String> HEADS =
      Set.of("id", "idx", "index", "text", "sentence", "label", "labels", "class", "category");

  /** Copies the lists. */
  public Survey {
    columns = List.copyOf(columns);
    notes = List.copyOf(notes);
  }

  /** Looks at a file; what cannot be read at all is a {@link UserError}. */
  public static Survey of(Path file) {
    Check.user(Files.exists(file), "%s: no such file", file);
    Check.user(!Files.isDirectory(file), "%s: expected a file, found a folder", file);
    byte[] first = firstBytes(file);
    if (new String(first, StandardCharsets.ISO_8859_1).startsWith("PAR1")) {
      return parquet(file);
    }
    List<String> notes = new ArrayList<>();
    Charset encoding = encoding(file, first, notes);
    String text = TextFile.read(file, encoding);
    Check.user(!text.isBlank(), "%s: is empty; expected a row for each example", file);
    char start = text.stripLeading().charAt(0);
    Check.user(
        start != '[' || !text.stripTrailing().endsWith("]"),
        "%s: is one JSON list; expected JSON lines, an object on each",
        file);
    Check.user(
        !(start == '{' && text.contains("\"qas\"") && text.contains("\"paragraphs\"")),
        "%s: is a file like SQuAD's; 'filtrate recipe squad' shows a recipe for those",
        file);
    if (start == '{') {
      return jsonLines(file, text, notes);
    }
    if (file.toString().endsWith(".label")) {
      return trec(file, text, notes);
    }
    return cells(file, text, encoding, notes);
  }

  /** The column of that name; another name is a {@link UserError} with the known ones. */
  public SurveyColumn column(String name) {
    return columns.stream()
        .filter(c -> c.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                UserError.of(
                    "%s: no column '%s'; known: %s",
                    file,
                    name,
                    String.join(", ", columns.stream().map(SurveyColumn::name).toList())));
  }

  private static byte[] firstBytes(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(4);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  private static Charset encoding(Path file, byte[] first, List<String> notes) {
    int mark = first.length < 2 ? 0 : (first[0] & 0xff) << 8 | (first[1] & 0xff);
    Charset found = StandardCharsets.UTF_8;
    if (mark == 0xfeff || mark == 0xfffe) {
      found = StandardCharsets.UTF_16;
    } else {
      try {
        TextFile.read(file, StandardCharsets.UTF_8);
      } catch (UserError e) {
        found = Charset.forName("windows-1252");
      }
    }
    if (!found.equals(StandardCharsets.UTF_8)) {
      notes.add("the file is no UTF-8, so it is read as " + found.name());
    }
    return found;
  }

  private static Survey parquet(Path file) {
    try (ParquetFile parquet = ParquetFile.open(file)) {
      List<String> names = parquet.plainColumns();
      List<SurveyColumn> columns =
          names.stream().map(name -> new SurveyColumn(name, parquet.classNames(name))).toList();
      int[] rows = new int[1];
      parquet.read(
          names,
          (row, cells) -> {
            rows[0] = row;
            for (int i = 0; i < cells.length; i++) {
              columns.get(i).add(cells[i]);
            }
          });
      return new Survey(file, layout(FileFormat.PARQUET), rows[0], columns, List.of());
    }
  }

  private static Survey jsonLines(Path file, String text, List<String> notes) {
    Map<String, SurveyColumn> columns = new LinkedHashMap<>();
    int[] rows = new int[1];
    TextFile.lines(
        text,
        (line, row) -> {
          if (row.isBlank()) {
            return;
          }
          rows[0]++;
          JsonNode object = RowReader.object(file, line, row);
          object
              .properties()
              .forEach(
                  e -> {
                    JsonNode value = e.getValue();
                    if (!value.isObject()) {
                      columns
                          .computeIfAbsent(e.getKey(), key -> new SurveyColumn(key, List.of()))
                          .add(
                              value.isNull()
                                  ? null
                                  : value.isArray() ? value.toString() : RowReader.scalar(value));
                    }
                  });
        });
    return new Survey(
        file, layout(FileFormat.JSONL), rows[0], List.copyOf(columns.values()), notes);
  }

  private static Survey trec(Path file, String text, List<String> notes) {
    List<SurveyColumn> columns =
        List.of(new SurveyColumn("coarse", List.of()), new SurveyColumn("text", List.of()));
    int[] rows = new int[1];
    TextFile.lines(
        text,
        (line, row) -> {
          int colon = row.indexOf(':');
          int space = row.indexOf(' ', Math.max(0, colon));
          if (colon > 0 && space > colon) {
            rows[0]++;
            columns.get(0).add(row.substring(0, colon));
            columns.get(1).add(row.substring(space));
          }
        });
    return new Survey(file, layout(FileFormat.TREC), rows[0], columns, notes);
  }

  private static Layout layout(FileFormat format) {
    return Layout.of(format, "", null, null);
  }

  /** How the head of a text reads with a delimiter. */
  private record Trial(
      char delimiter, boolean quoted, int columns, double consistent, int wrapped) {
    /** Whether the text is more surely written like this. */
    boolean isBetterThan(@Nullable Trial other) {
      return other == null
          || consistent > other.consistent + 0.02
          || (consistent > other.consistent - 0.02 && columns > other.columns);
    }
  }

  private static Survey cells(Path file, String text, Charset encoding, List<String> notes) {
    Trial best = null;
    for (char delimiter : DELIMITERS) {
      Trial trial = trial(file, text, delimiter);
      if (trial != null && trial.isBetterThan(best)) {
        best = trial;
      }
    }
    if (best == null) {
      throw UserError.of(
          "%s: holds no columns; expected cells between tabs, commas, semicolons or '|', JSON"
              + " lines or Parquet",
          file);
    }
    return columns(file, text, encoding, best, notes);
  }

  private static @Nullable Trial trial(Path file, String text, char delimiter) {
    Trial quoted = trial(file, text, delimiter, true);
    Trial plain = trial(file, text, delimiter, false);
    if (quoted == null || plain == null) {
      return quoted == null ? plain : quoted;
    }
    boolean byQuotes = quoted.consistent > plain.consistent || quoted.columns != plain.columns;
    boolean usual = delimiter == '\t' ? byQuotes || quoted.wrapped > 0 : true;
    return usual && quoted.consistent >= plain.consistent ? quoted : plain;
  }

  private static @Nullable Trial trial(Path file, String text, char delimiter, boolean quoted) {
    boolean whole = text.length() <= HEAD;
    String head = whole ? text : text.substring(0, text.lastIndexOf('\n', HEAD) + 1);
    List<List<String>> records = new ArrayList<>();
    try {
      TextRecords.read(file, head, delimiter, quoted, (line, cells) -> records.add(cells));
    } catch (UserError e) {
      if (whole || records.size() < 3) {
        return null;
      } // else the head may end within a cell
    }
    Map<Integer, Integer> widths = new HashMap<>();
    records.forEach(cells -> widths.merge(cells.size(), 1, Integer::sum));
    int columns =
        widths.entrySet().stream()
            .max(Map.Entry.<Integer, Integer>comparingByValue().thenComparing(Map.Entry::getKey))
            .map(Map.Entry::getKey)
            .orElse(0);
    double consistent =
        widths.entrySet().stream()
                .filter(e -> e.getKey() >= columns)
                .mapToInt(Map.Entry::getValue)
                .sum()
            / (double) Math.max(1, records.size());
    return columns < 2 || consistent < CONSISTENT
        ? null
        : new Trial(delimiter, quoted, columns, consistent, wrapped(head, delimiter, columns));
  }

  /** How many columns of the first lines have every cell in quotes. */
  private static int wrapped(String head, char delimiter, int columns) {
    List<String> lines = head.lines().limit(20).toList();
    int wrapped = 0;
    for (int c = 0; c < columns; c++) {
      int column = c;
      boolean all =
          lines.stream()
              .skip(1)
              .map(line -> line.split(Pattern.quote("" + delimiter), -1))
              .allMatch(
                  cells ->
                      column < cells.length
                          && cells[column].length() > 1
                          && cells[column].startsWith("\"")
                          && cells[column].endsWith("\""));
      wrapped += all && lines.size() > 2 ? 1 : 0;
    }
    return wrapped;
  }

  private static Survey columns(
      Path file, String text, Charset encoding, Trial how, List<String> notes) {
    List<String> first = new ArrayList<>();
    List<SurveyColumn> columns = new ArrayList<>();
    int[] rows = new int[2]; // all, those with too few cells
    TextRecords.read(
        file,
        text,
        how.delimiter,
        how.quoted,
        (line, cells) -> {
          if (first.isEmpty()) {
            first.addAll(cells);
            for (int i = 0; i < Math.max(how.columns, cells.size()); i++) {
              String cell = i < cells.size() ? cells.get(i).strip() : "";
              columns.add(new SurveyColumn(cell.isEmpty() ? "" + i : cell, List.of()));
            }
            return;
          }
          rows[0]++;
          rows[1] += cells.size() < how.columns ? 1 : 0;
          for (int i = 0; i < Math.min(cells.size(), columns.size()); i++) {
            columns.get(i).add(cells.get(i));
          }
        });
    boolean header = isHeader(first, columns);
    List<SurveyColumn> named = columns;
    if (!header) {
      named = new ArrayList<>();
      for (int i = 0; i < columns.size(); i++) {
        named.add(columns.get(i).named("" + i));
        if (i < first.size()) {
          named.get(i).add(first.get(i));
        }
      }
      rows[0]++;
      notes.add("the first line is an example, no header; columns are counted from 0");
    }
    FileFormat format = how.delimiter == '\t' ? FileFormat.TSV : FileFormat.CSV;
    Layout layout =
        layout(format)
            .withCells(how.delimiter, how.quoted)
            .withEncoding(encoding)
            .withHeader(header);
    if (rows[1] > 0) {
      layout = layout.skippingShortRows();
      notes.add(
          rows[1] == 1
              ? "1 row has too few columns and is left out"
              : "%,d rows have too few columns and are left out".formatted(rows[1]));
    }
    return new Survey(file, layout, rows[0], named, notes);
  }

  /** Whether the first record names the columns: no numbers, no value of its own column. */
  private static boolean isHeader(List<String> first, List<SurveyColumn> columns) {
    List<String> names = first.stream().map(c -> c.strip().toLowerCase(Locale.ROOT)).toList();
    if (names.stream().anyMatch(HEADS::contains)) {
      return true;
    }
    boolean numbers = names.stream().anyMatch(n -> n.matches("[+-]?\\d+(\\.\\d+)?"));
    boolean empty = names.stream().allMatch(String::isEmpty);
    boolean again = false;
    for (int i = 0; i < first.size(); i++) {
      again |= columns.get(i).values().containsKey(first.get(i).strip());
    }
    boolean distinct = names.stream().distinct().count() == names.size();
    return !numbers && !empty && !again && distinct;
  }
}
