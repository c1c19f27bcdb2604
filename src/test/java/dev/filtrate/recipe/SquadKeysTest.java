package dev.filtrate.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.data.squad.SquadTask;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The keys of a recipe whose task is SQuAD. */
class SquadKeysTest {
  private static final Path FOLDER = Path.of("").toAbsolutePath().resolve("recipes");

  private static Recipe read(String task, Use use) {
    String text =
        """
        task: %s
        tokenizer: {path: vocab.txt}
        teacher: {config: {model_type: bert}}
        student: {config: {model_type: bert}}
        distill: {kl_alpha: 1, mse_alpha: 1}
        """
            .formatted(task);
    return Recipe.parse(text, "squad.yaml", FOLDER, List.of(), use);
  }

  private static SquadTask squad(String task) {
    SquadTask read = read(task, Use.PLAN).squad();
    if (read == null) {
      throw new AssertionError(task);
    }
    return read;
  }

  @Test
  void aFolderHoldsTheOfficialFiles() {
    SquadTask version1 = squad("{task_name: squad, data_dir: data}");
    assertEquals(FOLDER.resolve("data/train-v1.1.json"), version1.trainFile());
    assertEquals(FOLDER.resolve("data/dev-v1.1.json"), version1.validationFile());
    assertEquals(SquadSettings.released(false), version1.settings());
    SquadTask version2 = squad("{task_name: SQUAD_V2, data_dir: data, validation_file: my.json}");
    assertEquals("squad_v2", version2.name());
    assertEquals(FOLDER.resolve("data/train-v2.0.json"), version2.trainFile());
    assertEquals(FOLDER.resolve("my.json"), version2.validationFile());
    assertTrue(version2.settings().version2WithNegative());
  }

  @Test
  void everyValueCanBeSetAndWindowsAreLongerThanOtherTexts() {
    String task =
        """
        {task_name: squad, train_file: a.json, validation_file: b.json, doc_stride: 64,\
         n_best_size: 5, max_answer_length: 10, null_score_diff_threshold: -1.5,\
         version_2_with_negative: true, tune_null_score: true, max_train_samples: 7,\
         max_eval_samples: 8}
        """;
    SquadTask read = squad(task.strip());
    assertEquals(new SquadSettings(true, 64, 5, 10, -1.5, true), read.settings());
    assertEquals(7, read.maxTrainSamples());
    assertEquals(8, read.maxEvalSamples());
    Recipe recipe = read(task.strip(), Use.PLAN);
    assertEquals(384, recipe.tokenizer().maxLength());
    assertEquals(
        128, read("{train_file: a.tsv, validation_file: b.tsv}", Use.PLAN).tokenizer().maxLength());
    assertEquals(
        recipe, Recipe.parse(recipe.resolved(), "again.yaml", FOLDER, List.of(), Use.PLAN));
  }

  @Test
  void whatIsMissingOrWrongIsSaid() {
    error(
        "squad.yaml:1: task.validation_file: missing: give SQuAD's JSON, or a data_dir with its"
            + " files",
        "{task_name: squad, train_file: a.json}");
    error(
        "squad.yaml:1: task.doc_stride: expected a whole number of at least 0, got \"wide\"",
        "{task_name: squad, data_dir: data, doc_stride: wide}");
    error(
        "squad.yaml:1: task.null_score_diff_threshold: is about questions without an answer; set"
            + " task_name: squad_v2, or leave it out",
        "{task_name: squad, data_dir: data, null_score_diff_threshold: 1}");
    error(
        "squad.yaml:1: task.task_name: expected squad or squad_v2 for SQuAD, got \"squadv2\"",
        "{task_name: squadv2, train_file: a.json, validation_file: b.json}");
    error(
        "squad.yaml:1: task.n_best_size: goes with a task_name of squad or squad_v2",
        "{train_file: a.tsv, validation_file: b.tsv, n_best_size: 3}");
    UserError unknown =
        assertThrows(
            UserError.class,
            () -> read("{task_name: squad, data_dir: data, label_key: x}", Use.PLAN));
    assertTrue(
        String.valueOf(unknown.getMessage())
            .startsWith("squad.yaml:1: unknown key 'task.label_key'"),
        unknown.getMessage());
  }

  private static void error(String message, String task) {
    assertEquals(message, assertThrows(UserError.class, () -> read(task, Use.PLAN)).getMessage());
  }
}
