package dev.filtrate.train;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.recipe.FrozenDtype;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.runtime.ComputeSession;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("ort")
class FrozenDtypeTest {
  private static final String INT8 = "distill.teacher_dtype=int8";

  @TempDir private Path folder;
  private TinyTask task;

  @BeforeEach
  void write() {
    task = new TinyTask(folder);
  }

  @ParameterizedTest
  @MethodSource("teachers")
  void bytesAnswerNearlyWhatFloatsAnswer(String config) {
    task.write("recipe.yaml", TinyTask.yaml(config, TinyTask.BERT_STUDENT));
    Recipe recipe = task.recipe(folder.resolve("out"), INT8);
    Engine engine = Run.engine(recipe);
    Stage.Frozen teacher = new Outline(recipe).distil(Method.TED).frozen().orElseThrow();
    assertEquals(FrozenDtype.INT8, teacher.dtype());
    WeightedGraph floats =
        new WeightedGraph(
            StageGraphs.frozen("teacher", teacher.source()), Outline.random(teacher.source()));
    WeightedGraph bytes = ComputedOutputs.inForm(teacher.dtype(), floats, engine);
    assertEquals(floats.graph().inputs(), bytes.graph().inputs());
    assertEquals(floats.graph().outputs(), bytes.graph().outputs());
    assertTrue(bytes.isWhole());
    assertFalse(multipliesFloatWeights(bytes.graph()), () -> bytes.graph().toString());

    Map<String, Tensor> expected = outputs(engine, floats);
    Map<String, Tensor> found = outputs(engine, bytes);
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach(
        (output, wanted) -> {
          double error = relativeError(wanted, requireNonNull(found.get(output)));
          assertTrue(error > 1e-5 && error < 0.1, output + " is off by " + error);
        });
  }

  static List<String> teachers() {
    return List.of(TinyTask.BERT_TEACHER, TinyTask.DEBERTA_TEACHER);
  }

  private static boolean multipliesFloatWeights(Graph graph) {
    return graph.nodes().stream()
        .filter(n -> n.op() == OpType.MATMUL || n.op() == OpType.FUSED_MATMUL)
        .anyMatch(n -> graph.parameters().contains(n.in(1)));
  }

  private static Map<String, Tensor> outputs(Engine engine, WeightedGraph model) {
    try (ComputeSession session = engine.frozen(model.graph(), model.values())) {
      return session.run(feeds(session.inputs()));
    }
  }

  private static Map<String, Tensor> feeds(List<String> inputs) {
    long[] grid = {2, 5};
    Map<String, Tensor> feeds =
        new HashMap<>(
            Map.of(
                "input_ids", Tensor.ofLongs(grid, 2, 5, 8, 11, 3, 2, 6, 9, 3, 0),
                "attention_mask", Tensor.ofLongs(grid, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0),
                "token_type_ids", Tensor.zeros(DType.INT64, grid)));
    feeds.keySet().retainAll(inputs);
    return feeds;
  }

  private static double relativeError(Tensor expected, Tensor found) {
    double error = 0;
    double size = 0;
    for (int i = 0; i < expected.size(); i++) {
      error += Math.pow(found.get(i) - expected.get(i), 2);
      size += Math.pow(expected.get(i), 2);
    }
    return Math.sqrt(error / size);
  }

  @ParameterizedTest
  @MethodSource("teachers")
  void bfloat16AnswersNearlyWhatFloatsAnswer(String config) {
    task.write("recipe.yaml", TinyTask.yaml(config, TinyTask.BERT_STUDENT));
    String[] settings = {"distill.teacher_dtype=bfloat16", "compare=ted"};
    Stage stage = new Outline(task.recipe(folder.resolve("out"), settings)).distil(Method.TED);
    Stage known =
        stage.withFrozen(
            f -> new Stage.Frozen(f.source(), Outline.random(f.source()), f.dtype(), f.cache()));
    Graph gradients = known.gradients();
    Engine engine = Run.engine(task.recipe(folder.resolve("out")));
    Stage floats = known.withFrozen(f -> f.with(FrozenDtype.FLOAT32));
    try (ComputedOutputs expected = ComputedOutputs.of(engine, floats, gradients);
        ComputedOutputs found = ComputedOutputs.of(engine, known, gradients)) {
      Map<String, Tensor> wanted = expected.fetched(feeds(expected.inputs()));
      Map<String, Tensor> got = found.fetched(feeds(found.inputs()));
      assertEquals(wanted.keySet(), got.keySet());
      wanted.forEach(
          (output, value) -> {
            double error = relativeError(value, requireNonNull(got.get(output)));
            assertTrue(error > 1e-6 && error < 0.03, output + " is off by " + error);
          });
    }
  }

  @Test
  void aGpuHasNoUseForIt() {
    UserError error =
        assertThrows(
            UserError.class, () -> task.recipe(folder.resolve("out"), INT8, "device=cuda"));
    String message = String.valueOf(error.getMessage());
    assertTrue(message.contains("int8 is for the CPU, and device is cuda"), message);
  }
}
