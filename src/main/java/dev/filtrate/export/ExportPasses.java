package dev.filtrate.export;

import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.Operands;
import dev.filtrate.onnx.QuantizedWeights;
import dev.filtrate.onnx.Target;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.recipe.ExportSettings;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.train.Weights;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** From a trained model to the graph that is written. */
final class ExportPasses {
  /** The dims of an export's inputs and outputs, by those of a training graph. */
  static final Map<String, String> DIMS =
      Map.of("batch", "batch_size", "sequence", "sequence_length");

  private static final Set<String> INPUTS = Set.of("input_ids", "attention_mask", "token_type_ids");

  private static final Set<String> OUTPUTS = Set.of("logits", "start_logits", "end_logits");

  /** The passes in their order. */
  static final List<Pass> ALL =
      List.of(
          new Pass(
              "keep-logits",
              ExportPasses::keepLogits,
              "inputs and outputs are those of a model that is used, every parameter has its"
                  + " weights, and neither filters nor dropout are left",
              ExportPasses::isSlim),
          new Pass(
              "name-dims",
              d -> d.with(RenamedDims.apply(d.graph(), DIMS)),
              "sizes are known, or made of batch_size and sequence_length",
              ExportPasses::isNamed),
          new Pass(
              "standard-operators",
              d -> d.with(Lowering.lower(d.graph(), Target.PORTABLE, DeviceKind.CPU)),
              "every operator is of ONNX's own set and delivers nothing that is not read",
              ExportPasses::isStandard),
          new Pass(
              "fold-weights",
              FoldedWeights::apply,
              "no weight is moved about when the graph runs",
              FoldedWeights::isFolded),
          new Pass(
              "onnx-form",
              d -> d.with(Operands.asInputs(d.graph())),
              "shapes, axes and bounds are inputs of their nodes",
              ExportPasses::isOnnx));

  /** From what is written in float32 to float16. */
  static final Pass HALF =
      new Pass(
          "half-precision",
          HalfFloats::apply,
          "inputs and outputs are what they were, and products have float16 weights",
          HalfFloats::isHalf);

  private ExportPasses() {}

  /** From what is written in float32 to int8. */
  static Pass quantized(ExportSettings settings) {
    return new Pass(
        "quantized-weights",
        d -> QuantizedWeights.apply(d, settings.perChannel(), settings.reduceRange()),
        "no product and no table lookup reads a float32 weight",
        QuantizedWeights::isQuantized);
  }

  /** The inference graph of a model as it was trained, with all its weights. */
  static WeightedGraph draft(Weights weights) {
    Graph graph = StageGraphs.inference("student", weights.model().withoutFilters());
    return new WeightedGraph(graph, weights.parameters());
  }

  private static WeightedGraph keepLogits(WeightedGraph draft) {
    Map<String, Tensor> kept = new LinkedHashMap<>();
    for (Value p : draft.graph().parameters()) {
      Tensor value = draft.values().get(p.name());
      if (value != null) {
        kept.put(p.name(), value);
      }
    }
    return new WeightedGraph(draft.graph(), kept);
  }

  private static boolean isSlim(WeightedGraph draft) {
    Graph g = draft.graph();
    return draft.isWhole()
        && g.inputs().stream().allMatch(v -> INPUTS.contains(v.name()))
        && g.outputs().stream().allMatch(v -> OUTPUTS.contains(v.name()))
        && g.parameters().stream().noneMatch(p -> Filters.owns(p.name()))
        && g.nodes().stream().noneMatch(n -> n.op() == OpType.DROPOUT);
  }

  private static boolean isNamed(WeightedGraph draft) {
    Graph g = draft.graph();
    return Stream.concat(g.inputs().stream(), g.nodes().stream().flatMap(n -> n.outputs().stream()))
        .flatMap(v -> v.shape().dims().stream())
        .map(Dim::names)
        .allMatch(DIMS.values()::containsAll);
  }

  private static boolean isStandard(WeightedGraph draft) {
    return draft.graph().nodes().stream()
        .allMatch(
            n ->
                (n.op().domain().isEmpty() || n.op() == OpType.DIM)
                    && (n.op() != OpType.LAYER_NORMALIZATION || n.outputs().size() == 1));
  }

  private static boolean isOnnx(WeightedGraph draft) {
    return draft.isWhole()
        && draft.graph().nodes().stream().allMatch(ExportPasses::hasOperandsAsInputs);
  }

  private static boolean hasOperandsAsInputs(Node n) {
    return n.op().domain().isEmpty()
        && n.op().operands().stream().noneMatch(o -> n.attributes().containsKey(o.attribute()));
  }
}
