package dev.filtrate.cli;

import com.google.errorprone.annotations.MustBeClosed;
import dev.filtrate.export.Student;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.train.Run;
import java.nio.file.Path;

/** The model of a recipe that was read for a use of a finished model. */
final class FinishedModel {
  private FinishedModel() {}

  /** The student that answers, from an export or a Hugging Face folder. */
  @MustBeClosed
  static Student load(Recipe recipe) {
    return Student.load(
        folder(recipe), tokenizer(recipe), recipe.tokenizer().maxLength(), Run.engine(recipe));
  }

  /** Its folder, which the recipe's checks have made sure of. */
  static Path folder(Recipe recipe) {
    Path folder = recipe.student().folder();
    if (folder == null) {
      throw new IllegalStateException("recipe '" + recipe.name() + "' has no finished model");
    }
    return folder;
  }

  static Path tokenizer(Recipe recipe) {
    return recipe.tokenizerPath().orElse(folder(recipe));
  }
}
