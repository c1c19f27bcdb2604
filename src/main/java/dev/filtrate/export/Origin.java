package dev.filtrate.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.recipe.Method;
import dev.filtrate.train.RunLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the run that made a model left around it, as facts for {@link Provenance}. */
final class Origin {
  private static final YAMLMapper YAML = new YAMLMapper();

  /** A model in the cache of a hub: {@code models--owner--name/snapshots/commit}. */
  private static final Pattern CACHED =
      Pattern.compile("models--([\\w.-]+?)--([\\w.-]+)[/\\\\]snapshots");

  private Origin() {}

  /**
   * The hash of the recipe, which is in the model's folder or up to three above it; that of the
   * teacher, beside the model or where the recipe says; and the hub's name of the model that it was
   * made from, if it is from a hub.
   */
  static Map<String, String> around(Path modelFolder) {
    Map<String, String> found = new TreeMap<>();
    Path folder = modelFolder.toAbsolutePath().normalize();
    Optional<Path> file = recipe(folder);
    file.ifPresent(path -> found.put("recipe_sha256", Hashes.ofFile(path)));
    Optional<JsonNode> recipe = file.map(Origin::read);
    String teacher = recipe.map(r -> model(r, "teacher")).orElse("");
    if (!folder.endsWith(Method.FINETUNED.id())) {
      Path beside = folder.resolveSibling(RunLayout.Seed.finetuned("teacher"));
      Path weights =
          (isModel(beside) ? beside : folder.resolve(teacher)).resolve("model.safetensors");
      if (isModel(beside) || (!teacher.isEmpty() && Files.isRegularFile(weights))) {
        found.put("teacher_sha256", Hashes.ofFile(weights));
      }
    }
    String student = recipe.map(r -> model(r, "student")).orElse("");
    boolean ofLayers = recipe.map(r -> !r.at("/student/teacher_layers").isEmpty()).orElse(false);
    Matcher cached = CACHED.matcher(ofLayers ? teacher : student);
    if (cached.find()) {
      found.put("base_model", cached.group(1) + "/" + cached.group(2));
    }
    return found;
  }

  private static boolean isModel(Path folder) {
    return Files.isRegularFile(folder.resolve("model.safetensors"));
  }

  private static Optional<Path> recipe(Path folder) {
    Path place = folder;
    for (int i = 0; i < 4 && place != null; i++) {
      RunLayout run = new RunLayout(place);
      if (run.isThere() && Files.exists(run.environment())) {
        return Optional.of(run.recipe());
      }
      place = place.getParent();
    }
    return Optional.empty();
  }

  private static JsonNode read(Path recipe) {
    try {
      return YAML.readTree(recipe.toFile());
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(recipe, e);
    }
  }

  /** The folder that a recipe's model is from; empty where it begins from nothing. */
  private static String model(JsonNode recipe, String role) {
    return recipe.path(role).path("model_name_or_path").asText("").replaceFirst("^null$", "");
  }
}
