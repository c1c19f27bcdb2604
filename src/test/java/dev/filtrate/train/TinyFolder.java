package dev.filtrate.train;

import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Setting;
import dev.filtrate.recipe.Use;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A folder with a task's files and {@code recipe.yaml}. */
class TinyFolder {
  private final Path folder;

  TinyFolder(Path folder) {
    this.folder = folder;
  }

  /** The file of a name; may not be there. */
  public final Path file(String name) {
    return folder.resolve(name);
  }

  /** Writes a text file. */
  public final Path write(String name, String text) {
    try {
      return Files.writeString(file(name), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The recipe with its run's folder and some keys replaced. */
  public final Recipe recipe(Use use, Path out, String... assignments) {
    List<Setting> settings = new ArrayList<>();
    settings.add(Setting.assignment("output_dir=" + out));
    for (String assignment : assignments) {
      settings.add(Setting.assignment(assignment));
    }
    return Recipe.read(file("recipe.yaml"), settings, use);
  }
}
