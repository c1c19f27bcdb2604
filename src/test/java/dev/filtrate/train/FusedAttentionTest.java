package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.Objective;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.RuntimeOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention as CUDA gets it, on a CPU, in every encoder; one text is of a single token. */
@Tag("ort")
class FusedAttentionTest {
  private static final int LAYERS = 2;
  private static final int LENGTH = 8;

  /** Padding at the end, none, nearly all, and in between. */
  private static final List<String> MASKS = List.of("11111000", "11111111", "10000000", "10110100");

  private static List<String> families() {
    return List.copyOf(new TreeSet<>(CudaKernelsTest.FAMILIES.keySet()));
  }

  private static List<Object[]> familiesAndPrecisions() {
    List<Object[]> all = new ArrayList<>();
    for (String family : families()) {
      for (MixedPrecision precision : MixedPrecision.values()) {
        all.add(new Object[] {family, precision});
      }
    }
    return all;
  }

  private static Model model(String family) {
    try {
      String json = CudaKernelsTest.FAMILIES.getOrDefault(family, "");
      ObjectNode config = (ObjectNode) new ObjectMapper().readTree(json.replace("9000", "50"));
      return new Model(
          ModelConfig.parse(config, "config.json"), Head.SEQUENCE_CLASSIFICATION, Optional.empty());
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static Graph onCuda(Graph graph) {
    return Lowering.lower(graph, Target.ORT, DeviceKind.CUDA);
  }

  private static List<Node> fused(Graph graph) {
    return graph.nodes().stream().filter(n -> n.op() == OpType.MULTI_HEAD_ATTENTION).toList();
  }

  /** Parameters large enough that scores matter, and texts. */
  private static Map<String, DoubleTensor> feeds(Graph graph, long seed) {
    Randomness random = Randomness.of(seed, "attention");
    Map<String, DoubleTensor> feeds = new LinkedHashMap<>();
    for (Value p : graph.parameters()) {
      int[] dims = p.shape().dims().stream().mapToInt(d -> (int) d.fixed()).toArray();
      double scale = dims.length == 1 ? 0.1 : 0.5;
      feeds.put(p.name(), DoubleTensor.normal(random, dims).map(x -> (float) (x * scale)));
    }
    for (Value input : graph.inputs()) {
      DoubleTensor grid = DoubleTensor.integers(random, 40, MASKS.size(), LENGTH);
      if (input.name().equals("attention_mask")) {
        for (int i = 0; i < grid.size(); i++) {
          grid.values()[i] = MASKS.get(i / LENGTH).charAt(i % LENGTH) - '0';
        }
      }
      boolean types = input.name().equals("token_type_ids");
      feeds.put(input.name(), types ? grid.map(x -> x % 2) : grid.map(x -> x));
    }
    return feeds;
  }

  private static Map<String, Tensor> run(
      Graph graph, DeviceKind device, Map<String, DoubleTensor> feeds) {
    Graph onnx = Lowering.toOnnx(graph, Target.ORT, device);
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    List<Value> wanted = new ArrayList<>(onnx.inputs());
    wanted.addAll(onnx.parameters());
    for (Value v : wanted) {
      DoubleTensor feed = Objects.requireNonNull(feeds.get(v.name()));
      long[] dims = java.util.Arrays.stream(feed.dims()).asLongStream().toArray();
      Tensor tensor = Tensor.zeros(v.type(), dims);
      for (int i = 0; i < feed.size(); i++) {
        switch (v.type()) {
          case INT64 -> tensor.bytes().putLong(8 * i, (long) feed.get(i));
          default -> tensor.bytes().putFloat(4 * i, (float) feed.get(i));
        }
      }
      inputs.put(v.name(), tensor);
    }
    RuntimeOptions options = RuntimeOptions.defaults().withThreads(1);
    try (ComputeSession session =
        ComputeSession.open("attention", OnnxCodec.encode(onnx), options)) {
      return session.run(inputs);
    }
  }

  @ParameterizedTest
  @MethodSource("families")
  void computesWhatItsPartsDo(String family) {
    long seed = TestSeed.get();
    Graph graph = StageGraphs.states("states", model(family));
    Map<String, DoubleTensor> feeds = feeds(graph, seed);
    Map<String, Tensor> expected = run(graph, DeviceKind.CPU, feeds);
    Map<String, Tensor> actual = run(graph, DeviceKind.CUDA, feeds);
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach(
        (output, tensor) -> {
          float[] e = tensor.toFloats();
          float[] a = Objects.requireNonNull(actual.get(output)).toFloats();
          for (int i = 0; i < e.length; i++) {
            assertEquals(e[i], a[i], 1e-4, output + " " + i + TestSeed.hint(seed));
          }
        });
  }

  @ParameterizedTest
  @MethodSource("familiesAndPrecisions")
  void takesTheWholeOfEveryLayer(String family, MixedPrecision precision) {
    Graph whole = precision.applyTo(StageGraphs.states("states", model(family)));
    Graph graph = onCuda(whole);
    assertEquals(LAYERS, fused(graph).size());
    for (Node n : fused(graph)) {
      for (int i : new int[] {0, 1, 2, 5}) {
        assertEquals(precision.type(), n.in(i).type(), n.toString());
      }
    }
    assertTrue(graph.nodes().stream().noneMatch(n -> n.op() == OpType.SOFTMAX));
    if (!family.startsWith("deberta")) { // whose bias has a layer's positions in it
      assertEquals(1, fused(graph).stream().map(n -> n.in(5)).distinct().count());
    }
  }

  /** The mask is finite in 16 bits too, and what it hides stays hidden. */
  @ParameterizedTest
  @MethodSource("familiesAndPrecisions")
  void keepsItsNumbersInEveryPrecision(String family, MixedPrecision precision) {
    long seed = TestSeed.get();
    Graph graph = precision.applyTo(StageGraphs.states("states", model(family)));
    Map<String, DoubleTensor> feeds = feeds(graph, seed);
    Map<String, DoubleTensor> expected = ReferenceEvaluator.run(graph, feeds);
    Map<String, DoubleTensor> actual = ReferenceEvaluator.run(onCuda(graph), feeds);
    double tolerance =
        switch (precision) {
          case NO -> 1e-5;
          case FP16 -> 0.02;
          case BF16 -> 0.15;
        };
    expected.forEach(
        (output, e) -> {
          DoubleTensor a = Objects.requireNonNull(actual.get(output));
          for (int i = 0; i < e.size(); i++) {
            assertEquals(e.get(i), a.get(i), tolerance, output + " " + i + TestSeed.hint(seed));
          }
        });
  }

  @ParameterizedTest
  @MethodSource("families")
  void leavesWhatGradientsRead(String family) {
    for (boolean dropout : new boolean[] {false, true}) {
      Graph gradients =
          StageGraphs.gradients("gradients", model(family), Objective.task(), p -> true, dropout);
      assertEquals(List.of(), fused(onCuda(gradients)));
    }
  }
}
