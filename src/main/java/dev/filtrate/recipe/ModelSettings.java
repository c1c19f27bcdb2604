package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.model.ModelConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model and the stages that it goes through before distillation.
 *
 * @param folder a Hugging Face folder with config and weights ({@code model_name_or_path}, which
 *     may also name a model that was fetched from a hub), or null for a model from scratch
 * @param config keys of a Hugging Face config, or null: without a folder the whole config, with one
 *     they replace keys of its {@code config.json}
 * @param teacherLayers the layers of the teacher, from 0, that a student without a folder starts
 *     from; empty = random weights
 * @param ignoreMismatchedSizes whether a head or filters of another shape in the folder are made
 *     afresh instead of refused
 * @param finetune Stage 0
 * @param learnFilters Stage I
 */
public record ModelSettings(
    @Nullable Path folder,
    @Nullable ObjectNode config,
    List<Integer> teacherLayers,
    boolean ignoreMismatchedSizes,
    StageSettings finetune,
    StageSettings learnFilters) {
  private static final String CONFIG = "config.json";

  /** Copies what could change. */
  public ModelSettings {
    config = config == null ? null : config.deepCopy();
    teacherLayers = List.copyOf(teacherLayers);
  }

  /** Whether the recipe says anything about where the model comes from. */
  public boolean isGiven() {
    return folder != null || config != null || !teacherLayers.isEmpty();
  }

  /**
   * The model's config, where it can be known from its folder and its keys; labels are the task's
   * to set. What a config does not allow is a {@link dev.filtrate.base.UserError}.
   *
   * @param where names the keys of {@code config} in errors
   */
  public Optional<ModelConfig> modelConfig(String where) {
    ObjectNode keys = config;
    if (folder == null || !Files.isRegularFile(folder.resolve(CONFIG))) {
      return keys == null ? Optional.empty() : Optional.of(ModelConfig.parse(keys, where));
    }
    ModelConfig stored = ModelConfig.read(folder.resolve(CONFIG));
    if (keys == null) {
      return Optional.of(stored);
    }
    ObjectNode merged = stored.json();
    merged.setAll(keys);
    return Optional.of(ModelConfig.parse(merged, folder.resolve(CONFIG) + " with " + where));
  }

  static ModelSettings read(Config c, boolean student, StageSettings training) {
    List<Integer> layers =
        student ? c.find("teacher_layers", Kind.listOf(Kind.wholeFrom(0))) : List.of();
    return new ModelSettings(
        c.find("model_name_or_path", Kind.MODEL_PATH),
        c.find("config", Kind.MODEL_CONFIG),
        layers == null ? List.of() : layers,
        c.get("ignore_mismatched_sizes", Kind.FLAG, false),
        StageSettings.read(c.in("finetune"), training),
        StageSettings.read(c.in("learn_filters"), training.unevaluated()));
  }

  ObjectNode write(boolean student, StageSettings training) {
    Keys keys = new Keys().put("model_name_or_path", folder).put("config", config);
    if (student) {
      keys.put("teacher_layers", teacherLayers.isEmpty() ? null : teacherLayers);
    }
    return keys.put("ignore_mismatched_sizes", ignoreMismatchedSizes)
        .put("finetune", Keys.difference(finetune.write(), training.write()))
        .put("learn_filters", Keys.difference(learnFilters.write(), training.write()))
        .object();
  }
}
