package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Schedule;
import dev.filtrate.recipe.SchedulerType;
import dev.filtrate.recipe.StageSettings;
import dev.filtrate.recipe.Use;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Single stages as recipes made of flags. */
class RecipeFlagsTest {
  @TempDir Path folder = Path.of("");

  @BeforeEach
  void writeWhatFlagsName() throws IOException {
    for (String model : List.of("teacher", "student")) {
      Files.createDirectories(folder.resolve(model));
      Files.writeString(
          folder.resolve(model).resolve("config.json"),
          "{\"model_type\": \"bert\", \"num_hidden_layers\": 2}");
    }
    for (String file : List.of("train.tsv", "dev.tsv")) {
      Files.writeString(folder.resolve(file), "sentence\tlabel\n");
    }
  }

  /** A command that takes the flags of a use. */
  private record Stage(Use use) implements Command {
    @Override
    public String name() {
      return "stage";
    }

    @Override
    public String summary() {
      return "";
    }

    @Override
    public String arguments() {
      return "";
    }

    @Override
    public Options options() {
      return RecipeFlags.options(use);
    }

    @Override
    public List<Example> examples() {
      return List.of();
    }

    @Override
    public int run(CommandLine line, Console console) {
      return DONE;
    }
  }

  private Recipe read(Use use, String flags) {
    List<String> arguments = new ArrayList<>();
    for (String word : flags.split(" ")) {
      arguments.add(word.replace("@", folder + "/"));
    }
    return RecipeFlags.read(Flags.parse(new Stage(use), arguments), use);
  }

  private static final String DATA = " --task_name sst2 --data_dir @";

  @Test
  void fineTuningIsARecipeMadeOfTheReleasedFlags() {
    Recipe recipe =
        read(
            Use.FINETUNE,
            "--model_name_or_path @student --max_length 256 --per-device-train-batch-size 32"
                + " --learning_rate 4e-5 --num_warmup_steps 100 --num_train_epochs 6"
                + " --lr_scheduler_type cosine --weight_decay 0.01 --cls_dropout 0.2 --seed 7"
                + " --gradient_accumulation_steps 2 --save_best --output_dir @out"
                + DATA);
    StageSettings stage = recipe.student().finetune();
    assertEquals(new Schedule(SchedulerType.COSINE, 4e-5, 100), stage.schedule());
    assertEquals(32, stage.trainBatchSize());
    assertEquals(6, stage.numTrainEpochs());
    assertEquals(2, stage.gradientAccumulationSteps());
    assertEquals(0.01, stage.optimizer().weightDecay());
    assertEquals(0.2, stage.dropouts().cls().getAsDouble());
    assertTrue(stage.evaluation().saveBest());
    assertEquals(256, recipe.tokenizer().maxLength());
    assertEquals(folder.resolve("student"), recipe.tokenizerPath().orElseThrow());
    assertEquals(folder.resolve("out"), recipe.outputDir());
    assertEquals(List.of(7L), recipe.seeds());
    assertEquals(folder.resolve("dev.tsv"), recipe.requireTask().validationFile());
    assertEquals("finetune", recipe.name());
  }

  @Test
  void filterLearningTakesTheFilters() {
    Recipe recipe =
        read(
            Use.LEARN_FILTERS,
            "--model_name_or_path @teacher --filter_interval 2 --filter_output_dim 768"
                + " --filter_nonlinear --max_train_steps 10"
                + DATA);
    assertEquals(10, recipe.student().learnFilters().updates(1));
    assertEquals(768, recipe.filters().student(1).outputDim());
    assertEquals(2, recipe.filters().filterInterval());
    assertTrue(recipe.filters().nonlinear());
  }

  @Test
  void distillationTakesTheMethodOrWhatTheReleasedFlagsMean() {
    String flags =
        "--model_name_or_path @student --teacher_model_name_or_path @teacher --kl_alpha 20" + DATA;
    assertEquals(List.of(Method.KD), read(Use.DISTILL, flags).compare());
    assertEquals(List.of(Method.KD), read(Use.DISTILL, flags + " --filter_disabled").compare());
    assertEquals(List.of(Method.TED), read(Use.DISTILL, flags + " --mse_alpha 20").compare());
    assertEquals(
        List.of(Method.LWD),
        read(Use.DISTILL, flags + " --mse_alpha 20 --filter_disabled").compare());
    Recipe lwd =
        read(Use.DISTILL, flags + " --mse_alpha 20 --method lwd --temperature 3 --learning_rate 1");
    assertEquals(List.of(Method.LWD), lwd.compare());
    assertEquals(3, lwd.settings(Method.LWD).objective().temperature());
    assertEquals(1, lwd.settings(Method.LWD).stage().schedule().learningRate());
  }

  @Test
  void whatAMethodNeedsIsSaidAtTheStart() {
    String flags = "--model_name_or_path @student --teacher_model_name_or_path @teacher" + DATA;
    assertMessage(
        "the command line: distill.mse_alpha: ted needs mse_alpha above 0, got 0",
        Use.DISTILL,
        flags + " --method ted");
    assertMessage(
        "--kl_alpha: distill.kl_alpha: expected a number of at least 0, got \"-1\"",
        Use.DISTILL,
        flags + " --method lwd --mse_alpha 1 --kl_alpha -1");
    assertMessage(
        "the command line: student.model_name_or_path: missing: give a Hugging Face folder",
        Use.EVALUATE,
        DATA.strip());
  }

  private void assertMessage(String expected, Use use, String flags) {
    UserError e = assertThrows(UserError.class, () -> read(use, flags));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains(expected), message);
  }

  @Test
  void flagsWinOverSettingsOverTheRecipe() throws IOException {
    Path file = folder.resolve("base.yaml");
    Files.writeString(
        file,
        """
        task: {train_file: train.tsv, validation_file: dev.tsv}
        student:
          model_name_or_path: student
          finetune: {learning_rate: 1, num_train_epochs: 1, weight_decay: 1}
        """);
    Recipe recipe =
        read(
            Use.FINETUNE,
            "--learning_rate 3 --set student.finetune.learning_rate=2"
                + " --set student.finetune.weight_decay=2 --recipe @base.yaml");
    StageSettings stage = recipe.student().finetune();
    assertEquals(3, stage.schedule().learningRate());
    assertEquals(2, stage.optimizer().weightDecay());
    assertEquals(1, stage.numTrainEpochs());
    assertEquals(8, stage.trainBatchSize());
    assertEquals(folder.resolve("student"), recipe.student().folder());
  }

  @ParameterizedTest
  @EnumSource(Use.class)
  void everyFlagStandsForAKeyThatThereIs(Use use) {
    RecipeFlags.options(use)
        .getOptions()
        .forEach(
            option -> {
              if (!List.of("set", "recipe").contains(option.getLongOpt())) {
                String value = option.hasArg() ? "=?" : "";
                String flag = "--" + option.getLongOpt() + value;
                CommandLine line = Flags.parse(new Stage(use), List.of(flag));
                String message = "";
                try {
                  Path sst2 = Path.of("data/recipes/sst2.yaml");
                  RecipeFlags.read(sst2, line, use);
                } catch (UserError e) {
                  message = String.valueOf(e.getMessage());
                }
                assertTrue(!message.contains("unknown key"), flag + ": " + message);
              }
            });
  }
}
