package dev.filtrate.train;

import dev.filtrate.data.batch.Batch;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** A batch as the inputs of a graph. */
public final class Feeds {
  private Feeds() {}

  /** Those of a batch's columns that a session asks for, by name. */
  public static Map<String, Tensor> of(Batch batch, Collection<String> wanted) {
    long[] grid = {batch.size(), batch.length()};
    long[] column = {batch.size()};
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (String input : wanted) {
      switch (input) {
        case "input_ids" -> feeds.put(input, Tensor.wrap(DType.INT64, grid, batch.inputIds()));
        case "attention_mask" ->
            feeds.put(input, Tensor.wrap(DType.INT64, grid, batch.attentionMask()));
        case "token_type_ids" ->
            feeds.put(input, Tensor.wrap(DType.INT64, grid, batch.tokenTypeIds()));
        case "labels" ->
            feeds.put(
                input,
                Tensor.wrap(
                    batch.floatLabels() ? DType.FLOAT : DType.INT64,
                    batch.labelDims(),
                    batch.labels()));
        case "start_positions" ->
            feeds.put(input, Tensor.wrap(DType.INT64, column, batch.startPositions()));
        case "end_positions" ->
            feeds.put(input, Tensor.wrap(DType.INT64, column, batch.endPositions()));
        default -> {
          // a parameter, or what another session delivers
        }
      }
    }
    return feeds;
  }
}
