package dev.filtrate.cli;

import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.export.Agreement;
import dev.filtrate.export.StudentExport;
import dev.filtrate.export.ValidationSet;
import dev.filtrate.train.Recipe;
import dev.filtrate.train.Run;
import dev.filtrate.train.Use;
import dev.filtrate.weights.ModelFolder;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate export}: a trained model as an ONNX folder, proven to do the same. */
final class ExportCommand implements Command {
  @Override
  public String name() {
    return "export";
  }

  @Override
  public String summary() {
    return "write a trained model as a slim ONNX folder, and prove that it gives the same logits";
  }

  @Override
  public String arguments() {
    return "";
  }

  @Override
  public Options options() {
    return RecipeFlags.options(Use.EXPORT);
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example(
            "--model_name_or_path ted --task_name sst2 --data_dir SST-2 --output_dir export",
            "proven on SST-2's dev.tsv: same logits, same metrics"),
        new Example("--model_name_or_path ted --output_dir export", "proven on made up token ids"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    Flags.requireNoArguments(line);
    Recipe recipe = RecipeFlags.read(line, Use.EXPORT);
    Path model = FinishedModel.folder(recipe);
    try (Tokenizer tokenizer =
        Tokenizer.read(FinishedModel.tokenizer(recipe), recipe.tokenizer().maxLength())) {
      boolean none = recipe.task() == null && recipe.squad() == null;
      Optional<ValidationSet> task =
          none
              ? Optional.empty()
              : Optional.of(ValidationSet.read(recipe, ModelFolder.readConfig(model), tokenizer));
      print(
          new StudentExport(Run.engine(recipe))
              .writeFrom(model, recipe.outputDir(), tokenizer, task),
          console);
    }
    return DONE;
  }

  /** What was written, and what the proof found. */
  static void print(StudentExport.Report report, Console console) {
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
    console.print(report.folder().toString());
  }
}
