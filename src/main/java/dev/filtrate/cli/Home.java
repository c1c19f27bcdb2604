package dev.filtrate.cli;

import dev.filtrate.base.Spelling;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The folder that the program came in: the launcher tells it, and recipes are found below it. */
final class Home {
  /** Set by the launcher. */
  static final String PROPERTY = "filtrate.home";

  private Home() {}

  /** The folder; where no launcher was used, the working directory. */
  static Path folder() {
    return Path.of(System.getProperty(PROPERTY, "")).toAbsolutePath().normalize();
  }

  /** A file below {@code data/recipes}. */
  private static Path recipes() {
    return folder().resolve("data").resolve("recipes");
  }

  /**
   * A recipe by path or, where there is no such file, by the name of one that came along ({@code
   * sst2} or {@code released/sst2}); anything else is a {@link UserError} that lists those.
   */
  static Path recipe(String nameOrPath) {
    Path path = Path.of(nameOrPath);
    if (Files.isRegularFile(path)) {
      return path;
    }
    Path known = recipes().resolve(nameOrPath + ".yaml").normalize();
    if (known.startsWith(recipes()) && Files.isRegularFile(known)) {
      return known;
    }
    List<String> names = names();
    String near = Spelling.suggestion(nameOrPath.replaceFirst("\\.ya?ml$", ""), names);
    throw UserError.of(
        "%s: no such recipe%s",
        nameOrPath, near.isEmpty() ? "; give a file, or one of " + String.join(", ", names) : near);
  }

  /** The names of the recipes that came along. */
  static List<String> names() {
    try (Stream<Path> files = Files.walk(recipes())) {
      return files
          .map(file -> recipes().relativize(file).toString().replace('\\', '/'))
          .filter(name -> name.endsWith(".yaml"))
          .map(name -> name.substring(0, name.length() - ".yaml".length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
