package dev.filtrate.train;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.recipe.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Where things are in a run's folder: whoever writes or reads one of them asks here. The run has
 * what is said once, a {@link Seed} what every seed has.
 *
 * @param folder the run's
 */
public record RunLayout(Path folder) {
  private static final String SEED = "seed-";

  /** That of a recipe's run. */
  public static RunLayout of(Recipe recipe) {
    return new RunLayout(recipe.outputDir());
  }

  /** A recipe's seed; a run with one seed is its own. */
  public static Seed seed(Recipe recipe, long seed) {
    RunLayout run = of(recipe);
    return recipe.seeds().size() == 1 ? run.onlySeed() : run.seed(SEED + seed);
  }

  /** The one seed of a run that has no more. */
  public Seed onlySeed() {
    return new Seed(folder);
  }

  private Seed seed(String name) {
    return new Seed(folder.resolve(name));
  }

  /** The seeds of a run of several that have begun; empty in a run with one seed. */
  public SortedMap<Long, Seed> seeds() {
    SortedMap<Long, Seed> seeds = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      files
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> name.matches(SEED + "-?\\d{1,18}"))
          .forEach(name -> seeds.put(Long.parseLong(name.substring(SEED.length())), seed(name)));
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(folder, e);
    }
    return seeds;
  }

  /** Every effective value; what makes a folder that of a run. */
  public Path recipe() {
    return folder.resolve("recipe.yaml");
  }

  /** Whether this is a run's folder. */
  public boolean isThere() {
    return Files.isRegularFile(recipe());
  }

  /** Versions, processor, providers. */
  public Path environment() {
    return folder.resolve("environment.json");
  }

  /** The folder of the tokenizer's files. */
  public Path tokenizer() {
    return folder.resolve("tokenizer");
  }

  /** The validation examples, a line each. */
  public Path validation() {
    return folder.resolve("validation.jsonl");
  }

  /** What was measured; there when a run has ended. */
  public Path results() {
    return folder.resolve("results.json");
  }

  /** All of it to look at. */
  public Path report() {
    return folder.resolve("report.html");
  }

  /** The folder that TensorBoard's {@code --logdir} takes. */
  public Path tensorBoard() {
    return folder.resolve("tensorboard");
  }

  /** The folder of the best student as ONNX. */
  public Path export() {
    return folder.resolve("export");
  }

  /**
   * What one seed has. A stage is known by its name, such as {@code student/finetuned} or {@code
   * ted}.
   *
   * @param folder the seed's
   */
  public record Seed(Path folder) {
    /** The name of Stage 0 of the teacher or the student. */
    public static String finetuned(String who) {
      return who + "/finetuned";
    }

    /** The name of Stage I of the teacher or the student. */
    public static String filters(String who) {
      return who + "/filters";
    }

    /** A line per update and evaluation of all stages. */
    public Path metrics() {
      return folder.resolve("metrics.jsonl");
    }

    /** The same for spreadsheets. */
    public Path metricsCsv() {
      return folder.resolve("metrics.csv");
    }

    /** What a model of the table says to the validation examples, a line each. */
    public Path predictions(String model) {
      return folder.resolve("predictions").resolve(model + ".jsonl");
    }

    /** The folder of a stage's model. */
    public Path model(String stage) {
      return folder.resolve(stage);
    }

    /** The folder of a stage's checkpoints. */
    public Path checkpoints(String stage) {
      return folder.resolve("checkpoints").resolve(stage);
    }

    /** What a stage learnt until its best evaluation. */
    Path best(String stage) {
      return checkpoints(stage).resolve("best").resolve("model.safetensors");
    }

    /** What a stage measured at its end; there when it has ended. */
    public Path result(String stage) {
      return checkpoints(stage).resolve("result.json");
    }
  }
}
