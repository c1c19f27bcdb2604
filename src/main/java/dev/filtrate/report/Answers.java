package dev.filtrate.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.train.RunLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the models of a run say to the validation examples: {@code validation.jsonl} and {@code
 * predictions/}, counted.
 */
final class Answers {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final int MOST_POINTS = 1500;
  private static final int MOST_CHARACTERS = 420;
  private static final int AROUND = 180;

  private final List<JsonNode> examples;
  private final Map<String, Map<Long, List<JsonNode>>> predictions;
  private final Kind kind;

  /** How answers look. */
  private enum Kind {
    /** One class of several. */
    CLASSES,
    /** A score. */
    SCORES,
    /** Any number of labels. */
    LABELS,
    /** Parts of texts. */
    ANSWERS;

    static Kind of(JsonNode prediction) {
      if (prediction.has("f1")) {
        return ANSWERS;
      }
      JsonNode said = prediction.path("prediction");
      return said.isArray() ? LABELS : said.isNumber() ? SCORES : CLASSES;
    }
  }

  private Answers(
      List<JsonNode> examples, Map<String, Map<Long, List<JsonNode>>> predictions, Kind kind) {
    this.examples = examples;
    this.predictions = predictions;
    this.kind = kind;
  }

  /** Those of a run's models; none where it has not come so far. */
  static Optional<Answers> read(RunFolder run, List<String> models) {
    List<JsonNode> examples = JsonLines.read(run.layout().validation());
    Map<String, Map<Long, List<JsonNode>>> predictions = new LinkedHashMap<>();
    for (String model : models) {
      for (Map.Entry<Long, RunLayout.Seed> seed : run.seeds().entrySet()) {
        List<JsonNode> lines = JsonLines.read(seed.getValue().predictions(model));
        if (!lines.isEmpty() && lines.size() == examples.size()) {
          predictions.computeIfAbsent(model, m -> new LinkedHashMap<>()).put(seed.getKey(), lines);
        }
      }
    }
    return predictions.values().stream()
        .findFirst()
        .map(first -> Kind.of(first.values().iterator().next().get(0)))
        .map(kind -> new Answers(examples, predictions, kind));
  }

  /**
   * The counts of every model, and the worst examples of one.
   *
   * @param student whose worst examples are shown, if it has answers
   * @param seed its seed
   * @param worst how many; 0 = no text is quoted
   */
  ObjectNode toJson(Optional<String> student, long seed, int worst) {
    ObjectNode json = NODES.objectNode();
    json.put("kind", kind.name().toLowerCase(Locale.ROOT));
    json.put("examples", examples.size());
    List<String> labels = labels();
    labels.forEach(json.putArray("labels")::add);
    ArrayNode models = json.putArray("models");
    predictions.forEach(
        (model, seeds) -> {
          ObjectNode one = models.addObject().put("name", model);
          switch (kind) {
            case CLASSES -> one.set("confusion", confusion(labels, seeds));
            case SCORES -> one.set("points", points(seeds.values().iterator().next()));
            case LABELS -> one.set("labels", perLabel(labels, seeds));
            case ANSWERS -> one.set("answers", answered(seeds));
          }
        });
    student
        .filter(name -> predictions.getOrDefault(name, Map.of()).containsKey(seed))
        .ifPresent(name -> json.set("worst", worst(name, seed, worst)));
    return json;
  }

  /** How many examples there are. */
  int size() {
    return examples.size();
  }

  /** In the order of the logits; what else is among the labels behind them. */
  private List<String> labels() {
    if (kind == Kind.SCORES || kind == Kind.ANSWERS) {
      return List.of();
    }
    Set<String> labels = new LinkedHashSet<>();
    JsonNode first = predictions.values().iterator().next().values().iterator().next().get(0);
    first.path("logits").fieldNames().forEachRemaining(labels::add);
    return List.copyOf(labels);
  }

  private ArrayNode confusion(List<String> labels, Map<Long, List<JsonNode>> seeds) {
    int[][] counts = new int[labels.size()][labels.size()];
    for (List<JsonNode> lines : seeds.values()) {
      for (int i = 0; i < lines.size(); i++) {
        int gold = labels.indexOf(examples.get(i).path("label").asText());
        int said = labels.indexOf(lines.get(i).path("prediction").asText());
        if (gold >= 0 && said >= 0) {
          counts[gold][said]++;
        }
      }
    }
    return rows(counts);
  }

  private static ArrayNode rows(int[][] counts) {
    ArrayNode rows = NODES.arrayNode();
    for (int[] row : counts) {
      ArrayNode cells = rows.addArray();
      for (int count : row) {
        cells.add(count);
      }
    }
    return rows;
  }

  private ArrayNode points(List<JsonNode> lines) {
    ArrayNode points = NODES.arrayNode();
    int every = Math.max(1, (lines.size() + MOST_POINTS - 1) / MOST_POINTS);
    for (int i = 0; i < lines.size(); i += every) {
      JsonNode gold = examples.get(i).path("label");
      if (gold.isNumber()) {
        points.addArray().add(gold).add(lines.get(i).path("prediction"));
      }
    }
    return points;
  }

  /** For every label: right, given in error, missed. */
  private ArrayNode perLabel(List<String> labels, Map<Long, List<JsonNode>> seeds) {
    int[][] counts = new int[labels.size()][3];
    for (List<JsonNode> lines : seeds.values()) {
      for (int i = 0; i < lines.size(); i++) {
        JsonNode label = examples.get(i).path("label");
        Set<String> gold = texts(label);
        Set<String> said = texts(lines.get(i).path("prediction"));
        for (int k = 0; k < counts.length && label.isArray(); k++) {
          boolean is = gold.contains(labels.get(k));
          boolean given = said.contains(labels.get(k));
          counts[k][0] += is && given ? 1 : 0;
          counts[k][1] += !is && given ? 1 : 0;
          counts[k][2] += is && !given ? 1 : 0;
        }
      }
    }
    return rows(counts);
  }

