package example;

import dev.filtrate.api.Prediction;
import dev.filtrate.api.Recipe;
import dev.filtrate.api.Run;
import dev.filtrate.api.Student;
import dev.filtrate.base.UserError;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Trains a student by a recipe, prints what was measured, and asks the student something. */
public final class Example {
  private Example() {}

  /** {@code Example RECIPE OUTPUT_DIR [KEY=VALUE ...]}. */
  public static void main(String[] arguments) {
    if (arguments.length < 2) {
      System.err.println("usage: Example RECIPE OUTPUT_DIR [KEY=VALUE ...]");
      System.exit(2);
    }
    try {
      Recipe recipe = Recipe.read(Path.of(arguments[0])).with("output_dir", arguments[1]);
      for (String setting : List.of(arguments).subList(2, arguments.length)) {
        String[] parts = setting.split("=", 2);
        recipe = recipe.with(parts[0], parts.length < 2 ? "" : parts[1]);
      }
      Run.Outcome outcome = Run.of(recipe).watchedBy(new Printer()).execute();
      for (Run.Model model : outcome.models()) {
        System.out.printf(
            "%-10s  %s %.3f  %,d parameters%n",
            model.name(),
            outcome.metric(),
            model.metrics().get(outcome.metric()),
            model.parameters());
      }
      ask(outcome.export(), "The soup was cold, but I loved the music.");
    } catch (UserError e) {
      System.err.println(e.getMessage());
      System.exit(2);
    }
  }

  private static void ask(Path export, String text) {
    try (Student student = Student.load(export)) {
      Prediction answer = student.classify(text);
      System.out.printf("%s: %s %.2f%n", text, answer.label(), answer.score());
    }
  }

  /** Prints every evaluation. */
  private static final class Printer implements Run.Listener {
    @Override
    public void evaluation(String stage, int step, Map<String, Double> metrics) {
      System.out.println(stage + " after " + step + " updates: " + metrics);
    }
  }
}
