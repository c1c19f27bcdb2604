package dev.filtrate.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.report.RunSummary.Model;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Runs beside each other: what their models measured, and what their recipes say differently. */
public final class Comparison {
  /** Where a run's results go does not make it another one. */
  private static final Set<String> NAMES = Set.of("name", "output_dir");

  private final List<RunSummary> runs;
  private final List<String> labels;

  /**
   * A key of the recipes whose values are not all the same.
   *
   * @param key with dots, as {@code --set} takes it
   * @param values of each run; a dash where a recipe does not have it
   */
  public record Difference(String key, List<String> values) {
    /** Copies the list. */
    public Difference {
      values = List.copyOf(values);
    }
  }

  private Comparison(List<RunSummary> runs, List<String> labels) {
    this.runs = runs;
    this.labels = labels;
  }

  /** Reads the folders of runs; one that is none is a {@link dev.filtrate.base.UserError}. */
  public static Comparison read(List<Path> folders) {
    List<RunSummary> runs = folders.stream().map(RunFolder::open).map(RunSummary::read).toList();
    List<String> names = runs.stream().map(run -> run.folder().name()).toList();
    boolean distinct = names.stream().distinct().count() == names.size();
    return new Comparison(runs, distinct ? names : folders.stream().map(Path::toString).toList());
  }

  /** What each run is called: its folder's name, or its path where names are alike. */
  public List<String> labels() {
    return labels;
  }

  /**
   * For each metric that runs are selected by, the models' means and standard deviations: {@code
   * {metric: {model: [a cell for each run]}}}.
   */
  public Map<String, Map<String, List<String>>> models() {
    Map<String, Map<String, List<String>>> tables = new LinkedHashMap<>();
    for (String metric : runs.stream().map(RunSummary::metric).distinct().toList()) {
      Set<String> names = new LinkedHashSet<>();
      runs.stream()
          .filter(run -> run.metric().equals(metric))
          .forEach(run -> names.addAll(run.models().keySet()));
      Map<String, List<String>> rows = new LinkedHashMap<>();
      names.forEach(
          name -> rows.put(name, runs.stream().map(run -> cell(run, name, metric)).toList()));
      tables.put(metric, rows);
    }
    return tables;
  }

  private static String cell(RunSummary run, String name, String metric) {
    Model model = run.models().get(name);
    if (model == null || !run.metric().equals(metric) || model.values(metric).isEmpty()) {
      return "-";
    }
    String spread =
        model.values(metric).size() < 2 ? "" : " ± %.4f".formatted(model.deviation(metric));
    return "%.4f".formatted(model.mean(metric)) + spread;
  }

  /** How far each run is. */
  public List<String> status() {
    return runs.stream().map(RunSummary::status).toList();
  }

  /** What the recipes say differently, in their order. */
  public List<Difference> differences() {
    List<Map<String, String>> recipes = new ArrayList<>();
    Set<String> keys = new LinkedHashSet<>();
    for (RunSummary run : runs) {
      Map<String, String> flat = new LinkedHashMap<>();
      flatten("", run.folder().recipe(), flat);
      recipes.add(flat);
      keys.addAll(flat.keySet());
    }
    keys.removeAll(NAMES);
    List<Difference> differences = new ArrayList<>();
    for (String key : keys) {
      List<String> values = recipes.stream().map(r -> r.getOrDefault(key, "-")).toList();
      if (values.stream().distinct().count() > 1) {
        differences.add(new Difference(key, values));
      }
    }
    return differences;
  }

  private static void flatten(String prefix, JsonNode node, Map<String, String> to) {
    if (node.isObject()) {
      for (Map.Entry<String, JsonNode> entry : node.properties()) {
        String key = prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey();
        flatten(key, entry.getValue(), to);
      }
    } else {
      to.put(prefix, node.isValueNode() ? node.asText() : node.toString());
    }
  }

  /** Draws the runs on one page; a file that is there is replaced. */
  public void write(Path file) {
    List<ObjectNode> all = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      all.add(runs.get(i).toJson(0).put("label", labels.get(i)));
    }
    ObjectNode page = Report.page("compare", all);
    ArrayNode differences = page.putArray("differences");
    for (Difference difference : differences()) {
      ObjectNode one = differences.addObject().put("key", difference.key());
      difference.values().forEach(one.putArray("values")::add);
    }
    Page.write(file, "%d runs – Filtrate".formatted(runs.size()), page);
  }
}
