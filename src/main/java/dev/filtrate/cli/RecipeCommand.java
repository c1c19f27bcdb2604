package dev.filtrate.cli;

import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate recipe}: checks a recipe and shows every value that it comes to. */
final class RecipeCommand implements Command {
  @Override
  public String name() {
    return "recipe";
  }

  @Override
  public String summary() {
    return "check a recipe and print it with every effective value";
  }

  @Override
  public String arguments() {
    return "RECIPE";
  }

  @Override
  public Options options() {
    return RecipeFlags.options(Use.PLAN);
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example("sst2", "a recipe that comes along, by its name"),
        new Example(
            "my.yaml --set distill.kl_alpha=10 --set compare=[kd,ted]",
            "a recipe of your own, with two keys changed"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    String name = RecipeFlags.argument(line);
    Recipe recipe = RecipeFlags.read(Home.recipe(name), line, Use.PLAN);
    console.print(recipe.resolved().stripTrailing());
    return DONE;
  }
}
