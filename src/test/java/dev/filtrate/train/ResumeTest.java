package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.train.TinyTask.Watcher;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A run that was stopped and resumed is the run that was not stopped: the same parameters bit for
 * bit, the same log. With dropout, accumulation (9 micro-batches of an epoch are 5 updates), and
 * the best model kept.
 */
@Tag("ort")
class ResumeTest {
  private static final String[] SETTINGS = {
    "training.gradient_accumulation_steps=2",
    "training.save_best=true",
    "training.hidn_dropout=0.1",
    "training.att_dropout=0.1",
    "compare=[kd, ted]"
  };
  private static final List<String> STAGES =
      List.of(
          "teacher/finetuned",
          "student/finetuned",
          "kd",
          "teacher/filters",
          "student/filters",
          "ted");

  @TempDir private static Path folder;
  private static TinyTask task;
  private static Path whole;

  @TempDir private Path out;

  @BeforeAll
  static void runWithoutAStop() {
    task = new TinyTask(folder);
    whole = folder.resolve("whole");
    TinyTask.run(task.recipe(whole, SETTINGS));
  }

  private static void assertSame(Path run) {
    for (String stage : STAGES) {
      assertEquals(TinyTask.bits(whole.resolve(stage)), TinyTask.bits(run.resolve(stage)), stage);
    }
    assertEquals(TinyTask.log(whole), TinyTask.log(run));
    assertEquals(results(whole), results(run));
  }

  private static String results(Path run) {
    try {
      return Files.readString(run.resolve("results.json"))
          .replaceAll("\"latency_ms\" : [0-9.E-]+", "");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private Stopped stop(String stage, int step, boolean resume) {
    Watcher watcher = new Watcher(stage, step);
    Run run = new Run(task.recipe(out, SETTINGS), watcher, watcher, resume);
    return assertThrows(Stopped.class, run::execute);
  }

  @ParameterizedTest
  @CsvSource({
    "teacher/finetuned, 3", // amid an epoch
    "student/finetuned, 5", // right after an evaluation
    "teacher/filters, 11",
    "kd, 15", // between two stages
    "ted, 15", // before the results
  })
  void aStoppedRunEndsAsTheOtherOne(String stage, int step) {
    Stopped stopped = stop(stage, step, false);
    assertEquals(
        "stopped in %s after update %d; go on with --resume".formatted(stage, step),
        stopped.getMessage());
    TinyTask.resume(task.recipe(out, SETTINGS));
    assertSame(out);
  }

  @Test
  void stopsOneAfterTheOtherChangeNothing() {
    stop("teacher/finetuned", 1, false);
    stop("teacher/finetuned", 14, true);
    stop("teacher/finetuned", 15, true);
    stop("teacher/filters", 6, true);
    stop("ted", 10, true);
    TinyTask.resume(task.recipe(out, SETTINGS));
    assertSame(out);
  }

  @Test
  void aRunThatDiedGoesOnFromItsLastCheckpoint() throws IOException {
    Watcher dies =
        new Watcher("kd", 13) {
          @Override
          public boolean getAsBoolean() {
            if (super.getAsBoolean()) {
              throw new IllegalStateException("pulled the plug");
            }
            return false;
          }
        };
    Run run = new Run(task.recipe(out, SETTINGS), dies, dies, false);
    assertThrows(IllegalStateException.class, run::execute);
    Files.writeString(
        out.resolve("metrics.jsonl"), "{\"stage\":\"kd\",\"st", StandardOpenOption.APPEND);
    TinyTask.resume(task.recipe(out, SETTINGS));
    assertSame(out);
  }

  @Test
  void aFinishedRunThatResumesTrainsNothing() throws IOException {
    Watcher watcher = new Watcher("", 0);
    TinyTask.run(task.recipe(out, SETTINGS));
    byte[] model = Files.readAllBytes(out.resolve("ted/model.safetensors"));
    new Run(task.recipe(out, SETTINGS), watcher, watcher, true).execute();
    assertTrue(watcher.notes.stream().noneMatch(n -> n.startsWith("begin")), watcher.notes + "");
    assertSame(out);
    assertEquals(
        java.nio.ByteBuffer.wrap(model),
        java.nio.ByteBuffer.wrap(Files.readAllBytes(out.resolve("ted/model.safetensors"))));
  }

  @Test
  void anotherSeedMakesAnotherModel() {
    TinyTask.run(task.recipe(out, "seed=8", "compare=finetuned"));
    Path again = out.resolve("again");
    TinyTask.run(task.recipe(again, "seed=8", "compare=finetuned"));
    Path other = out.resolve("other");
    TinyTask.run(task.recipe(other, "seed=9", "compare=finetuned"));
    Map<String, List<Integer>> first = TinyTask.bits(out.resolve("student/finetuned"));
    assertEquals(first, TinyTask.bits(again.resolve("student/finetuned")));
    Map<String, List<Integer>> second = TinyTask.bits(other.resolve("student/finetuned"));
    first.forEach((name, bits) -> assertNotEquals(bits, second.get(name), name));
  }
}
