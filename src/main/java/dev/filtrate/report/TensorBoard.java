package dev.filtrate.report;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.model.Objective;
import dev.filtrate.train.Progress;
import dev.filtrate.train.RunLayout;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * TensorBoard's view of a run, written while it trains: {@code tensorboard/<stage>} in the run's
 * folder, with several seeds {@code tensorboard/seed-N/<stage>}. Tags are {@code train/} and the
 * names in {@code metrics.jsonl}, {@code layers/} for losses of single layers, {@code eval/} for
 * metrics.
 */
final class TensorBoard implements Progress, AutoCloseable {
  private static final double FLUSH_SECONDS = 5;

  private final Path run;
  private @Nullable EventFile events;
  private double flushed;

  /** Watches a run whose folder this is. */
  TensorBoard(Path run) {
    this.run = run;
  }

  @Override
  public void begin(Path folder, String stage, int step, int steps) {
    close();
    Path own = folder(run, folder, stage);
    if (step == 0) {
      AtomicFiles.deleteRecursively(own);
    }
    EventFile begun = EventFile.begin(own, now());
    if (step > 0) {
      begun.restart(now(), step + 1);
    }
    events = begun;
  }

  @Override
  public void update(Update update) {
    Map<String, Number> values = new LinkedHashMap<>();
    update.losses().forEach((name, value) -> values.put(tag(name), value));
    values.put(tag("learning_rate"), update.learningRate());
    if (update.examplesPerSecond() > 0) {
      values.put(tag("examples_per_second"), update.examplesPerSecond());
    }
    write(update.step(), values);
  }

  @Override
  public void evaluation(String stage, int step, Map<String, Double> metrics, boolean best) {
    Map<String, Number> values = new LinkedHashMap<>();
    metrics.forEach((name, value) -> values.put("eval/" + name, value));
    write(step, values);
  }

  private void write(int step, Map<String, Number> values) {
    EventFile open = events;
    if (open != null) {
      double now = now();
      open.scalars(now, step, values);
      if (now - flushed > FLUSH_SECONDS) {
        open.flush();
        flushed = now;
      }
    }
  }

  @Override
  public void end(String stage, int step, double seconds) {
    close();
  }

  @Override
  public void note(String text) {}

  @Override
  public void close() {
    if (events != null) {
      events.close();
      events = null;
    }
  }

  /** The same from what the lines of its seeds hold. */
  static Path convert(Path run, Collection<RunLayout.Seed> seeds) {
    Path target = new RunLayout(run).tensorBoard();
    AtomicFiles.deleteRecursively(target);
    for (RunLayout.Seed seed : seeds) {
      Map<String, EventFile> stages = new HashMap<>();
      try {
        JsonLines.forEach(seed.metrics(), line -> convert(run, seed.folder(), line, stages));
      } finally {
        stages.values().forEach(EventFile::close);
      }
    }
    return target;
  }

  private static void convert(
      Path run, Path seedFolder, JsonNode line, Map<String, EventFile> stages) {
    String stage = line.path("stage").asText();
    int step = line.path("step").asInt();
    double time = line.path("time").asDouble(step); // of a run that did not write it down
    EventFile events =
        stages.computeIfAbsent(stage, s -> EventFile.begin(folder(run, seedFolder, stage), time));
    Map<String, Number> values = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> value : line.properties()) {
      boolean place = value.getKey().matches("stage|step|epoch|time");
      if (!place && value.getValue().isNumber()) {
        values.put(tag(value.getKey()), value.getValue().doubleValue());
      }
    }
    for (Map.Entry<String, JsonNode> metric : line.path("eval").properties()) {
      values.put("eval/" + metric.getKey(), metric.getValue().asDouble(Double.NaN));
    }
    events.scalars(time, step, values);
  }

  private static Path folder(Path run, Path seedFolder, String stage) {
    Path seed =
        run.toAbsolutePath().normalize().relativize(seedFolder.toAbsolutePath().normalize());
    return new RunLayout(run).tensorBoard().resolve(seed).resolve(stage);
  }

  private static String tag(String name) {
    return (Objective.isLayer(name) ? "layers/" : "train/") + name;
  }

  private static double now() {
    return System.currentTimeMillis() / 1e3;
  }
}
