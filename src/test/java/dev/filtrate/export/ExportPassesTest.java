package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Head;
import dev.filtrate.onnx.WeightedGraph;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ExportPassesTest {
  private static final Shape TOKENS =
      Shape.of(Dim.named("batch_size"), Dim.named("sequence_length"));

  static Stream<String> configs() {
    return Stream.of(
        TinyModels.BERT,
        TinyModels.ROBERTA,
        TinyModels.ELECTRA,
        TinyModels.DISTILBERT,
        TinyModels.DEBERTA,
        TinyModels.DEBERTA_CONV);
  }

  private static Graph exported(String config, Head head) {
    return StudentExport.graph(TinyModels.random(config, head, 1));
  }

  private static Tensor the(String name, WeightedGraph draft) {
    return Objects.requireNonNull(draft.values().get(name), name);
  }

  @ParameterizedTest
  @MethodSource("configs")
  void inputsAndOutputsHaveTheNamesAndSizesThatConsumersLookFor(String config) {
    Graph graph = exported(config, Head.SEQUENCE_CLASSIFICATION);
    int types = TinyModels.config(config).common().typeVocabSize();
    List<String> names = List.of("input_ids", "attention_mask", "token_type_ids");
    assertEquals(
        names.subList(0, types > 1 ? 3 : 2).stream()
            .map(name -> new Value(name, DType.INT64, TOKENS))
            .toList(),
        graph.inputs());
    Dim labels = Dim.of(TinyModels.config(config).numLabels());
    assertEquals(
        List.of(new Value("logits", DType.FLOAT, Shape.of(Dim.named("batch_size"), labels))),
        graph.outputs());
    assertEquals(
        List.of(
            new Value("start_logits", DType.FLOAT, TOKENS),
            new Value("end_logits", DType.FLOAT, TOKENS)),
        exported(config, Head.QUESTION_ANSWERING).outputs());
  }

  @ParameterizedTest
  @MethodSource("configs")
  void nothingOfTrainingIsLeft(String config) {
    Graph graph = exported(config, Head.SEQUENCE_CLASSIFICATION);
    Set<String> domains = new HashSet<>();
    graph.nodes().forEach(n -> domains.add(n.op().domain()));
    assertEquals(Set.of(""), domains);
    assertEquals(0, graph.operatorCounts().getOrDefault("Dropout", 0));
    Set<Value> read = new HashSet<>();
    graph.nodes().forEach(n -> read.addAll(n.inputs()));
    assertTrue(read.containsAll(graph.parameters()), "unused weights");
    for (Node n : graph.nodes()) {
      assertEquals(1, n.outputs().size(), n.toString());
    }
  }

  @ParameterizedTest
  @MethodSource("configs")
  void everyDenseLayerMultipliesWithAConstant(String config) {
    Graph graph = exported(config, Head.SEQUENCE_CLASSIFICATION);
    Set<Value> parameters = Set.copyOf(graph.parameters());
    List<Node> dense =
        graph.nodes().stream()
            .filter(n -> n.op() == OpType.MATMUL && parameters.contains(n.in(1)))
            .toList();
    assertTrue(dense.size() >= 2 * 6 + 2, () -> "dense layers: " + dense);
    assertTrue(
        dense.stream()
            .filter(n -> !n.in(1).name().contains("conv"))
            .allMatch(n -> n.in(1).name().endsWith(".weight.T")));
    assertTrue(
        graph.nodes().stream()
            .filter(n -> n.op() == OpType.TRANSPOSE)
            .noneMatch(n -> parameters.contains(n.in(0))));
  }

  @Test
  void weightsAreTransposedOnceAndOtherwiseLeftAlone() {
    WeightedGraph before = ExportPasses.draft(TinyModels.random(TinyModels.BERT, 3));
    WeightedGraph after = Pass.run(ExportPasses.ALL, before);
    String dense = "bert.encoder.layer.1.intermediate.dense.weight"; // [32, 16]
    Tensor stored = the(dense, before);
    Tensor moved = the(dense + ".T", after);
    assertArrayEquals(new long[] {16, 32}, moved.dims());
    for (int out = 0; out < 32; out++) {
      for (int in = 0; in < 16; in++) {
        assertEquals(stored.get(out * 16 + in), moved.get(in * 32 + out));
      }
    }
    String words = "bert.embeddings.word_embeddings.weight";
    assertEquals(the(words, before), the(words, after));
    assertEquals(before.graph().parameterCount(), after.graph().parameterCount());
  }

  @Test
  void aWeightThatIsReadInBothDirectionsIsThereTwice() {
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops();
    Value x = g.input("x", DType.FLOAT, Shape.of(Dim.named("rows"), Dim.of(2)));
    Value w = op.parameter("w", Shape.of(3, 2));
    Value there = op.matMul(x, op.t(w)); // [rows, 3]
    Value again = op.matMul(x, op.t(w));
    Value cut = op.squeeze(op.slice(op.unsqueeze(w, 0), 1, Dim.of(1), Dim.of(2)), 0, 1); // [2]
    Value y = op.add(op.matMul(op.add(there, again), w), cut);
    WeightedGraph before =
        new WeightedGraph(
            g.build("test", Map.of("y", y)),
            Map.of("w", Tensor.ofFloats(new long[] {3, 2}, 1, 2, 3, 4, 5, 6)));
    WeightedGraph after = FoldedWeights.apply(before);
    assertTrue(FoldedWeights.isFolded(after), () -> after.graph().toString());
    assertEquals(Tensor.ofFloats(new long[] {2, 3}, 1, 3, 5, 2, 4, 6), the("w.T", after));
    assertEquals(Tensor.ofFloats(new long[] {2}, 3, 4), the("Squeeze", after));
    assertEquals(Set.of("w", "w.T", "Squeeze"), after.values().keySet());
    assertEquals(Map.of("Add", 2, "MatMul", 3), after.graph().operatorCounts());
  }

  @Test
  void aPassThatBreaksItsPromiseIsNamed() {
    Pass pass = new Pass("lose-all", d -> d, "there is nothing left", d -> false);
    WeightedGraph draft = ExportPasses.draft(TinyModels.random(TinyModels.BERT, 1));
    String message = assertThrows(IllegalStateException.class, () -> pass.run(draft)).getMessage();
    assertEquals("export pass 'lose-all' broke its promise: there is nothing left", message);
  }

  @Test
  void aModelWithFiltersExportsLikeOneWithout() {
    var plain = TinyModels.random(TinyModels.DEBERTA, 1);
    WeightedGraph slim = Pass.run(ExportPasses.ALL, ExportPasses.draft(plain));
    WeightedGraph same =
        Pass.run(ExportPasses.ALL, ExportPasses.draft(TinyModels.withFilters(plain, 2)));
    assertEquals(slim, same);
  }
}
