package dev.filtrate.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.data.Metrics;
import dev.filtrate.report.History.SeedHistory;
import dev.filtrate.report.History.StageHistory;
import dev.filtrate.train.RunLayout;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** Everything that a page or a table tells of a run, read from its folder. */
final class RunSummary {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final MathContext DIGITS = new MathContext(5);
  private static final int FLOAT_BYTES = 4;

  /** Stages whose model goes by another name in tables. */
  private static final Map<String, String> MODELS =
      Map.of(
          RunLayout.Seed.finetuned("teacher"), "teacher",
          RunLayout.Seed.finetuned("student"), "finetuned");

  private final RunFolder folder;
  private final Map<Long, RunLayout.Seed> seeds;
  private final History history;
  private final String metric;
  private final Map<String, Model> models;

  /**
   * A model that was measured.
   *
   * @param metrics every metric by seed
   * @param parameters how many; 0 = not known
   * @param latencyMs of one example; 0 = not known
   */
  record Model(Map<String, Map<Long, Double>> metrics, long parameters, double latencyMs) {
    /** The values of a metric that are numbers. */
    List<Double> values(String metric) {
      return metrics.getOrDefault(metric, Map.of()).values().stream()
          .filter(value -> !value.isNaN())
          .toList();
    }

    double mean(String metric) {
      return values(metric).stream().mapToDouble(v -> v).average().orElse(Double.NaN);
    }

    /** The sample standard deviation; 0 for a single seed. */
    double deviation(String metric) {
      List<Double> values = values(metric);
      double mean = mean(metric);
      double squares = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
      return values.size() < 2 ? 0 : Math.sqrt(squares / (values.size() - 1));
    }
  }

  private RunSummary(RunFolder folder) {
    this.folder = folder;
    this.seeds = folder.seeds();
    this.history = History.read(seeds);
    JsonNode results = folder.results();
    JsonNode task = folder.recipe().path("task");
    this.metric = results.path("metric").asText(task.path("metric").asText("f1")); // SQuAD: F1
    this.models = results.path("models").isObject() ? measured(results) : soFar();
  }

  /** Reads a run's folder. */
  static RunSummary read(RunFolder folder) {
    return new RunSummary(folder);
  }

  RunFolder folder() {
    return folder;
  }

  /** The metric that selects. */
  String metric() {
    return metric;
  }

  /** The teacher, then the students. */
  Map<String, Model> models() {
    return models;
  }

  String task() {
    JsonNode recipe = folder.recipe();
    return folder.results().path("task").asText(recipe.path("task").path("task_name").asText("?"));
  }

  boolean isFinished() {
    return folder.results().isObject();
  }

  /** How far the run is, in words. */
  String status() {
    if (isFinished()) {
      return "finished";
    }
    String at = "before its first update";
    for (Map.Entry<String, StageHistory> stage : history.stages().entrySet()) {
      for (Map.Entry<Long, SeedHistory> seed : stage.getValue().seeds.entrySet()) {
        String which = seeds.size() == 1 ? "" : " of seed " + seed.getKey();
        boolean newest = seed.getKey().equals(newestSeed());
        at =
            newest
                ? "%s%s, update %,d".formatted(stage.getKey(), which, seed.getValue().updates)
                : at;
      }
    }
    return "not finished: " + at;
  }

  private long newestSeed() {
    return history.stages().values().stream()
        .flatMap(stage -> stage.seeds.keySet().stream())
        .reduce((first, second) -> Math.max(first, second))
        .orElse(0L);
  }

