package dev.filtrate.train;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.graph.Graph;
import dev.filtrate.recipe.Recipe;
import java.nio.file.Path;
import java.util.Map;

/**
 * Graphs as files, two each: {@code name.txt}, the listing of the graph as it was built, and {@code
 * name.onnx}, as a runtime takes it. Parameters are inputs; no weights are inside.
 */
public final class GraphFiles {
  private GraphFiles() {}

  /** Writes graphs for a recipe's target and device, without this project's own kernels. */
  public static void write(Path folder, Map<String, Graph> graphs, Recipe recipe) {
    Engine engine = Run.engine(recipe).asExported();
    graphs.forEach(
        (name, graph) -> {
          AtomicFiles.writeText(folder.resolve(name + ".txt"), graph.toString());
          byte[] onnx = engine.onnx(graph);
          AtomicFiles.writeStream(folder.resolve(name + ".onnx"), out -> out.write(onnx));
        });
  }
}