  private ObjectNode answered(Map<Long, List<JsonNode>> seeds) {
    Map<String, Map<String, Integer>> counts = new LinkedHashMap<>();
    for (List<JsonNode> lines : seeds.values()) {
      for (int i = 0; i < lines.size(); i++) {
        boolean answerable = !examples.get(i).path("label").isEmpty();
        counts
            .computeIfAbsent(
                answerable ? "with an answer" : "without an answer", g -> new LinkedHashMap<>())
            .merge(judged(lines.get(i), answerable), 1, Integer::sum);
      }
    }
    ObjectNode json = NODES.objectNode();
    counts.forEach((group, kinds) -> kinds.forEach(json.withObject("/" + group)::put));
    return json;
  }

  private static String judged(JsonNode line, boolean answerable) {
    if (line.path("exact").asDouble() == 1) {
      return "exact";
    }
    if (answerable && line.path("prediction").asText().isEmpty()) {
      return "silent";
    }
    return line.path("f1").asDouble() > 0 ? "partial" : "wrong";
  }

  private static Set<String> texts(JsonNode array) {
    Set<String> texts = new LinkedHashSet<>();
    array.forEach(text -> texts.add(text.asText()));
    return texts;
  }

  private ObjectNode worst(String student, long seed, int most) {
    List<JsonNode> mine = lines(student, seed);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < mine.size(); i++) {
      if (!examples.get(i).path("label").isNull() && !isRight(i, mine.get(i))) {
        order.add(i);
      }
    }
    order.sort(Comparator.comparingDouble((Integer i) -> -error(i, mine.get(i))));
    List<String> others =
        predictions.keySet().stream()
            .filter(other -> !other.equals(student) && !lines(other, seed).isEmpty())
            .toList();
    ObjectNode json = NODES.objectNode().put("model", student).put("seed", seed);
    others.forEach(json.putArray("others")::add);
    ArrayNode shown = json.putArray("examples");
    for (int i : order.subList(0, Math.min(most, order.size()))) {
      JsonNode example = examples.get(i);
      String answer = kind == Kind.ANSWERS ? example.path("label").path(0).asText() : "";
      ObjectNode one = shown.addObject().put("text", cut(example.path("text").asText(), ""));
      if (example.has("text_pair")) {
        one.put("pair", cut(example.path("text_pair").asText(), answer));
      }
      one.set("label", example.get("label"));
      one.set("prediction", mine.get(i).get("prediction"));
      if (kind == Kind.CLASSES) {
        one.put("probability", probability(mine.get(i), mine.get(i).path("prediction").asText()));
      }
      ObjectNode said = one.putObject("others");
      ObjectNode right = one.putObject("right");
      for (String other : others) {
        JsonNode line = lines(other, seed).get(i);
        said.set(other, line.get("prediction"));
        right.put(other, isRight(i, line));
      }
    }
    return json;
  }

  private List<JsonNode> lines(String model, long seed) {
    return predictions.getOrDefault(model, Map.of()).getOrDefault(seed, List.of());
  }

  private boolean isRight(int i, JsonNode line) {
    JsonNode gold = examples.get(i).path("label");
    JsonNode said = line.path("prediction");
    return switch (kind) {
      case CLASSES -> gold.asText().equals(said.asText());
      case SCORES -> gold.asDouble() == said.asDouble();
      case LABELS -> texts(gold).equals(texts(said));
      case ANSWERS -> line.path("exact").asDouble() == 1;
    };
  }

  /** How wrong an answer is; comparable within a task. */
  private double error(int i, JsonNode line) {
    JsonNode gold = examples.get(i).path("label");
    return switch (kind) {
      case CLASSES -> -Math.log(probability(line, gold.asText()));
      case SCORES -> Math.abs(gold.asDouble() - line.path("prediction").asDouble());
      case LABELS -> {
        double sum = 0;
        for (Map.Entry<String, JsonNode> logit : line.path("logits").properties()) {
          double x = logit.getValue().asDouble();
          double toGold = texts(gold).contains(logit.getKey()) ? x : -x;
          sum += Math.log1p(Math.exp(-Math.abs(toGold))) + Math.max(-toGold, 0);
        }
        yield sum;
      }
      case ANSWERS -> 1 - line.path("f1").asDouble() + line.path("probability").asDouble() / 2;
    };
  }

  /** The softmax of a class's logit. */
  private static double probability(JsonNode line, String label) {
    double own = line.path("logits").path(label).asDouble(Double.NEGATIVE_INFINITY);
    double sum = 0;
    for (JsonNode logit : line.path("logits")) {
      sum += Math.exp(logit.asDouble() - own);
    }
    return 1 / sum;
  }

  /** A text that is not too long for a table: what is around a part of it, or its beginning. */
  private static String cut(String text, String around) {
    if (text.length() <= MOST_CHARACTERS) {
      return text;
    }
    int at = around.isEmpty() ? 0 : Math.max(0, text.indexOf(around));
    int from = at < AROUND ? 0 : at - AROUND;
    int to = Math.min(text.length(), from + MOST_CHARACTERS);
    from += from > 0 && Character.isLowSurrogate(text.charAt(from)) ? 1 : 0;
    to -= to < text.length() && Character.isLowSurrogate(text.charAt(to)) ? 1 : 0;
    return (from > 0 ? "…" : "") + text.substring(from, to) + (to < text.length() ? "…" : "");
  }
}
