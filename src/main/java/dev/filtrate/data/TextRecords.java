package dev.filtrate.data;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** Cuts a text into records of cells: with quoting as in RFC 4180, or a line each without any. */
final class TextRecords {
  private TextRecords() {}

  /** Takes records. */
  @FunctionalInterface
  interface Sink {
    /** Takes the cells of a record, which begins at this line, counted from 1. */
    void record(int line, List<String> cells);
  }

  /**
   * Hands every record to the sink; empty lines are skipped. A quote in the wrong place is a {@link
   * UserError} with the line.
   *
   * @param file for errors
   */
  static void read(Path file, String text, char delimiter, boolean quoted, Sink sink) {
    if (quoted) {
      quoted(file, text, delimiter, sink);
    } else {
      TextFile.lines(text, (line, record) -> plain(line, record, delimiter, sink));
    }
  }

  private static void plain(int line, String text, char delimiter, Sink sink) {
    if (text.isEmpty()) {
      return;
    }
    List<String> cells = new ArrayList<>();
    int start = 0;
    for (int end; (end = text.indexOf(delimiter, start)) >= 0; start = end + 1) {
      cells.add(text.substring(start, end));
    }
    cells.add(text.substring(start));
    sink.record(line, cells);
  }

  private static void quoted(Path file, String text, char delimiter, Sink sink) {
    CSVFormat format =
        CSVFormat.RFC4180
            .builder()
            .setDelimiter(delimiter)
            .setIgnoreEmptyLines(false) // skipped here, so that line numbers stay right
            .get();
    int line = 1;
    try (CSVParser parser = CSVParser.parse(new StringReader(text), format)) {
      for (Iterator<CSVRecord> records = parser.iterator(); ; ) {
        line = (int) parser.getCurrentLineNumber() + 1;
        if (!records.hasNext()) {
          return;
        }
        List<String> cells = records.next().toList();
        if (cells.size() > 1 || !cells.get(0).isEmpty()) {
          sink.record(line, cells);
        }
      }
    } catch (UncheckedIOException | IllegalStateException e) {
      throw new UserError(
          "%s:%d: a quoted cell is malformed or not closed; inside quotes a quote is written twice"
              .formatted(file, line),
          e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }
}
