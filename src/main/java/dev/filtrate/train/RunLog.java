package dev.filtrate.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.AtomicFiles;
import java.io.BufferedWriter;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code metrics.jsonl}: a line per update and per evaluation, appended. A stage that resumes cuts
 * the file back to where its checkpoint left it, so that no update is there twice.
 */
public final class RunLog implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final BufferedWriter writer;

  private RunLog(Path file, BufferedWriter writer) {
    this.file = file;
    this.writer = writer;
  }

  /** Opens the file for appending; it is made if it is not there. */
  public static RunLog open(Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      BufferedWriter writer =
          Files.newBufferedWriter(
              file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      return new RunLog(file, writer);
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }

  /**
   * Drops what a stage wrote after an update, so that it can go on from there (0 = from the start).
   */
  static void rewind(Path file, String stage, int step) {
    if (!Files.exists(file)) {
      return;
    }
    List<String> kept = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
        JsonNode json = parse(line);
        if (json != null && !isAfter(json, stage, step)) { // a line cut off is nothing to keep
          kept.add(line + "\n");
        }
      }
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
    AtomicFiles.writeText(file, String.join("", kept));
  }

  private static boolean isAfter(JsonNode line, String stage, int step) {
    return line.path("stage").asText().equals(stage) && line.path("step").asInt() > step;
  }

  private static @Nullable JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  /** An update: its loss terms, learning rate and speed, and when it was made. */
  void update(Progress.Update update) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("stage", update.stage());
    line.put("step", update.step());
    line.put("epoch", Math.round(update.epoch() * 1e4) / 1e4);
    line.putAll(update.losses());
    line.put("learning_rate", update.learningRate());
    line.put("examples_per_second", Math.round(update.examplesPerSecond() * 10) / 10.0);
    line.put("time", now());
    append(line);
  }

  /** An evaluation on the validation examples. */
  void evaluation(String stage, int step, double epoch, Map<String, Double> metrics) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("stage", stage);
    line.put("step", step);
    line.put("epoch", Math.round(epoch * 1e4) / 1e4);
    Map<String, Object> eval = new LinkedHashMap<>();
    metrics.forEach((name, value) -> eval.put(name, Double.isFinite(value) ? value : null));
    line.put("eval", eval);
    line.put("time", now());
    append(line);
  }

  /** Seconds since 1970. */
  private static BigDecimal now() {
    return BigDecimal.valueOf(System.currentTimeMillis(), 3);
  }

  private void append(Map<String, Object> line) {
    try {
      writer.write(JSON.writeValueAsString(line) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("metrics.jsonl: " + line, e);
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }

  /** Writes everything through to the file. */
  void flush() {
    try {
      writer.flush();
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }

  @Override
  public void close() {
    try {
      writer.close();
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }
}
