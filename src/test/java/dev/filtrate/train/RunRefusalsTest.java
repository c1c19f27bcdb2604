package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.train.TinyTask.Watcher;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run refuses, in the words that the user meets. */
@Tag("ort")
class RunRefusalsTest {
  private static final String SHORT = "training.max_train_steps=2";
  private static final String FINETUNED = "compare=finetuned";

  @TempDir private Path folder;
  private TinyTask task;
  private Path out;

  @BeforeEach
  void write() {
    task = new TinyTask(folder);
    out = folder.resolve("out");
  }

  private String refused(String... settings) {
    Recipe recipe = task.recipe(out, settings);
    return String.valueOf(assertThrows(UserError.class, () -> TinyTask.run(recipe)).getMessage());
  }

  @Test
  void aFolderWithARunIsTakenOnlyToResume() {
    TinyTask.run(task.recipe(out, FINETUNED, SHORT));
    assertEquals(
        out + ": exists already; go on with --resume, or choose another --output_dir",
        refused(FINETUNED, SHORT));
    Recipe other = task.recipe(out, FINETUNED, SHORT, "training.learning_rate=1e-3");
    assertEquals(
        out
            + ": was made under another recipe (see "
            + out.resolve("recipe.yaml")
            + "); restore its settings to resume, or choose another --output_dir",
        assertThrows(UserError.class, () -> TinyTask.resume(other)).getMessage());
  }

  @Test
  void aFolderWithOtherThingsIsNotTaken() throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve("thesis.tex"), "years of work");
    String message =
        out
            + ": exists already and is not a run's folder (no recipe.yaml); choose another --output_dir";
    assertEquals(message, refused());
    Recipe recipe = task.recipe(out);
    assertEquals(
        message, assertThrows(UserError.class, () -> TinyTask.resume(recipe)).getMessage());
    assertEquals("years of work", Files.readString(out.resolve("thesis.tex")));
  }

  @Test
  void aFileIsNoFolder() throws IOException {
    Files.writeString(out, "");
    assertEquals(out + ": is a file; choose another --output_dir", refused());
  }

  @Test
  void anUnwritableFolderIsNamed() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    out = file.resolve("out");
    String message = refused();
    assertTrue(message.startsWith(out.toString()), message);
    assertTrue(message.contains(": cannot be written: "), message);
    assertTrue(message.endsWith("; choose another place or make room"), message);
  }

  @Test
  void aLabelOutsideTheRangeLeavesNothingBehind() {
    task.write("train.tsv", "sentence\tlabel\ngood film\t1\nbad film\t2\n");
    assertEquals(
        task.file("train.tsv") + ":3: column 'label': expected one of [0, 1], got \"2\"",
        refused("task.labels=[no, yes]"));
    assertFalse(Files.exists(out));
  }

  @Test
  void aDeviceThatCannotBeUsedLeavesNothingBehind() {
    String message = refused("device=cuda:99"); // no host has so many
    assertTrue(message.startsWith("device cuda:99: "), message);
    assertFalse(Files.exists(out));
  }

  @Test
  void emptyDataLeavesNothingBehind() {
    task.write("dev.tsv", "sentence\tlabel\n");
    assertEquals(
        task.file("dev.tsv") + ": holds no examples; expected a line for each below the header",
        refused());
    assertFalse(Files.exists(out));
  }

  @Test
  void aRunThatNeverBeganMayBeCorrectedInItsFolder() {
    assertEquals(
        "student: its vocab_size is 9, but the tokenizer's ids go up to 16; use the tokenizer that"
            + " belongs to the model, or a config with a larger vocab_size",
        refused(FINETUNED, SHORT, "student.config.vocab_size=9"));
    TinyTask.run(task.recipe(out, FINETUNED, SHORT));
  }

  @Test
  void aModelWithoutATensorIsNamed() {
    Path first = folder.resolve("first");
    TinyTask.run(task.recipe(first, FINETUNED, SHORT));
    Path model = first.resolve("student/finetuned");
    assertTrue(
        refused(
                FINETUNED,
                SHORT,
                "student.config.num_hidden_layers=2",
                "student.model_name_or_path=" + model)
            .startsWith(
                model
                    + ": the weights do not fit the model: missing are"
                    + " bert.encoder.layer.1.attention.self.query.weight"));
  }

  @Test
  void aLossThatRunsAwayIsNamedWithStageAndStep() {
    String message =
        refused(
            "compare=[finetuned]",
            "training.learning_rate=1e30",
            "training.num_warmup_steps=0",
            "training.max_grad_norm=1e30");
    assertTrue(
        message.matches(
            "stage 'student/finetuned' step \\d+: pred_loss is (NaN|Infinity|-Infinity); all terms:"
                + " \\{loss=\\S+, pred_loss=\\S+}; lower learning_rate or the term's weight"),
        message);
  }

  @Test
  void aWeightThatOnlyTheLastUpdateRuinedIsNamed() {
    String message =
        refused(
            "compare=[finetuned]",
            "training.max_train_steps=1",
            "training.learning_rate=1e39",
            "training.lr_scheduler_type=constant",
            "training.num_warmup_steps=0");
    assertTrue(
        message.matches(
            "stage 'student/finetuned' step 1: parameter \\S+ holds (NaN|-?Infinity); lower"
                + " learning_rate"),
        message);
  }

  @Test
  void damagedCheckpointsAreNamed() throws IOException {
    Watcher watcher = new Watcher("student/finetuned", 3);
    Recipe recipe = task.recipe(out, FINETUNED);
    Run run = new Run(recipe, watcher, watcher, false);
    assertThrows(Stopped.class, run::execute);
    Path stage = out.resolve("checkpoints/student/finetuned");
    Path state = stage.resolve("step-3/state.json");
    String good = Files.readString(state);
    Files.writeString(state, good.substring(0, 30));
    assertEquals(
        state
            + ": damaged, or of an earlier version: expected JSON; delete "
            + stage
            + " to start the stage anew",
        assertThrows(UserError.class, () -> TinyTask.resume(recipe)).getMessage());
    Files.writeString(state, "{}");
    assertEquals(
        state
            + ": damaged, or of an earlier version: expected a key 'stage'; delete "
            + stage
            + " to start the stage anew",
        assertThrows(UserError.class, () -> TinyTask.resume(recipe)).getMessage());
    Files.writeString(state, good.replace("\"seed 5;", "\"seed 6;"));
    assertEquals(
        stage
            + ": this checkpoint was made under other settings; start anew without --resume, or"
            + " restore the recipe",
        assertThrows(UserError.class, () -> TinyTask.resume(recipe)).getMessage());
    Files.writeString(state, good);
    Path model = stage.resolve("step-3/model.safetensors");
    byte[] whole = Files.readAllBytes(model);
    Files.write(model, Arrays.copyOf(whole, whole.length - 100));
    String message =
        String.valueOf(assertThrows(UserError.class, () -> TinyTask.resume(recipe)).getMessage());
    assertTrue(message.startsWith(model + ": "), message);
    Files.copy(
        stage.resolve("step-3/optimizer.safetensors"), model, StandardCopyOption.REPLACE_EXISTING);
    message =
        String.valueOf(assertThrows(UserError.class, () -> TinyTask.resume(recipe)).getMessage());
    assertTrue(
        message.matches(
            "\\Q"
                + stage
                + "\\E: the last checkpoint's model.safetensors is damaged: expected \\d+ tensors,"
                + " found \\d+, without \\S+; delete the folder to start the stage anew"),
        message);
    AtomicFiles.deleteRecursively(stage);
    TinyTask.resume(recipe);
  }
}
