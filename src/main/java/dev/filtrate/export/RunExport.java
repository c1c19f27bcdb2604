package dev.filtrate.export;

import dev.filtrate.base.UserError;
import dev.filtrate.data.Metrics;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.train.Results;
import dev.filtrate.train.Run;
import dev.filtrate.train.RunLayout;
import dev.filtrate.weights.ModelFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * The export at the end of a run: its best student, as the task's metric has it.
 *
 * @param method how it was trained
 * @param seed which one of the method's students it is, the best
 * @param report what came of it
 */
public record RunExport(String method, long seed, StudentExport.Report report) {
  /**
   * Exports the best student of a run into the run's folder and proves it on the task.
   *
   * @param recipe as it was carried out
   * @param results what its methods measured
   */
  public static RunExport write(Recipe recipe, Results results) {
    return write(recipe, results, RunLayout.of(recipe).export(), false);
  }

  /** The same into another folder, with training artifacts or without. */
  public static RunExport write(Recipe recipe, Results results, Path out, boolean training) {
    Results.Row best =
        results.best().orElseThrow(() -> new UserError(recipe.name() + ": trained no student"));
    long seed = bestSeed(best, results.metric());
    Path model = folder(recipe, best.name(), seed);
    try (Tokenizer tokenizer =
        Tokenizer.read(RunLayout.of(recipe).tokenizer(), recipe.tokenizer().maxLength())) {
      ValidationSet task = ValidationSet.read(recipe, ModelFolder.readConfig(model), tokenizer);
      StudentExport export =
          new StudentExport(Run.engine(recipe)).with(recipe.export()).with(results);
      if (training) {
        export = export.withTraining(recipe.student().finetune());
      }
      StudentExport.Report report = export.writeFrom(model, out, tokenizer, Optional.of(task));
      return new RunExport(best.name(), seed, report);
    }
  }

  private static long bestSeed(Results.Row row, String metric) {
    double sign = Metrics.higherIsBetter(metric) ? 1 : -1;
    long best = 0;
    double highest = Double.NEGATIVE_INFINITY;
    for (Map.Entry<Long, Map<String, Double>> seed : row.metrics().entrySet()) {
      double value = sign * seed.getValue().getOrDefault(metric, Double.NaN);
      if (highest == Double.NEGATIVE_INFINITY || value > highest) {
        best = seed.getKey();
        highest = value;
      }
    }
    return best;
  }

  /** Where a method's student is; a student that was fine-tuned before is where it was. */
  private static Path folder(Recipe recipe, String method, long seed) {
    RunLayout.Seed files = RunLayout.seed(recipe, seed);
    if (!method.equals(Method.FINETUNED.id())) {
      return files.model(method);
    }
    Path finetuned = files.model(RunLayout.Seed.finetuned("student"));
    Path given = recipe.student().folder();
    return given != null && !Files.isDirectory(finetuned) ? given : finetuned;
  }
}
