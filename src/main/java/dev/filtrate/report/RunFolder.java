package dev.filtrate.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The files of a run, as far as there are any. */
final class RunFolder {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final YAMLMapper YAML = new YAMLMapper();
  private static final String SEED = "seed-";
  private static final long NO_SEED = 0;

  private final Path folder;
  private final String recipeText;
  private final JsonNode recipe;

  private RunFolder(Path folder, String recipeText, JsonNode recipe) {
    this.folder = folder;
    this.recipeText = recipeText;
    this.recipe = recipe;
  }

  /** Opens a run's folder; anything else is a {@link UserError}. */
  static RunFolder open(Path folder) {
    Path file = folder.resolve("recipe.yaml");
    Check.user(
        Files.isRegularFile(file),
        "%s: is not a run's folder (no recipe.yaml); give the --output_dir of a run",
        folder);
    try {
      String text = Files.readString(file);
      return new RunFolder(folder, text, YAML.readTree(text));
    } catch (JsonProcessingException e) {
      throw new UserError(file + ": not YAML: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  Path path() {
    return folder;
  }

  /** What a title says: the folder's own name. */
  String name() {
    return String.valueOf(folder.toAbsolutePath().normalize().getFileName());
  }

  String recipeText() {
    return recipeText;
  }

  JsonNode recipe() {
    return recipe;
  }

  /** The folders of the seeds that have begun; a run with one seed is its own. */
  Map<Long, Path> seeds() {
    Map<Long, Path> seeds = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      files
          .filter(file -> String.valueOf(file.getFileName()).matches(SEED + "-?\\d{1,18}"))
          .forEach(file -> seeds.put(seed(String.valueOf(file.getFileName())), file));
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(folder, e);
    }
    return seeds.isEmpty() ? Map.of(recipe.path("seed").asLong(NO_SEED), folder) : seeds;
  }

  private static long seed(String name) {
    return Long.parseLong(name.substring(SEED.length()));
  }

  /** The files with a line per update, a seed each. */
  Map<Long, Path> metrics() {
    Map<Long, Path> files = new TreeMap<>();
    seeds().forEach((seed, of) -> files.put(seed, of.resolve("metrics.jsonl")));
    return files;
  }

  /** {@code results.json}; missing until the run has ended. */
  JsonNode results() {
    return json("results.json");
  }

  JsonNode environment() {
    return json("environment.json");
  }

  /** What was measured of every precision of the export. */
  JsonNode precisions() {
    return json("export/precisions.json");
  }

  /** What a stage measured at its end. */
  static JsonNode stageResult(Path seedFolder, String stage) {
    return read(seedFolder.resolve("checkpoints").resolve(stage).resolve("result.json"));
  }

  private JsonNode json(String name) {
    return read(folder.resolve(name));
  }

  private static JsonNode read(Path file) {
    if (!Files.isRegularFile(file)) {
      return MissingNode.getInstance();
    }
    try {
      return JSON.readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw new UserError(file + ": not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }
}