  private static Map<String, Model> measured(JsonNode results) {
    Map<String, Model> models = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : results.path("models").properties()) {
      JsonNode model = entry.getValue();
      Map<String, Map<Long, Double>> metrics = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> seed : model.path("seeds").properties()) {
        add(metrics, Long.parseLong(seed.getKey()), seed.getValue());
      }
      models.put(
          entry.getKey(),
          new Model(
              metrics, model.path("parameters").asLong(), model.path("latency_ms").asDouble()));
    }
    return models;
  }

  private static void add(Map<String, Map<Long, Double>> to, long seed, JsonNode metrics) {
    for (Map.Entry<String, JsonNode> metric : metrics.properties()) {
      to.computeIfAbsent(metric.getKey(), m -> new LinkedHashMap<>())
          .put(seed, metric.getValue().asDouble(Double.NaN));
    }
  }

  /** What stages measured at their ends; the last evaluation of one that has not ended. */
  private Map<String, Model> soFar() {
    Map<String, Model> models = new LinkedHashMap<>();
    history
        .stages()
        .forEach(
            (stage, past) -> {
              Map<String, Map<Long, Double>> metrics = new LinkedHashMap<>();
              past.seeds.forEach(
                  (seed, own) -> {
                    RunLayout.Seed of = seeds.getOrDefault(seed, folder.layout().onlySeed());
                    JsonNode ended = RunFolder.stageResult(of, stage).path("metrics");
                    ObjectNode last = NODES.objectNode();
                    own.lastMetrics.forEach(last::put);
                    add(metrics, seed, ended.isObject() ? ended : last);
                  });
              if (!metrics.isEmpty()) {
                models.put(MODELS.getOrDefault(stage, stage), new Model(metrics, 0, 0));
              }
            });
    return models;
  }

  /** The student with the best mean. */
  Optional<String> bestStudent() {
    double sign = Metrics.higherIsBetter(metric) ? 1 : -1;
    String best = null;
    double highest = Double.NEGATIVE_INFINITY;
    for (Map.Entry<String, Model> model : models.entrySet()) {
      double value = sign * model.getValue().mean(metric);
      if (!model.getKey().equals("teacher") && (best == null || value > highest)) {
        best = model.getKey();
        highest = Double.isNaN(value) ? Double.NEGATIVE_INFINITY : value;
      }
    }
    return Optional.ofNullable(best);
  }

  private long bestSeed(String student) {
    double sign = Metrics.higherIsBetter(metric) ? 1 : -1;
    long best = seeds.keySet().iterator().next();
    double highest = Double.NEGATIVE_INFINITY;
    Model model = models.get(student);
    Map<Long, Double> values =
        model == null ? Map.of() : model.metrics().getOrDefault(metric, Map.of());
    for (Map.Entry<Long, Double> seed : values.entrySet()) {
      if (sign * seed.getValue() > highest) {
        best = seed.getKey();
        highest = sign * seed.getValue();
      }
    }
    return best;
  }

  /**
   * The summary as the page takes it.
   *
   * @param worst how many of the worst examples it quotes
   */
  ObjectNode toJson(int worst) {
    ObjectNode json = NODES.objectNode();
    json.put("name", folder.name());
    json.put("label", folder.name());
    json.put("task", task());
    json.put("metric", metric);
    json.put("percent", models.values().stream().anyMatch(RunSummary::isSquad));
    json.put("higherIsBetter", Metrics.higherIsBetter(metric));
    json.put("finished", isFinished());
    json.put("status", status());
    seeds.keySet().forEach(json.putArray("seeds")::add);
    json.set("models", modelsJson());
    json.set("stages", stagesJson());
    ObjectNode curves = json.putObject("curves");
    ObjectNode evaluations = json.putObject("evaluations");
    ObjectNode layers = json.putObject("layers");
    history
        .stages()
        .forEach(
            (stage, past) -> {
              if (!past.curves.names().isEmpty()) {
                curves.set(stage, curves(past.curves));
              }
              if (!past.evaluations.isEmpty()) {
                evaluations.set(stage, evaluations(past));
              }
              past.layers.forEach((term, bins) -> layers.set(stage, layers(term, bins)));
            });
    Answers.read(folder, List.copyOf(models.keySet()))
        .ifPresent(
            answers -> {
              Optional<String> student = bestStudent();
              long seed = student.map(this::bestSeed).orElse(0L);
              json.set("validation", answers.toJson(student, seed, worst));
            });
    json.set("sizes", sizes());
    json.put("recipe", folder.recipeText());
    if (folder.environment().isObject()) {
      json.set("environment", folder.environment());
    }
    return json;
  }

  /** SQuAD's scores are in percent. */
  private static boolean isSquad(Model model) {
    return model.metrics().containsKey("exact") || model.metrics().containsKey("exact_match");
  }

  private ArrayNode modelsJson() {
    ArrayNode json = NODES.arrayNode();
    models.forEach(
        (name, model) -> {
          ObjectNode one = json.addObject().put("name", name);
          ObjectNode metrics = one.putObject("metrics");
          model
              .metrics()
              .forEach(
                  (metricName, values) -> {
                    ObjectNode bySeed = metrics.putObject(metricName);
                    values.forEach((seed, value) -> put(bySeed, Long.toString(seed), value));
                  });
          put(one, "parameters", model.parameters() == 0 ? Double.NaN : model.parameters());
          put(one, "latencyMs", model.latencyMs() == 0 ? Double.NaN : model.latencyMs());
        });
    return json;
  }

  private ArrayNode stagesJson() {
    ArrayNode json = NODES.arrayNode();
    for (long seed : seeds.keySet()) {
      history
          .stages()
          .forEach(
              (stage, past) -> {
                SeedHistory own = past.seeds.get(seed);
                if (own != null) {
                  ObjectNode one = json.addObject().put("name", stage).put("seed", seed);
                  one.put("updates", own.updates);
                  put(one, "seconds", own.seconds == 0 ? Double.NaN : own.seconds);
                  put(one, "examplesPerSecond", own.examplesPerSecond());
                  put(one, "metric", own.lastMetrics.getOrDefault(metric, Double.NaN));
                }
              });
    }
    return json;
  }

  private static ObjectNode curves(Bins bins) {
    ObjectNode json = NODES.objectNode();
    bins.steps().forEach(json.putArray("step")::add);
    json.set("epoch", row(bins.curve("epoch"), Bins.Bin::mean));
    ObjectNode terms = json.putObject("terms");
    for (String name : bins.names()) {
      if (!name.equals("epoch")) {
        ObjectNode term = terms.putObject(name);
        term.set("mean", row(bins.curve(name), Bins.Bin::mean));
        if (name.endsWith("loss")) {
          term.set("low", row(bins.curve(name), Bins.Bin::low));
          term.set("high", row(bins.curve(name), Bins.Bin::high));
        }
      }
    }
    return json;
  }

  private static ObjectNode evaluations(StageHistory past) {
    ObjectNode json = NODES.objectNode();
    past.evaluations.keySet().forEach(json.putArray("step")::add);
    ObjectNode values = json.putObject("values");
    past.evaluations.values().stream()
        .flatMap(metrics -> metrics.keySet().stream())
        .distinct()
        .forEach(
            name -> {
              ObjectNode one = values.putObject(name);
              ArrayNode mean = one.putArray("mean");
              ArrayNode low = one.putArray("low");
              ArrayNode high = one.putArray("high");
              for (Map<String, Map<Long, Double>> at : past.evaluations.values()) {
                Bins.Bin bin = new Bins.Bin();
                at.getOrDefault(name, Map.of()).values().stream()
                    .filter(Double::isFinite)
                    .forEach(value -> bin.add(value));
                add(mean, bin.mean());
                add(low, bin.low());
                add(high, bin.high());
              }
            });
    return json;
  }

  private static ObjectNode layers(String term, Bins bins) {
    ObjectNode json = NODES.objectNode().put("term", term);
    bins.steps().forEach(json.putArray("step")::add);
    ArrayNode rows = json.putArray("rows");
    History.inOrder(bins).forEach(layer -> rows.add(row(bins.curve(layer), Bins.Bin::mean)));
    return json;
  }

  private static ArrayNode row(List<Bins.Bin> bins, ToDoubleFunction<Bins.Bin> value) {
    ArrayNode row = NODES.arrayNode();
    bins.forEach(bin -> add(row, value.applyAsDouble(bin)));
    return row;
  }

  /** Teacher and best student as they were trained, or the student's precisions as exported. */
  private ArrayNode sizes() {
    ArrayNode json = NODES.arrayNode();
    Model teacher = models.get("teacher");
    if (teacher != null && teacher.parameters() > 0) {
      size(json, "teacher", teacher);
    }
    JsonNode precisions = folder.precisions().path("precisions");
    if (precisions.isObject()) {
      precisions.properties().forEach(p -> precision(json, p.getKey(), p.getValue()));
    } else {
      bestStudent()
          .map(models::get)
          .filter(student -> student.parameters() > 0)
          .ifPresent(student -> size(json, "student", student));
    }
    return json;
  }

  private void size(ArrayNode to, String name, Model model) {
    ObjectNode one = to.addObject().put("name", name);
    one.put("bytes", FLOAT_BYTES * model.parameters());
    put(one, "latencyMs", model.latencyMs());
    put(one, "metric", model.mean(metric));
  }

  private void precision(ArrayNode to, String name, JsonNode precision) {
    ObjectNode one = to.addObject().put("name", name);
    one.put("bytes", precision.path("bytes").asLong());
    put(one, "latencyMs", precision.path("latency_ms").path("1").asDouble(Double.NaN));
    put(one, "latencyMs8", precision.path("latency_ms").path("8").asDouble(Double.NaN));
    put(one, "metric", precision.path("metrics").path(metric).asDouble(Double.NaN));
    put(one, "agreement", precision.path("agreement").asDouble(Double.NaN));
    if (!precision.path("kept").asBoolean(true)) {
      one.put("refused", precision.path("reason").asText());
    }
  }

  private static void put(ObjectNode to, String name, double value) {
    to.set(name, number(value));
  }

  private static void add(ArrayNode to, double value) {
    to.add(number(value));
  }

  /** Five digits are enough for a picture; what is no number is null. */
  private static JsonNode number(double value) {
    if (!Double.isFinite(value)) {
      return NODES.nullNode();
    }
    boolean whole = value == Math.rint(value) && Math.abs(value) < 1e15;
    return whole
        ? NODES.numberNode((long) value)
        : NODES.numberNode(new BigDecimal(value).round(DIGITS).doubleValue());
  }
}
