package dev.filtrate.cli;

import dev.filtrate.base.UserError;
import dev.filtrate.graph.Graph;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.train.GraphFiles;
import dev.filtrate.train.Outline;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate graph}: every graph of a run, as ONNX and as a listing. */
final class GraphCommand implements Command {
  @Override
  public String name() {
    return "graph";
  }

  @Override
  public String summary() {
    return "write every graph of a run, as .onnx and as a listing to read";
  }

  @Override
  public String arguments() {
    return "RECIPE";
  }

  @Override
  public Options options() {
    return RecipeFlags.options(Use.PLAN)
        .addOption(Flags.valued("out", "FOLDER", "where to (default graphs)"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example("default --out graphs", "the graphs of the recipe that comes along"),
        new Example("sst2 --target portable --out graphs", "in standard operators only"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    Recipe recipe = RecipeFlags.read(Home.recipe(RecipeFlags.argument(line)), line, Use.PLAN);
    String out = line.getOptionValue("out", "graphs");
    if (out.isBlank()) {
      throw UserError.of("--out: expected a folder, got nothing");
    }
    Map<String, Graph> graphs = new Outline(recipe).graphs();
    GraphFiles.write(Path.of(out), graphs, recipe);
    List<List<String>> rows = new ArrayList<>();
    graphs.forEach(
        (name, graph) ->
            rows.add(
                List.of(
                    name,
                    "%,d".formatted(graph.nodes().size()),
                    "%,d".formatted(graph.parameters().size()),
                    "%d".formatted(graph.outputs().size()))));
    console.table(List.of("graph", "nodes", "parameters", "outputs"), rows);
    console.print(out);
    return DONE;
  }
}
