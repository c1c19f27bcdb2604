package dev.filtrate.cli;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.export.Agreement;
import dev.filtrate.export.RunExport;
import dev.filtrate.export.StudentExport;
import dev.filtrate.export.ValidationSet;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Setting;
import dev.filtrate.recipe.Use;
import dev.filtrate.train.Results;
import dev.filtrate.train.Run;
import dev.filtrate.train.RunLayout;
import dev.filtrate.weights.ModelFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate export}: a trained model as an ONNX folder, proven to do the same. */
final class ExportCommand implements Command {
  private static final String OUTPUT = "output_dir";
  private static final String MODEL = "model_name_or_path";
  private static final String TRAINING_ARTIFACTS = "training_artifacts";

  @Override
  public String name() {
    return "export";
  }

  @Override
  public String summary() {
    return "write a trained model as a slim ONNX folder, each precision measured";
  }

  @Override
  public String arguments() {
    return "[RUN|MODEL]";
  }

  @Override
  public Options options() {
    return RecipeFlags.options(Use.EXPORT)
        .addOption(
            Flags.flag(
                TRAINING_ARTIFACTS,
                "also write training/: what ONNX Runtime's training API needs to train the student"
                    + " on in C, C++, C#, Swift or on a phone"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example(
            "runs/default --precision fp32,fp16,int8",
            "a run's best student, into runs/default/export"),
        new Example(
            "ted --task_name sst2 --data_dir SST-2 --output_dir export --precision int8",
            "a model, proven and measured on SST-2's dev.tsv"),
        new Example("ted --output_dir export", "proven on made up token ids"),
        new Example(
            "ted --training-artifacts --output_dir export",
            "with training, eval and optimizer model and checkpoint, proven by three updates"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    List<String> arguments = line.getArgList();
    if (arguments.size() > 1) {
      throw UserError.of("expected one run or model, got '%s'", String.join(" ", arguments));
    }
    boolean training = line.hasOption(TRAINING_ARTIFACTS);
    if (arguments.isEmpty()) {
      return print(export(RecipeFlags.read(line, Use.EXPORT), training), console);
    }
    Check.user(
        !line.hasOption(MODEL),
        "--%s: cannot go with '%s'; leave one out",
        MODEL,
        arguments.get(0));
    Path folder = Path.of(arguments.get(0));
    if (isRun(folder)) {
      return run(folder, line, console);
    }
    Setting model = Setting.flag("RUN|MODEL", "student." + MODEL, arguments.get(0));
    return print(export(RecipeFlags.read(line, Use.EXPORT, List.of(model)), training), console);
  }

  /** Whether a folder holds a run of several models; that of a single stage is a model itself. */
  private static boolean isRun(Path folder) {
    return new RunLayout(folder).isThere() && !Files.isRegularFile(folder.resolve("config.json"));
  }

  /** Exports a run's best student; the run's recipe says what flags do not. */
  private static int run(Path folder, CommandLine line, Console console) {
    List<Setting> settings = new ArrayList<>(RecipeFlags.settings(line, Use.EXPORT));
    settings.add(Setting.flag("RUN", OUTPUT, folder.toString()));
    Recipe recipe = Recipe.read(new RunLayout(folder).recipe(), settings, Use.RUN);
    String out = line.getOptionValue(OUTPUT);
    RunExport export =
        RunExport.write(
            recipe,
            Results.read(folder),
            out == null ? RunLayout.of(recipe).export() : Path.of(out),
            line.hasOption(TRAINING_ARTIFACTS));
    String seed = recipe.seeds().size() == 1 ? "" : " of seed " + export.seed();
    console.print("exported: the student of " + export.method() + seed);
    return print(export.report(), console);
  }

  private static StudentExport.Report export(Recipe recipe, boolean training) {
    Path model = FinishedModel.folder(recipe);
    try (Tokenizer tokenizer =
        Tokenizer.read(FinishedModel.tokenizer(recipe), recipe.tokenizer().maxLength())) {
      boolean none = recipe.task() == null && recipe.squad() == null;
      Optional<ValidationSet> task =
          none
              ? Optional.empty()
              : Optional.of(ValidationSet.read(recipe, ModelFolder.readConfig(model), tokenizer));
      StudentExport export = new StudentExport(Run.engine(recipe)).with(recipe.export());
      if (training) {
        export = export.withTraining(recipe.student().finetune());
      }
      return export.writeFrom(model, recipe.outputDir(), tokenizer, task);
    }
  }

  /** Tells what was written and measured; returns the exit code. */
  static int print(StudentExport.Report report, Console console) {
    Agreement agreement = report.agreement();
    console.printf(
        "%,d parameters, %.1f MiB; logits differ by at most %.1g over %,d %s (allowed %.1g)",
        report.parameters(),
        report.bytes() / (double) (1 << 20),
        agreement.largestDifference(),
        agreement.examples(),
        agreement.metrics().isEmpty() ? "made up texts" : "validation examples",
        agreement.bound());
    agreement.metrics().forEach((metric, value) -> console.printf("%s  %.4f", metric, value));
    console.print("");
    console.table(report.precisions().head(), report.precisions().cells());
    report.precisions().refusals().forEach(why -> console.print("not kept: " + why));
    console.print("");
    report
        .training()
        .ifPresent(
            difference ->
                console.printf(
                    "training artifacts: losses of ONNX Runtime's training API differ from those of"
                        + " training here by at most %.1g",
                    difference));
    console.print(report.folder().toString());
    return report.precisions().allKept() ? DONE : CHECK_FAILED;
  }
}
