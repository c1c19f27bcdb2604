package dev.filtrate.onnx;

import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import java.util.Map;

/**
 * What an ONNX file holds.
 *
 * @param graph the graph, in ONNX's form (operands are inputs)
 * @param values the data of parameters that the file carries, by name; views of the mapped file
 * @param metadata the file's metadata properties, without those of the codec itself
 */
public record OnnxModel(Graph graph, Map<String, Tensor> values, Map<String, String> metadata) {
  /** Copies the maps. */
  public OnnxModel {
    values = Map.copyOf(values);
    metadata = Map.copyOf(metadata);
  }
}
