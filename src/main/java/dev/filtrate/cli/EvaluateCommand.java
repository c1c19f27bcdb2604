package dev.filtrate.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.UserError;
import dev.filtrate.export.SquadSet;
import dev.filtrate.export.Student;
import dev.filtrate.export.ValidationSet;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate evaluate}: a task's metrics of one model. */
final class EvaluateCommand implements Command {
  private static final String JSON = "json";
  private static final String ANSWERS = "answers_dir";

  @Override
  public String name() {
    return "evaluate";
  }

  @Override
  public String summary() {
    return "measure a model, or an exported student, on a task's validation examples";
  }

  @Override
  public Options options() {
    return RecipeFlags.options(Use.EVALUATE)
        .addOption(Flags.flag(JSON, "print JSON"))
        .addOption(
            Flags.valued(
                ANSWERS,
                "FOLDER",
                "of SQuAD: write the answers as the official scripts read them"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example(
            "--model_name_or_path ted --task_name sst2 --data_dir SST-2",
            "a trained model, on SST-2's dev.tsv"),
        new Example(
            "--model_name_or_path export --validation_file my.csv --label_key stars --json",
            "an export, on a file of your own"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    Flags.requireNoArguments(line);
    Recipe recipe = RecipeFlags.read(line, Use.EVALUATE);
    String answers = line.getOptionValue(ANSWERS);
    try (Student student = FinishedModel.load(recipe)) {
      ValidationSet task = ValidationSet.read(recipe, student.config(), student.tokenizer());
      console.note("task %s: %,d examples".formatted(task.task(), task.size()));
      task.notes().forEach(console::note);
      int batch = recipe.student().finetune().evalBatchSize();
      Map<String, Double> metrics =
          answers == null
              ? student.evaluate(task, batch)
              : student.writeAnswers(squad(task), batch, Path.of(answers));
      if (line.hasOption(JSON)) {
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.put("task", task.task());
        json.put("examples", task.size());
        metrics.forEach(json.putObject("metrics")::put);
        console.print(json.toString());
      } else {
        metrics.forEach((metric, value) -> console.printf("%s  %.4f", metric, value));
      }
    }
    return DONE;
  }

  private static SquadSet squad(ValidationSet task) {
    if (task instanceof SquadSet squad) {
      return squad;
    }
    throw UserError.of("--%s: goes with the tasks squad and squad_v2", ANSWERS);
  }
}
