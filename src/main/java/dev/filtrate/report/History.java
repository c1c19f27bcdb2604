package dev.filtrate.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.train.RunLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What {@code metrics.jsonl} of all seeds tells, stage by stage, in the order of their begin. */
final class History {
  /** Between two updates; a longer pause was one of the run, not of the training. */
  private static final double PAUSE_SECONDS = 900;

  private static final Pattern LAYER = Pattern.compile("(\\w+)\\.(\\d+)");

  private final Map<String, StageHistory> stages = new LinkedHashMap<>();

  /** A stage over all seeds. */
  static final class StageHistory {
    /** Loss terms, {@code learning_rate}, {@code examples_per_second}, {@code epoch}. */
    final Bins curves = new Bins();

    /** The losses of single layers, under the term's name and the layer's number. */
    final Map<String, Bins> layers = new LinkedHashMap<>();

    /** Metrics by update: {@code {update: {metric: {seed: value}}}}. */
    final SortedMap<Integer, Map<String, Map<Long, Double>>> evaluations = new TreeMap<>();

    final Map<Long, SeedHistory> seeds = new LinkedHashMap<>();
  }

  /** How far a stage has come under a seed. */
  static final class SeedHistory {
    int updates;
    double seconds;
    Map<String, Double> lastMetrics = Map.of();
    private double speeds;
    private int timed;
    private double time = Double.NaN;

    double examplesPerSecond() {
      return timed == 0 ? Double.NaN : speeds / timed;
    }
  }

  /** Reads the lines of every seed; one that has none has not begun. */
  static History read(Map<Long, RunLayout.Seed> seeds) {
    History history = new History();
    seeds.forEach((seed, of) -> JsonLines.forEach(of.metrics(), line -> history.add(seed, line)));
    return history;
  }

  /** All stages that have begun. */
  Map<String, StageHistory> stages() {
    return stages;
  }

  private void add(long seed, JsonNode line) {
    String name = line.path("stage").asText();
    int step = line.path("step").asInt();
    if (name.isEmpty() || step < 1) {
      return;
    }
    StageHistory stage = stages.computeIfAbsent(name, s -> new StageHistory());
    SeedHistory own = stage.seeds.computeIfAbsent(seed, s -> new SeedHistory());
    double time = line.path("time").asDouble(Double.NaN);
    double since = time - own.time;
    own.seconds += since > 0 && since < PAUSE_SECONDS ? since : 0;
    own.time = time;
    own.updates = Math.max(own.updates, step);
    if (line.has("eval")) {
      Map<String, Double> metrics = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> metric : line.get("eval").properties()) {
        double value = metric.getValue().asDouble(Double.NaN);
        metrics.put(metric.getKey(), value);
        stage
            .evaluations
            .computeIfAbsent(step, s -> new LinkedHashMap<>())
            .computeIfAbsent(metric.getKey(), m -> new LinkedHashMap<>())
            .put(seed, value);
      }
      own.lastMetrics = metrics;
      return;
    }
    double speed = line.path("examples_per_second").asDouble();
    if (speed > 0) { // the first update of a process has none
      own.speeds += speed;
      own.timed++;
    }
    for (Map.Entry<String, JsonNode> value : line.properties()) {
      boolean place = List.of("stage", "step", "time").contains(value.getKey());
      boolean unknown = value.getKey().equals("examples_per_second") && speed <= 0;
      if (!place && !unknown && value.getValue().isNumber()) {
        add(stage, step, value.getKey(), value.getValue().asDouble());
      }
    }
  }

  private static void add(StageHistory stage, int step, String name, double value) {
    Matcher layer = LAYER.matcher(name);
    if (layer.matches()) {
      stage
          .layers
          .computeIfAbsent(layer.group(1), term -> new Bins())
          .add(step, layer.group(2), value);
    } else {
      stage.curves.add(step, name, value);
    }
  }

  /** The layers of a term in their order. */
  static List<String> inOrder(Bins layers) {
    List<String> names = new ArrayList<>(layers.names());
    names.sort((a, b) -> Integer.compare(Integer.parseInt(a), Integer.parseInt(b)));
    return names;
  }
}
