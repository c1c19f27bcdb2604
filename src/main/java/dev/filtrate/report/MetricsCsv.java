package dev.filtrate.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.train.RunLayout;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/**
 * {@code metrics.csv}: {@code metrics.jsonl} for spreadsheets, a column for everything that any
 * line says, metrics as {@code eval.accuracy}; what a line does not say is empty.
 */
final class MetricsCsv {
  private MetricsCsv() {}

  /** Writes that of a seed; returns the file. */
  static Path write(RunLayout.Seed seed) {
    Path lines = seed.metrics();
    Set<String> columns = new LinkedHashSet<>();
    JsonLines.forEach(lines, line -> columns.addAll(cells(line).keySet()));
    List<String> head = new ArrayList<>(columns);
    Path file = seed.metricsCsv();
    AtomicFiles.writeStream(
        file,
        out -> {
          Writer writer = new OutputStreamWriter(out, StandardCharsets.UTF_8);
          CSVPrinter csv = new CSVPrinter(writer, CSVFormat.RFC4180);
          csv.printRecord(head);
          JsonLines.forEach(lines, line -> print(csv, head, cells(line)));
          csv.flush();
        });
    return file;
  }

  private static void print(CSVPrinter csv, List<String> head, Map<String, String> cells) {
    try {
      csv.printRecord(head.stream().map(column -> cells.getOrDefault(column, "")).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, String> cells(JsonNode line) {
    Map<String, String> cells = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> value : line.properties()) {
      if (value.getValue().isObject()) {
        for (Map.Entry<String, JsonNode> inner : value.getValue().properties()) {
          cells.put(value.getKey() + "." + inner.getKey(), text(inner.getValue()));
        }
      } else {
        cells.put(value.getKey(), text(value.getValue()));
      }
    }
    return cells;
  }

  /** Without exponents, which not every spreadsheet reads. */
  private static String text(JsonNode value) {
    if (value.isNumber()) {
      return value.decimalValue().toPlainString();
    }
    return value.isNull() ? "" : value.asText();
  }
}
