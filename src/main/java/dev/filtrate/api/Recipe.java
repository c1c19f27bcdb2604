package dev.filtrate.api;

import dev.filtrate.recipe.Setting;
import dev.filtrate.recipe.Use;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a run does: the task, the models, how every stage trains. It is a YAML file, of which keys
 * may be changed here; it is checked whenever one is made. Immutable.
 */
public final class Recipe {
  private final Path file;
  private final List<Setting> settings;
  private final dev.filtrate.recipe.Recipe checked;

  private Recipe(Path file, List<Setting> settings) {
    this.file = file;
    this.settings = List.copyOf(settings);
    this.checked = dev.filtrate.recipe.Recipe.read(file, settings, Use.RUN);
  }

  /**
   * Reads a recipe; all that is wrong with it is told in one {@link dev.filtrate.base.UserError},
   * with file and line.
   */
  public static Recipe read(Path file) {
    return new Recipe(file, List.of());
  }

  /**
   * The same recipe with another value of a key, as the command line's {@code --set KEY=VALUE}.
   *
   * @param key with dots, such as {@code distill.kl_alpha}
   * @param value YAML: {@code 10}, {@code [kd, ted]}, {@code runs/second}; relative paths are then
   *     relative to the working directory
   */
  public Recipe with(String key, String value) {
    List<Setting> more = new ArrayList<>(settings);
    more.add(Setting.assignment(key + "=" + value));
    return new Recipe(file, more);
  }

  /** The run's folder, which {@code output_dir} sets. */
  public Path outputDir() {
    return checked.outputDir();
  }

  /** The recipe as YAML, with every effective value. */
  public String resolved() {
    return checked.resolved();
  }

  dev.filtrate.recipe.Recipe checked() {
    return checked;
  }
}
