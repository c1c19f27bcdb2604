package dev.filtrate.cli;

import dev.filtrate.export.RunExport;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.report.Report;
import dev.filtrate.report.Watch;
import dev.filtrate.train.Results;
import dev.filtrate.train.Run;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/**
 * {@code filtrate run}: every stage of a recipe, the table of its methods, the exported student.
 */
final class RunCommand implements Command {
  /** Goes on where an earlier run stopped. */
  static final String RESUME = "resume";

  private static final String DEFAULT = "default";

  @Override
  public String name() {
    return "run";
  }

  @Override
  public String summary() {
    return "carry out a recipe: fine-tune, learn filters, distil, compare, export";
  }

  @Override
  public String arguments() {
    return "[RECIPE]";
  }

  @Override
  public Options options() {
    return RecipeFlags.options(Use.RUN)
        .addOption(Flags.flag(RESUME, "go on where a run in the same folder stopped"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example("", "the recipe 'default', on the small task that comes along"),
        new Example("sst2 --set task.data_dir=SST-2", "SST-2 from scratch, your copy of the data"),
        new Example("my.yaml --resume", "go on after Ctrl-C"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    String name = RecipeFlags.argument(line, DEFAULT);
    Recipe recipe = RecipeFlags.read(Home.recipe(name), line, Use.RUN);
    long began = System.nanoTime();
    boolean resume = line.hasOption(RESUME);
    ConsoleProgress progress = new ConsoleProgress(console);
    Results results =
        StopSignal.during(
            console,
            stop -> {
              try (Watch watch = new Watch(recipe, progress)) {
                return new Run(recipe, watch.progress(), stop, resume).execute();
              }
            });
    console.endProgress();
    progress.summary();
    table(results, console);
    console.print("");
    RunExport export = RunExport.write(recipe, results);
    String seed = recipe.seeds().size() == 1 ? "" : " of seed " + export.seed();
    console.print("exported: the student of " + export.method() + seed);
    int exit = ExportCommand.print(export.report(), console);
    console.print("");
    Path page = Report.write(recipe.outputDir());
    console.print("report: " + page);
    console.print(
        "%s in %s"
            .formatted(
                recipe.outputDir(), ConsoleProgress.time((System.nanoTime() - began) / 1e9)));
    return exit;
  }

  /** What was measured, whoever wins. */
  static void table(Results results, Console console) {
    List<String> head = List.of("model", results.metric(), "parameters", "ms / example");
    List<List<String>> rows = new ArrayList<>();
    for (Results.Row row : results.rows()) {
      String value = "%.4f".formatted(row.mean(results.metric()));
      if (row.metrics().size() > 1) {
        value += " ± %.4f".formatted(row.deviation(results.metric()));
      }
      rows.add(
          List.of(
              row.name(),
              value,
              "%,d".formatted(row.parameters()),
              "%.2f".formatted(row.latencyMs())));
    }
    console.table(head, rows);
  }
}
