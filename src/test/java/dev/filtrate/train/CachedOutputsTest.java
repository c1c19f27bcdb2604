package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.UserError;
import dev.filtrate.recipe.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run whose teacher is read from a cache learns what one whose teacher is computed learns. */
@Tag("ort")
class CachedOutputsTest {
  /** A small rate, so that rounding does not grow. */
  private static final List<String> SETTINGS =
      List.of("training.learning_rate=1e-3", "training.num_train_epochs=3");

  private static final String[] MASKED = {"distill.mse_mask_padding=true"};

  @TempDir private Path folder;
  private TinyTask task;

  @BeforeEach
  void write() {
    task = new TinyTask(folder);
  }

  private void useDeberta() {
    task.write("recipe.yaml", TinyTask.yaml(TinyTask.DEBERTA_TEACHER, TinyTask.DEBERTA_STUDENT));
  }

  private Path run(String name, String... more) {
    List<String> settings = new ArrayList<>(SETTINGS);
    settings.addAll(List.of(more));
    Path out = folder.resolve(name);
    TinyTask.run(task.recipe(out, settings.toArray(String[]::new)));
    return out;
  }

  private Path cached(String name, String... more) {
    List<String> settings = new ArrayList<>(List.of(more));
    settings.add("distill.teacher_cache=" + folder.resolve("cache"));
    return run(name, settings.toArray(String[]::new));
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cache"))) {
      return files.sorted().toList();
    }
  }

  /** Every loss term of every update. */
  private static double[] losses(Path run) throws IOException {
    List<Double> losses = new ArrayList<>();
    for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
      JsonNode json = new ObjectMapper().readTree(line);
      for (String term : List.of("loss", "pred_loss", "kl_loss", "mse_loss")) {
        if (json.has(term)) {
          losses.add(json.get(term).asDouble());
        }
      }
    }
    assertTrue(losses.size() > 100, losses.toString());
    return losses.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theSameLossesInEveryUpdateOfEveryMethod(boolean deberta) throws IOException {
    String[] settings = deberta ? new String[0] : MASKED;
    if (deberta) {
      useDeberta(); // padding counts, and comes from the constant padded row
    }
    double[] computed = losses(run("computed", settings));
    assertArrayEquals(computed, losses(cached("cached", settings)), 2e-5);
    assertEquals(3, files().size()); // what kd, lwd and ted ask of the teacher
    assertArrayEquals(computed, losses(cached("again", settings)), 2e-5);
    assertEquals(3, files().size());
  }

  @Test
  void halfPrecisionIsNear() throws IOException {
    double[] computed = losses(run("computed", MASKED));
    double[] near =
        losses(
            cached("half", "distill.mse_mask_padding=true", "distill.teacher_cache_dtype=float16"));
    assertArrayEquals(computed, near, 5e-3);
  }

  @Test
  void aTeacherInBytesIsNearAndHasACacheOfItsOwn() throws IOException {
    String[] bytes = {MASKED[0], "distill.teacher_dtype=int8"};
    double[] computed = losses(cached("computed", MASKED));
    double[] near = losses(cached("bytes", bytes));
    assertArrayEquals(computed, near, 0.1);
    assertNotEquals(computed[computed.length - 1], near[near.length - 1]);
    assertEquals(6, files().size());
    assertArrayEquals(near, losses(cached("again", bytes)), 0);
  }

  @Test
  void filtersMayBeOneNumberWide() throws IOException {
    String[] narrow = {MASKED[0], "filters.filter_output_dim=1", "compare=ted"};
    assertArrayEquals(losses(run("computed", narrow)), losses(cached("cached", narrow)), 2e-5);
  }

  @Test
  void anotherTeacherTokenizerOrTaskHasACacheOfItsOwn() throws IOException {
    cached("first", MASKED);
    List<Path> files = files();
    cached("seed", "distill.mse_mask_padding=true", "seed=6");
    assertEquals(6, files().size());
    Files.writeString(task.file("train.tsv"), "the fine plot\t1\n", StandardOpenOption.APPEND);
    cached("data", MASKED);
    assertEquals(9, files().size());
    assertTrue(files().containsAll(files));
  }

  @Test
  void aRunThatResumesEndsBitForBitAsOneThatWasNotStopped() {
    Path whole = cached("whole", MASKED);
    TinyTask.Watcher watcher = new TinyTask.Watcher("ted", 14);
    Path out = folder.resolve("stopped");
    List<String> settings = new ArrayList<>(SETTINGS);
    settings.addAll(List.of(MASKED));
    settings.add("distill.teacher_cache=" + folder.resolve("cache2"));
    Recipe recipe = task.recipe(out, settings.toArray(String[]::new));
    Assertions.assertThrows(
        Stopped.class, () -> new Run(recipe, watcher, watcher, false).execute());
    TinyTask.resume(recipe);
    assertEquals(TinyTask.bits(whole.resolve("ted")), TinyTask.bits(out.resolve("ted")));
    assertNotEquals(TinyTask.bits(whole.resolve("kd")), TinyTask.bits(out.resolve("ted")));
  }

  @Test
  void aLossThatCountsPaddingIsRefusedWhereItIsNotConstant() {
    UserError e = Assertions.assertThrows(UserError.class, () -> cached("refused"));
    assertTrue(
        String.valueOf(e.getMessage())
            .contains(
                "distill.teacher_cache: lwd's layer-wise error counts padding, which a cache does"
                    + " not hold; set mse_mask_padding: true"),
        e.getMessage());
  }
}
