package dev.filtrate.train;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.graph.Graph;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.recipe.Recipe;
import java.nio.file.Path;
import java.util.Map;

/**
 * Graphs as files, two each: {@code name.txt}, the listing of the graph as it was built, and {@code
 * name.onnx}, as a runtime takes it. Parameters are inputs; no weights are inside.
 */
public final class GraphFiles {
  private GraphFiles() {}

  /** Writes graphs for a recipe's target and device. */
  public static void write(Path folder, Map<String, Graph> graphs, Recipe recipe) {
    DeviceKind device = recipe.device().isCuda() ? DeviceKind.CUDA : DeviceKind.CPU;
    graphs.forEach(
        (name, graph) -> {
          AtomicFiles.writeText(folder.resolve(name + ".txt"), graph.toString());
          byte[] onnx = OnnxCodec.encode(Lowering.toOnnx(graph, recipe.target(), device));
          AtomicFiles.writeStream(folder.resolve(name + ".onnx"), out -> out.write(onnx));
        });
  }
}
