package dev.filtrate.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A stage in mid-run, from which it goes on as if it had never stopped: {@code step-N/} with {@code
 * model.safetensors} (the trained parameters), {@code optimizer.safetensors} (their moments) and
 * {@code state.json}. The data cursor is the step itself, since order and dropout are functions of
 * seed and step.
 *
 * @param state how far the stage is
 * @param parameters the trained parameters
 * @param moments {@code moment1/p} and {@code moment2/p} of each
 */
record Checkpoint(State state, Map<String, Tensor> parameters, Map<String, Tensor> moments) {
  /**
   * How far a stage is.
   *
   * @param stage its name
   * @param settings a digest of everything that decides its course
   * @param step updates done
   * @param evaluatedAt the step of the last evaluation; -1 = none yet
   * @param metrics of that evaluation
   * @param best the best metric so far; NaN = none yet
   * @param bestStep the step it was reached at
   * @param bestMetrics all metrics of that step
   * @param evaluationsSinceBest for early stopping
   * @param lossScale of mixed precision
   * @param decay what the updates so far left of a parameter that has no gradient
   * @param bestDecay what those until the best metric did
   */
  record State(
      String stage,
      String settings,
      int step,
      int evaluatedAt,
      Map<String, Double> metrics,
      double best,
      int bestStep,
      Map<String, Double> bestMetrics,
      int evaluationsSinceBest,
      LossScale lossScale,
      double decay,
      double bestDecay) {}

  private static final List<String> KEYS =
      List.of(
          "stage",
          "settings",
          "step",
          "evaluated_at",
          "best_step",
          "evaluations_since_best",
          "decay",
          "best_decay");

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Writes this below {@code folder}, where the last {@code keep} stay. */
  void write(Path folder, int keep) {
    AtomicFiles.writeFolder(
        folder.resolve("step-" + state.step()),
        part -> {
          Safetensors.write(part.resolve("model.safetensors"), parameters, Map.of());
          Safetensors.write(part.resolve("optimizer.safetensors"), moments, Map.of());
          ObjectNode json = JSON.createObjectNode();
          json.put("stage", state.stage());
          json.put("settings", state.settings());
          json.put("step", state.step());
          json.put("evaluated_at", state.evaluatedAt());
          state.metrics().forEach(json.putObject("metrics")::put);
          json.put("best", Double.isNaN(state.best()) ? null : state.best());
          json.put("best_step", state.bestStep());
          state.bestMetrics().forEach(json.putObject("best_metrics")::put);
          json.put("evaluations_since_best", state.evaluationsSinceBest());
          if (!state.lossScale().equals(LossScale.NONE)) {
            state.lossScale().write(json.putObject("loss_scale"));
          }
          json.put("decay", state.decay());
          json.put("best_decay", state.bestDecay());
          AtomicFiles.writeText(
              part.resolve("state.json"),
              JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
        });
    List<Path> steps = steps(folder);
    for (Path old : steps.subList(0, Math.max(0, steps.size() - keep))) {
      AtomicFiles.deleteRecursively(old);
    }
  }

  /** The last checkpoint below {@code folder}, if there is one; a damaged one is a UserError. */
  static Optional<Checkpoint> last(Path folder) {
    List<Path> steps = steps(folder);
    return steps.isEmpty()
        ? Optional.empty()
        : Optional.of(read(folder, steps.get(steps.size() - 1)));
  }

  private static Checkpoint read(Path folder, Path step) {
    Path file = step.resolve("state.json");
    JsonNode json;
    try {
      json = JSON.readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw damaged(folder, file, "JSON", e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
    for (String key : KEYS) {
      if (!json.has(key)) {
        throw damaged(folder, file, "a key '" + key + "'", null);
      }
    }
    State state =
        new State(
            json.path("stage").asText(),
            json.path("settings").asText(),
            json.path("step").asInt(),
            json.path("evaluated_at").asInt(),
            metrics(json.path("metrics")),
            json.path("best").asDouble(Double.NaN),
            json.path("best_step").asInt(),
            metrics(json.path("best_metrics")),
            json.path("evaluations_since_best").asInt(),
            LossScale.read(json.path("loss_scale")),
            json.path("decay").asDouble(),
            json.path("best_decay").asDouble());
    return new Checkpoint(
        state,
        Safetensors.open(step.resolve("model.safetensors")).tensors(),
        Safetensors.open(step.resolve("optimizer.safetensors")).tensors());
  }

  private static UserError damaged(
      Path folder, Path file, String expected, @Nullable Throwable cause) {
    return new UserError(
        "%s: damaged, or of an earlier version: expected %s; delete %s to start the stage anew"
            .formatted(file, expected, folder),
        cause);
  }

  private static Map<String, Double> metrics(JsonNode json) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    json.properties().forEach(e -> metrics.put(e.getKey(), e.getValue().asDouble()));
    return metrics;
  }

  private static List<Path> steps(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(p -> p.getFileName().toString().matches("step-\\d+"))
          .sorted(Comparator.comparingInt(Checkpoint::stepOf))
          .toList();
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(folder, e);
    }
  }

  private static int stepOf(Path folder) {
    return Integer.parseInt(folder.getFileName().toString().substring("step-".length()));
  }
}
