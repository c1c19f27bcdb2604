package dev.filtrate.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Metrics;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a run measured: {@code results.json}, and the rows of the table at its end.
 *
 * @param task the task's name
 * @param metric the metric that selects
 * @param rows the teacher first, if there is one, then the methods in the recipe's order
 */
public record Results(String task, String metric, List<Row> rows) {
  /**
   * One model over all seeds.
   *
   * @param name {@code teacher}, or the method
   * @param parameters how many, without filters
   * @param latencyMs median milliseconds for one example
   * @param metrics per seed, all metrics of the task
   */
  public record Row(
      String name, long parameters, double latencyMs, Map<Long, Map<String, Double>> metrics) {
    /** Copies the map. */
    public Row {
      metrics = new LinkedHashMap<>(metrics);
    }

    /** The values of a metric, a seed each. */
    public List<Double> values(String metric) {
      return metrics.values().stream().map(m -> m.getOrDefault(metric, Double.NaN)).toList();
    }

    /** Their mean. */
    public double mean(String metric) {
      return values(metric).stream().mapToDouble(v -> v).average().orElse(Double.NaN);
    }

    /** Their sample standard deviation; 0 for a single seed. */
    public double deviation(String metric) {
      List<Double> values = values(metric);
      if (values.size() < 2) {
        return 0;
      }
      double mean = mean(metric);
      double squares = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
      return Math.sqrt(squares / (values.size() - 1));
    }
  }

  /** Copies the list. */
  public Results {
    rows = List.copyOf(rows);
  }

  /** The row of the student with the best mean; the earlier one of equals. */
  public Optional<Row> best() {
    double sign = Metrics.higherIsBetter(metric) ? 1 : -1;
    Row best = null;
    double value = Double.NaN;
    for (Row row : rows) {
      double mean = sign * row.mean(metric);
      boolean better = best == null || mean > value || (Double.isNaN(value) && !Double.isNaN(mean));
      if (better && !row.name().equals("teacher")) {
        best = row;
        value = mean;
      }
    }
    return Optional.ofNullable(best);
  }

  /**
   * Reads what a run measured.
   *
   * @param run the run's folder
   * @throws UserError if its {@code results.json} is missing or not a whole run's
   */
  public static Results read(Path run) {
    Path file = new RunLayout(run).results();
    try {
      JsonNode json = new ObjectMapper().readTree(file.toFile());
      Check.user(
          json.path("metric").isTextual() && json.path("models").isObject(),
          "%s: expected the results of a run with its models; give the folder of a finished"
              + " 'filtrate run'",
          file);
      List<Row> rows = new ArrayList<>();
      json.path("models").properties().forEach(m -> rows.add(row(m.getKey(), m.getValue())));
      return new Results(json.path("task").asText(), json.path("metric").asText(), rows);
    } catch (JsonProcessingException e) {
      throw new UserError(file + ": not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  private static Row row(String name, JsonNode model) {
    Map<Long, Map<String, Double>> metrics = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> seed : model.path("seeds").properties()) {
      Map<String, Double> values = new LinkedHashMap<>();
      seed.getValue().properties().forEach(v -> values.put(v.getKey(), v.getValue().asDouble()));
      metrics.put(Long.valueOf(seed.getKey()), values);
    }
    return new Row(
        name, model.path("parameters").asLong(), model.path("latency_ms").asDouble(), metrics);
  }

  ObjectNode toJson() {
    ObjectNode json = new ObjectMapper().createObjectNode();
    json.put("task", task);
    json.put("metric", metric);
    ObjectNode models = json.putObject("models");
    for (Row row : rows) {
      ObjectNode model = models.putObject(row.name());
      model.put("mean", row.mean(metric));
      model.put("standard_deviation", row.deviation(metric));
      model.put("parameters", row.parameters());
      model.put("latency_ms", row.latencyMs());
      ObjectNode seeds = model.putObject("seeds");
      row.metrics()
          .forEach(
              (seed, metrics) -> {
                ObjectNode one = seeds.putObject(Long.toString(seed));
                metrics.forEach(one::put);
              });
    }
    return json;
  }

  /** Rows of several seeds, put together by name. */
  static List<Row> merge(List<Row> all) {
    Map<String, Row> merged = new LinkedHashMap<>();
    for (Row row : all) {
      Row known = merged.get(row.name());
      if (known == null) {
        merged.put(row.name(), row);
      } else {
        Map<Long, Map<String, Double>> metrics = new LinkedHashMap<>(known.metrics());
        metrics.putAll(row.metrics());
        merged.put(row.name(), new Row(row.name(), row.parameters(), known.latencyMs(), metrics));
      }
    }
    return new ArrayList<>(merged.values());
  }
}
