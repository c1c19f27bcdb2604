package dev.filtrate.cli;

import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.report.Watch;
import dev.filtrate.train.Run;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/**
 * One stage alone, with the released flags: {@code finetune}, {@code learn-filters}, {@code
 * distill}. What it makes is a Hugging Face folder, from which the next stage starts.
 */
record StageCommand(Use use, String name, String summary, List<Example> examples)
    implements Command {
  /** Stage 0. */
  static StageCommand finetune() {
    return new StageCommand(
        Use.FINETUNE,
        "finetune",
        "fine-tune one model on a task (Stage 0)",
        List.of(
            new Example(
                "--model_name_or_path deberta-v3-xsmall --task_name sst2 --data_dir SST-2"
                    + " --learning_rate 4e-5 --output_dir student",
                "a checkpoint, on SST-2"),
            new Example(
                "--config_name config.json --tokenizer_name vocab.txt --train_file my.csv"
                    + " --validation_fraction 0.1 --output_dir scratch",
                "a model from scratch, on data of your own")));
  }

  /** Stage I. */
  static StageCommand learnFilters() {
    return new StageCommand(
        Use.LEARN_FILTERS,
        "learn-filters",
        "teach a fine-tuned model's filters the task (Stage I)",
        List.of(
            new Example(
                "--model_name_or_path student --task_name sst2 --data_dir SST-2"
                    + " --filter_output_dim 768 --output_dir student-filters",
                "filters of width 768 on every layer")));
  }

  /** Stage II and the baselines. */
  static StageCommand distil() {
    return new StageCommand(
        Use.DISTILL,
        "distill",
        "distil a teacher into a student: ted, lwd or kd (Stage II)",
        List.of(
            new Example(
                "--method ted --teacher_model_name_or_path teacher-filters --model_name_or_path"
                    + " student-filters --task_name sst2 --data_dir SST-2 --filter_output_dim 768"
                    + " --kl_alpha 20 --mse_alpha 20 --output_dir ted",
                "task-aware layer-wise distillation"),
            new Example(
                "--method kd --teacher_model_name_or_path teacher --model_name_or_path student"
                    + " --task_name sst2 --data_dir SST-2 --kl_alpha 20 --output_dir kd",
                "logits only")));
  }

  @Override
  public Options options() {
    return RecipeFlags.options(use)
        .addOption(Flags.flag(RunCommand.RESUME, "go on where a run in the same folder stopped"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    Flags.requireNoArguments(line);
    Recipe recipe = RecipeFlags.read(line, use);
    boolean resume = line.hasOption(RunCommand.RESUME);
    Map<String, Double> metrics =
        StopSignal.during(
            console,
            stop -> {
              try (Watch watch = new Watch(recipe, new ConsoleProgress(console))) {
                return new Run(recipe, watch.progress(), stop, resume).stage(use);
              }
            });
    console.endProgress();
    metrics.forEach((metric, value) -> console.printf("%s  %.4f", metric, value));
    console.print(recipe.outputDir().toString());
    return DONE;
  }
}
