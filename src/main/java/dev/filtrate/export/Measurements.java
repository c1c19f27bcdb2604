package dev.filtrate.export;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What was measured of every precision of a student: {@code precisions.json}, and a table for
 * people.
 *
 * @param metric the one that selects; none without a task
 * @param examples how many it was measured on
 * @param maxDrop points that a precision may lose
 * @param device where it was measured
 * @param threads with how many threads; 0 = one for every core
 * @param rows single precision first
 */
public record Measurements(
    Optional<String> metric,
    int examples,
    double maxDrop,
    String device,
    int threads,
    List<Measurement> rows) {
  /** The name of the file. */
  public static final String FILE = "precisions.json";

  /** Copies the list. */
  public Measurements {
    rows = List.copyOf(rows);
  }

  /** Whether every precision that was asked for is part of the export. */
  public boolean allKept() {
    return rows.stream().allMatch(Measurement::kept);
  }

  /** Those that are not, a sentence each. */
  public List<String> refusals() {
    return rows.stream()
        .flatMap(row -> row.refusal().map(why -> row.precision().id() + ": " + why).stream())
        .toList();
  }

  /** The heads of the table's columns. */
  public List<String> head() {
    List<String> head = new ArrayList<>(List.of("precision"));
    metric.ifPresent(name -> head.addAll(List.of(name, "points lost", "same answers")));
    head.addAll(List.of("max diff", "mean diff", "MiB", "ms, batch 1", "ms, batch 8"));
    return head;
  }

  /** The cells, row by row. */
  public List<List<String>> cells() {
    return rows.stream().map(this::cells).toList();
  }

  private List<String> cells(Measurement row) {
    List<String> cells = new ArrayList<>();
    cells.add(row.precision().id() + (row.kept() ? "" : " (not kept)"));
    metric.ifPresent(
        name -> {
          cells.add(number("%.4f", row.metrics().getOrDefault(name, Double.NaN)));
          cells.add(number("%.2f", row.drop().orElse(Double.NaN)));
          cells.add(number("%.4f", row.agreement().orElse(Double.NaN)));
        });
    cells.add(number("%.1e", row.largestDifference()));
    cells.add(number("%.1e", row.meanDifference()));
    cells.add(number("%.1f", row.bytes() / (double) (1 << 20)));
    for (int batch : List.of(1, 8)) {
      cells.add(number("%.2f", row.latencyMs().getOrDefault(batch, Double.NaN)));
    }
    return cells;
  }

  /** A dash for what is not known. */
  private static String number(String format, double value) {
    String text = Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
    return text.matches("-0\\.0*") ? text.substring(1) : text;
  }

  /** Writes the file. */
  void write(Path folder) {
    ObjectNode json = new ObjectMapper().createObjectNode();
    metric.ifPresent(name -> json.put("metric", name));
    json.put("examples", examples);
    json.put("max_drop", maxDrop);
    json.put("device", device);
    json.put("threads", threads);
    ObjectNode precisions = json.putObject("precisions");
    rows.forEach(row -> describe(row, precisions.putObject(row.precision().id())));
    ExportFolder.writeJson(folder.resolve(FILE), json);
  }

  private static void describe(Measurement row, ObjectNode to) {
    to.put("kept", row.kept());
    if (row.kept()) {
      to.put("file", ExportFolder.ONNX + "/" + row.precision().file());
    }
    row.refusal().ifPresent(why -> to.put("reason", why));
    to.put("bytes", row.bytes());
    putNumber(to, "largest_difference", OptionalDouble.of(row.largestDifference()));
    putNumber(to, "mean_difference", OptionalDouble.of(row.meanDifference()));
    putNumber(to, "agreement", row.agreement());
    putNumber(to, "drop", row.drop());
    numbers(row.metrics(), to.putObject("metrics"));
    numbers(row.latencyMs(), to.putObject("latency_ms"));
  }

  private static void numbers(Map<?, Double> values, ObjectNode to) {
    values.forEach((name, value) -> putNumber(to, name.toString(), OptionalDouble.of(value)));
  }

  /** What is no number is null: JSON has no word for it. */
  private static void putNumber(ObjectNode to, String name, OptionalDouble value) {
    if (value.isPresent() && Double.isFinite(value.getAsDouble())) {
      to.put(name, value.getAsDouble());
    } else {
      to.putNull(name);
    }
  }
}
