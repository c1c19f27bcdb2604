package dev.filtrate.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.train.Stopped;
import dev.filtrate.train.TinyTask;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the package's page shows, done. */
class LibraryTest {
  @TempDir private Path folder;

  @Test
  @Tag("ort")
  void aRecipeIsRunAndItsStudentAnswers() {
    Recipe recipe =
        Recipe.read(new TinyTask(folder).file("recipe.yaml"))
            .with("compare", "[finetuned, ted]")
            .with("output_dir", folder.resolve("run").toString());
    assertEquals(folder.resolve("run"), recipe.outputDir());
    List<String> seen = new ArrayList<>();
    Run.Listener listener =
        new Run.Listener() {
          @Override
          public void update(String stage, int step, int steps, Map<String, Float> losses) {
            if (step == steps) {
              seen.add(stage + " " + losses.keySet());
            }
          }
        };
    Run run = Run.of(recipe).watchedBy(listener);
    assertThrows(Stopped.class, () -> run.stoppingWhen(() -> true).execute());
    Run.Outcome outcome = run.resuming().execute();
    assertTrue(seen.stream().anyMatch(s -> s.startsWith("ted [") && s.contains("loss")), "" + seen);
    assertEquals("accuracy", outcome.metric());
    assertEquals(
        List.of("teacher", "finetuned", "ted"),
        outcome.models().stream().map(Run.Model::name).toList());
    assertEquals(986, outcome.models().get(2).parameters());
    try (Student student = Student.load(outcome.export())) {
      assertEquals(List.of("0", "1"), student.labels());
      List<Prediction> both = student.classify(List.of("good film", "bad film"));
      assertEquals(both.get(0), student.classify("good film"));
      assertEquals(both.get(0).score(), both.get(0).probabilities().get(both.get(0).label()));
      double sum = both.get(1).probabilities().values().stream().mapToDouble(p -> p).sum();
      assertEquals(1, sum, 1e-6);
      assertEquals(2, student.classify("good film", "bad film").probabilities().size());
      assertThrows(UserError.class, () -> student.answer("who?", "he"));
    }
  }

  @Test
  void mistakesAreOneSentence() {
    Recipe recipe = Recipe.read(new TinyTask(folder).file("recipe.yaml"));
    assertEquals(
        "--set distill.kl_alfa: unknown key 'distill.kl_alfa'; did you mean 'kl_alpha'?",
        assertThrows(UserError.class, () -> recipe.with("distill.kl_alfa", "1")).getMessage());
  }
}
