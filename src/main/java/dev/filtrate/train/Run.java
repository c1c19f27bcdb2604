package dev.filtrate.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.runtime.OnnxRuntime;
import dev.filtrate.runtime.RuntimeOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A recipe carried out: the run's folder, and every seed's stages in it ({@link SeedRun}). A run of
 * several seeds has a folder {@code seed-N} for each.
 */
public final class Run {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Recipe recipe;
  private final RunLayout layout;
  private final Progress progress;
  private final BooleanSupplier stop;
  private final boolean resume;

  /**
   * A run that has not begun.
   *
   * @param progress who watches
   * @param stop asked after every update: whether to write a checkpoint and stop
   * @param resume whether to go on where an earlier run in the same folder stopped
   */
  public Run(Recipe recipe, Progress progress, BooleanSupplier stop, boolean resume) {
    this.recipe = recipe;
    this.layout = RunLayout.of(recipe);
    this.progress = progress;
    this.stop = stop;
    this.resume = resume;
  }

  /** Where a recipe's sessions run. */
  public static Engine engine(Recipe recipe) {
    return Engine.of(
        recipe.target(),
        RuntimeOptions.defaults()
            .withDevice(recipe.device())
            .withThreads(recipe.threads())
            .withArena(recipe.arena())
            .withMemoryPattern(recipe.memoryPattern())
            .withTf32(recipe.tf32())
            .withCudaGraphs(recipe.cudaGraphs()),
        recipe.mixedPrecision());
  }

  /**
   * One stage alone: the recipe's student, fine-tuned, with filters learnt, or distilled. Its model
   * is written into the run's folder itself.
   *
   * @return the metrics on the validation examples; empty after filter learning
   */
  public Map<String, Double> stage(Use use) {
    Check.user(
        recipe.seeds().size() == 1, "seed: a single stage has one seed, got %s", recipe.seeds());
    RunData data = begin();
    Map<String, Double> metrics = seedRun(recipe.seeds().get(0), data, true).only(use).metrics();
    ObjectNode json = JSON.createObjectNode();
    metrics.forEach(json::put);
    writeJson(layout.results(), json);
    return metrics;
  }

  /** Reads the task, then begins the folder: input that is wrong leaves nothing behind. */
  private RunData begin() {
    if (recipe.device().isCuda()) {
      OnnxRuntime.requireCuda(recipe.device()); // before anything is written
    }
    requireOurs(recipe, resume);
    RunData data = RunData.read(recipe, recipe.seeds().get(0), layout.tokenizer());
    AtomicFiles.writeText(layout.recipe(), recipe.resolved());
    writeJson(layout.environment(), Environment.here().toJson());
    Predictions.writeExamples(layout.validation(), data);
    progress.note(
        "task %s: %,d training and %,d validation examples"
            .formatted(data.task(), data.train().size(), data.validation().size()));
    data.notes().forEach(progress::note);
    return data;
  }

  /** Does everything; whatever is wrong with the input is a {@link UserError}. */
  public Results execute() {
    RunData data = begin();
    List<Results.Row> rows = new ArrayList<>();
    List<Long> seeds = recipe.seeds();
    for (long seed : seeds) {
      if (seeds.size() > 1) {
        progress.note("seed %d (%d of %d)".formatted(seed, seeds.indexOf(seed) + 1, seeds.size()));
      }
      rows.addAll(seedRun(seed, data, false).execute());
    }
    Results results = new Results(data.task(), data.metric(), Results.merge(rows));
    writeJson(layout.results(), results.toJson());
    return results;
  }

  private SeedRun seedRun(long seed, RunData data, boolean single) {
    Trainer.Surroundings around =
        new Trainer.Surroundings(
            RunLayout.seed(recipe, seed), recipe.checkpoint(), progress, stop, resume);
    return new SeedRun(recipe, seed, data, engine(recipe), around, single);
  }

  /**
   * Checks that the folder is ours to write to: a fresh one, one where an earlier run ended before
   * its first stage, or with --resume one of the same recipe.
   */
  static void requireOurs(Recipe recipe, boolean resume) {
    RunLayout layout = RunLayout.of(recipe);
    Path folder = layout.folder();
    Path file = layout.recipe();
    Check.user(
        !Files.exists(folder) || Files.isDirectory(folder),
        "%s: is a file; choose another --output_dir",
        folder);
    Set<Path> there = files(folder);
    Check.user(
        there.isEmpty() || there.contains(file),
        "%s: exists already and is not a run's folder (no %s); choose another --output_dir",
        folder,
        file.getFileName());
    boolean begun = !beginning(layout).containsAll(there);
    Check.user(
        resume || !begun,
        "%s: exists already; go on with --resume, or choose another --output_dir",
        folder);
    Check.user(
        !begun || read(file).equals(recipe.resolved()),
        "%s: was made under another recipe (see %s); restore its settings to resume, or choose"
            + " another --output_dir",
        folder,
        file);
  }

  /** What a run writes before its first stage. */
  private static Set<Path> beginning(RunLayout layout) {
    return Set.of(layout.recipe(), layout.environment(), layout.tokenizer(), layout.validation());
  }

  /** What is in a folder, hidden files aside. */
  private static Set<Path> files(Path folder) {
    if (!Files.exists(folder)) {
      return Set.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> !file.getFileName().toString().startsWith("."))
          .collect(Collectors.toSet());
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(folder, e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  static void writeJson(Path file, ObjectNode json) {
    try {
      AtomicFiles.writeText(
          file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(file + ": " + json, e);
    }
  }
}
