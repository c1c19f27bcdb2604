package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.train.Run;
import dev.filtrate.train.Stopped;
import dev.filtrate.train.TinyTask;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StopSignalTest {
  @Test
  void workIsAskedToStopOnlyOnceSomebodyAsks() {
    Captured captured = new Captured(0);
    List<Boolean> answers = new ArrayList<>();
    String result =
        StopSignal.during(
            captured.console,
            stop -> {
              answers.add(stop.getAsBoolean());
              stop.ask();
              answers.add(stop.getAsBoolean());
              return "done";
            });
    assertEquals("done", result);
    assertEquals(List.of(false, true), answers);
    assertEquals("stopping: writing a checkpoint ...\n", captured.err());
  }

  @Test
  void workThatFailsIsNotCalledStopped() {
    Captured captured = new Captured(0);
    assertThrows(
        IllegalStateException.class,
        () ->
            StopSignal.during(
                captured.console,
                stop -> {
                  throw new IllegalStateException("broken");
                }));
    assertEquals("", captured.err());
  }

  @Test
  @Tag("ort")
  void aRunThatIsAskedStopsWithACheckpointAndGoesOn(@TempDir Path folder) {
    TinyTask task = new TinyTask(folder);
    Recipe recipe = task.recipe(folder.resolve("out"), "compare=finetuned");
    Captured captured = new Captured(0);
    assertThrows(
        Stopped.class,
        () ->
            StopSignal.during(
                captured.console,
                stop -> {
                  stop.ask();
                  return new Run(recipe, new ConsoleProgress(captured.console), stop, false)
                      .execute();
                }));
    assertTrue(
        captured
            .err()
            .endsWith(
                "filtrate: stopped in student/finetuned after update 1; go on with --resume\n"),
        captured.err());
    Outcome resumed =
        Captured.filtrate(
            "run",
            task.file("recipe.yaml").toString(),
            "--resume",
            "--set=output_dir=" + folder.resolve("out"),
            "--set=compare=finetuned");
    assertEquals(0, resumed.code(), resumed.err());
    assertTrue(
        resumed.err().contains("student/finetuned: goes on after update 1 of 27\n"), resumed.err());
    assertFalse(resumed.err().contains("stopped"), resumed.err());
  }
}
