package dev.filtrate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The table of {@code bench --profile}: milliseconds of a step by operator and part. */
final class BenchProfile {
  private static final List<String> PARTS = List.of("frozen", "forward", "backward", "optimizer");

  /** Operators below this share of the step are told together. */
  private static final double SMALL = 0.005;

  private BenchProfile() {}

  static void print(String part, JsonNode profile, Console console) {
    double step = profile.path("step_s").asDouble();
    List<List<String>> rows = new ArrayList<>();
    double[] small = new double[PARTS.size()];
    int kinds = 0;
    double[] all = new double[PARTS.size()];
    for (Map.Entry<String, JsonNode> operator : profile.path("operators_s").properties()) {
      double[] seconds =
          PARTS.stream().mapToDouble(p -> operator.getValue().path(p).asDouble()).toArray();
      add(all, seconds);
      if (sum(seconds) < SMALL * step) {
        add(small, seconds);
        kinds++;
      } else {
        rows.add(row(operator.getKey(), seconds, step));
      }
    }
    rows.add(row("%d other kinds".formatted(kinds), small, step));
    rows.add(row("all kernels", all, step));
    rows.add(rest("between kernels", profile.path("between_kernels_s").asDouble(), step));
    rows.add(rest("input, fetching", profile.path("outside_s").asDouble(), step));
    List<String> head = new ArrayList<>(List.of(part + ", ms"));
    head.addAll(PARTS);
    head.addAll(List.of("total", "%"));
    console.table(head, rows);
    console.printf(
        "a step under the profiler: %.1f ms; nodes: %s, of them copies: %d",
        1e3 * step, profile.path("nodes"), profile.path("copy_nodes").asLong());
  }

  private static List<String> row(String name, double[] seconds, double step) {
    List<String> cells = new ArrayList<>(List.of(name));
    for (double s : seconds) {
      cells.add(s == 0 ? "" : milliseconds(s));
    }
    cells.add(milliseconds(sum(seconds)));
    cells.add(percent(sum(seconds), step));
    return cells;
  }

  private static List<String> rest(String name, double seconds, double step) {
    List<String> cells = new ArrayList<>(List.of(name));
    PARTS.forEach(p -> cells.add(""));
    cells.add(milliseconds(seconds));
    cells.add(percent(seconds, step));
    return cells;
  }

  private static String milliseconds(double seconds) {
    return "%.1f".formatted(1e3 * seconds);
  }

  private static String percent(double seconds, double step) {
    return "%.1f".formatted(100 * seconds / step);
  }

  private static void add(double[] to, double[] more) {
    for (int i = 0; i < to.length; i++) {
      to[i] += more[i];
    }
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double v : values) {
      sum += v;
    }
    return sum;
  }
}
