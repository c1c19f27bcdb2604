package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class RunLogTest {
  @TempDir private Path folder;

  private Path file() {
    return folder.resolve("new/metrics.jsonl");
  }

  private void write(String stage, int from, int to) {
    try (RunLog log = RunLog.open(file())) {
      for (int step = from; step <= to; step++) {
        Map<String, Float> losses = new LinkedHashMap<>();
        losses.put("loss", 0.5f);
        losses.put("pred_loss", 0.25f);
        log.update(new Progress.Update(stage, step, to, step / 3.0, losses, 1e-3, 123.456, 0));
      }
      log.evaluation(stage, to, to / 3.0, Map.of("accuracy", 0.75));
    }
  }

  @Test
  void linesHoldWhatTheArchitectureNames() throws IOException {
    write("kd", 1, 1);
    assertEquals(
        List.of(
            "{\"stage\":\"kd\",\"step\":1,\"epoch\":0.3333,\"loss\":0.5,\"pred_loss\":0.25,"
                + "\"learning_rate\":0.001,\"examples_per_second\":123.5}",
            "{\"stage\":\"kd\",\"step\":1,\"epoch\":0.3333,\"eval\":{\"accuracy\":0.75}}"),
        Files.readAllLines(file()).stream().map(RunLogTest::withoutTime).toList());
  }

  private static String withoutTime(String line) {
    String rest = line.replaceFirst(",\"time\":\\d{10}\\.\\d{3}}$", "}");
    assertNotEquals(line, rest);
    return rest;
  }

  @Test
  void aMetricThatIsNoNumberIsNull() throws IOException {
    try (RunLog log = RunLog.open(file())) {
      log.evaluation("kd", 1, 1, Map.of("pearson", Double.NaN));
    }
    assertEquals(
        "{\"stage\":\"kd\",\"step\":1,\"epoch\":1.0,\"eval\":{\"pearson\":null}}",
        withoutTime(Files.readString(file()).stripTrailing()));
  }

  @Test
  void rewindingDropsWhatAStageWroteAfterAnUpdateAndNothingElse() throws IOException {
    write("teacher/finetuned", 1, 4);
    write("kd", 1, 3);
    List<String> before = Files.readAllLines(file());
    RunLog.rewind(file(), "kd", 2);
    assertEquals(before.subList(0, 7), Files.readAllLines(file()));
    RunLog.rewind(file(), "kd", 0);
    assertEquals(before.subList(0, 5), Files.readAllLines(file()));
    RunLog.rewind(file(), "ted", 0);
    assertEquals(before.subList(0, 5), Files.readAllLines(file()));
  }

  @Test
  void aLineThatWasCutOffGoesToo() throws IOException {
    write("kd", 1, 2);
    List<String> before = Files.readAllLines(file());
    Files.writeString(file(), "{\"stage\":\"kd\",\"step\":3,\"lo", StandardOpenOption.APPEND);
    RunLog.rewind(file(), "kd", 2);
    assertEquals(before, Files.readAllLines(file()));
    Files.writeString(file(), "{\"stage\":\"kd\",", StandardOpenOption.APPEND);
    RunLog.rewind(file(), "kd", 5);
    assertEquals(String.join("\n", before) + "\n", Files.readString(file()));
  }

  @Test
  void withoutAFileThereIsNothingToRewind() {
    RunLog.rewind(file(), "kd", 2);
    assertFalse(Files.exists(file()));
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aFullDiskIsToldInOneSentence() throws IOException {
    Files.createDirectories(folder.resolve("new"));
    Files.createSymbolicLink(file(), Path.of("/dev/full"));
    UserError refused = assertThrows(UserError.class, () -> write("kd", 1, 1));
    assertEquals(
        file() + ": cannot be written: No space left on device; choose another place or make room",
        refused.getMessage());
    Files.delete(file());
  }
}
