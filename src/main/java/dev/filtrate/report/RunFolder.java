package dev.filtrate.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.export.Measurements;
import dev.filtrate.train.RunLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** The files of a run, as far as there are any. */
final class RunFolder {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final YAMLMapper YAML = new YAMLMapper();
  private static final long NO_SEED = 0;

  private final RunLayout layout;
  private final String recipeText;
  private final JsonNode recipe;

  private RunFolder(RunLayout layout, String recipeText, JsonNode recipe) {
    this.layout = layout;
    this.recipeText = recipeText;
    this.recipe = recipe;
  }

  /** Opens a run's folder; anything else is a {@link UserError}. */
  static RunFolder open(Path folder) {
    RunLayout layout = new RunLayout(folder);
    Path file = layout.recipe();
    Check.user(
        layout.isThere(),
        "%s: is not a run's folder (no recipe.yaml); give the --output_dir of a run",
        folder);
    try {
      String text = Files.readString(file);
      return new RunFolder(layout, text, YAML.readTree(text));
    } catch (JsonProcessingException e) {
      throw new UserError(file + ": not YAML: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  RunLayout layout() {
    return layout;
  }

  /** What a title says: the folder's own name. */
  String name() {
    return String.valueOf(layout.folder().toAbsolutePath().normalize().getFileName());
  }

  String recipeText() {
    return recipeText;
  }

  JsonNode recipe() {
    return recipe;
  }

  /** The seeds that have begun. */
  Map<Long, RunLayout.Seed> seeds() {
    Map<Long, RunLayout.Seed> seeds = layout.seeds();
    return seeds.isEmpty() ? Map.of(recipe.path("seed").asLong(NO_SEED), layout.onlySeed()) : seeds;
  }

  /** What was measured; missing until the run has ended. */
  JsonNode results() {
    return read(layout.results());
  }

  JsonNode environment() {
    return read(layout.environment());
  }

  /** What was measured of every precision of the export. */
  JsonNode precisions() {
    return read(layout.export().resolve(Measurements.FILE));
  }

  /** What a stage measured at its end. */
  static JsonNode stageResult(RunLayout.Seed seed, String stage) {
    return read(seed.result(stage));
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
