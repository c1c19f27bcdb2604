package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.Target;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operator of every graph has a CUDA kernel for its types in the runtime's build, so that
 * nothing runs on the processor and is copied to and fro; and what would be copied for another
 * reason is not there.
 */
class CudaKernelsTest {
  private static final Path KERNELS =
      Path.of("src", "test", "resources", "onnxruntime", "cuda-kernels.txt");

  private static final String SIZES =
      "\"vocab_size\": 9000, \"num_hidden_layers\": 2, \"num_attention_heads\": 2,"
          + " \"intermediate_size\": 32, \"max_position_embeddings\": 16, \"hidden_size\": 16";

  static final Map<String, String> FAMILIES =
      Map.of(
          "bert", "{\"model_type\": \"bert\", " + SIZES + "}",
          "roberta",
              "{\"model_type\": \"roberta\", \"pad_token_id\": 1, \"type_vocab_size\": 1, "
                  + SIZES
                  + "}",
          "electra", "{\"model_type\": \"electra\", \"embedding_size\": 8, " + SIZES + "}",
          "distilbert",
              "{\"model_type\": \"distilbert\", \"vocab_size\": 9000, \"dim\": 16, \"n_layers\": 2,"
                  + " \"n_heads\": 2, \"hidden_dim\": 32, \"max_position_embeddings\": 16}",
          "deberta", deberta("true", 0),
          "deberta with a convolution", deberta("false", 3));

  private static String deberta(String shared, int kernel) {
    return "{\"model_type\": \"deberta-v2\", \"type_vocab_size\": 0, \"relative_attention\": true,"
        + " \"position_buckets\": 4, \"pos_att_type\": \"p2c|c2p\", \"norm_rel_ebd\":"
        + " \"layer_norm\", \"position_biased_input\": false, \"share_att_key\": "
        + shared
        + ", \"conv_kernel_size\": "
        + kernel
        + ", "
        + SIZES
        + "}";
  }

  private static final Map<String, String> TASKS =
      Map.of(
          "classes", "{train_file: train.tsv, validation_file: dev.tsv, labels: [a, b]}",
          "scores", "{train_file: train.tsv, validation_file: dev.tsv, problem_type: regression}",
          "several labels",
              "{train_file: train.tsv, validation_file: dev.tsv, labels: [a, b, c],"
                  + " problem_type: multi_label_classification}",
          "answers", "{task_name: squad, train_file: train.json, validation_file: dev.json}");

  @TempDir private Path folder;

  static List<String[]> cases() {
    List<String[]> cases = new ArrayList<>();
    for (String family : new TreeSet<>(FAMILIES.keySet())) {
      for (String task : new TreeSet<>(TASKS.keySet())) {
        List<String> precisions =
            task.equals("classes") ? List.of("no", "fp16", "bf16") : List.of("bf16");
        for (String precision : precisions) {
          cases.add(new String[] {family, task, precision});
        }
      }
    }
    return cases;
  }

  @ParameterizedTest(name = "{0}, {1}, {2}")
  @MethodSource("cases")
  void everyOperatorHasAKernel(String family, String task, String precision) throws IOException {
    Map<String, Set<String>> kernels = kernels();
    List<Graph> lowered = new ArrayList<>();
    for (Graph graph : graphs(family, task, precision)) {
      lowered.add(Lowering.toOnnx(graph, Target.ORT, DeviceKind.CUDA));
      lowered.add(Lowering.toOnnx(graph, Target.ORT, DeviceKind.CUDA_GRAPH));
    }
    assertTrue(lowered.size() > 20);
    Set<String> missing = new TreeSet<>();
    for (Graph graph : lowered) {
      for (Node n : graph.nodes()) {
        String name = (n.op().domain().isEmpty() ? "" : n.op().domain() + ".") + n.op().onnx();
        Set<String> types = kernels.getOrDefault(name, Set.of());
        boolean there =
            n.op() == OpType.CONSTANT // becomes an initializer
                || types.contains("*")
                || types.stream().anyMatch(t -> fits(t, key(n)));
        if (!there) {
          missing.add(name + " " + key(n));
        }
      }
    }
    assertEquals(Set.of(), missing);
  }

  /** What asks the host for a number at every run is not in a graph that is replayed. */
  @ParameterizedTest(name = "{0}, {1}, {2}")
  @MethodSource("cases")
  void whatIsReplayedAsksNobody(String family, String task, String precision) throws IOException {
    int seeded = 0;
    for (Graph graph : graphs(family, task, precision)) {
      Graph lowered = Lowering.toOnnx(graph, Target.ORT, DeviceKind.CUDA_GRAPH);
      for (Node n : lowered.nodes()) {
        assertTrue(n.op() != OpType.DROPOUT && n.op() != OpType.GATHER_GRAD, n.toString());
        if (n.op() == OpType.SCATTER_ELEMENTS) { // its kernel adds by size, not by type
          assertEquals(DType.FLOAT, n.output().type(), n.toString());
        }
      }
      boolean drops = graph.nodes().stream().anyMatch(n -> n.op() == OpType.DROPOUT);
      assertEquals(drops, lowered.input(Lowering.DROPOUT_SEED).isPresent(), graph.name());
      seeded += drops ? 1 : 0;
    }
    assertTrue(seeded >= 4, "only " + seeded);
  }

  private List<Graph> graphs(String family, String task, String precision) throws IOException {
    String config = FAMILIES.getOrDefault(family, "");
    String yaml =
        """
        task: %s
        tokenizer: {path: vocab.txt, max_length: 8}
        training: {max_grad_norm: 1, hidn_dropout: 0.1, att_dropout: 0.1}
        mixed_precision: %s
        teacher: {config: %s}
        student: {config: %s}
        distill: {kl_alpha: 1, mse_alpha: 1, mse_mask_padding: %s}
        """
            .formatted(
                TASKS.getOrDefault(task, ""),
                precision,
                config,
                config,
                task.equals("scores") ? "true" : "false");
    Files.writeString(folder.resolve("recipe.yaml"), yaml);
    Recipe recipe = Recipe.read(folder.resolve("recipe.yaml"), List.of(), Use.PLAN);
    return List.copyOf(new Outline(recipe).graphs().values());
  }

  private static Map<String, Set<String>> kernels() throws IOException {
    Map<String, Set<String>> kernels = new HashMap<>();
    for (String line : Files.readAllLines(KERNELS)) {
      if (!line.startsWith("#")) {
        List<String> words = List.of(line.split(" "));
        kernels.put(words.get(0), new HashSet<>(words.subList(1, words.size())));
      }
    }
    return kernels;
  }

  private static boolean fits(String registered, String wanted) {
    return registered.equals(wanted) || registered.startsWith(wanted + "_");
  }

  /** The types by which the runtime finds a node's kernel, as registrations spell them. */
  private static String key(Node n) {
    return switch (n.op()) {
      case CAST, EQUAL, LESS, GREATER_OR_EQUAL, NOT, AND -> name(n.in(0).type());
      case SLICE -> name(n.in(1).type()); // of the bounds
      case LAYER_NORMALIZATION_GRAD ->
          String.join("_", name(n.in(0).type()), name(n.in(3).type()), name(n.output().type()));
      case ADAM_OPTIMIZER ->
          String.join(
              "_", n.inputs().stream().map(Value::type).map(CudaKernelsTest::name).toList());
      default -> name(n.output().type());
    };
  }

  private static String name(DType type) {
    return switch (type) {
      case FLOAT -> "float";
      case DOUBLE -> "double";
      default -> type.toString();
    };
  }

  /**
   * Each would be a copy to the host in every step: the optimizer's kernel reads its step there.
   */
  @Test
  void stepsAreFedOneByOne() throws IOException {
    for (Graph graph : graphs("bert", "classes", "fp16")) {
      if (graph.name().endsWith("_update")) {
        Graph lowered = Lowering.toOnnx(graph, Target.ORT, DeviceKind.CUDA);
        List<String> steps =
            lowered.nodes().stream()
                .filter(n -> n.op() == OpType.ADAM_OPTIMIZER)
                .map(n -> n.in(1).name())
                .toList();
        assertEquals(steps.size(), new HashSet<>(steps).size());
        steps.forEach(step -> assertTrue(lowered.input(step).isPresent(), step));
        assertTrue(lowered.input("step").isEmpty());
      }
    }
  }

  /**
   * A size that is cast to a number lives on the host; nothing may compute with it on the device.
   */
  @Test
  void numbersDoNotComeFromShapes() throws IOException {
    for (Graph graph : graphs("bert", "classes", "no")) {
      Graph lowered = Lowering.toOnnx(graph, Target.ORT, DeviceKind.CUDA);
      Set<Value> onHost = new HashSet<>();
      for (Node n : lowered.nodes()) {
        if (n.op() == OpType.SHAPE || n.inputs().stream().anyMatch(onHost::contains)) {
          boolean shape = n.output().type() == DType.INT64 && n.output().rank() <= 1;
          if (n.op() == OpType.SHAPE || (shape && n.op() != OpType.RANGE)) {
            onHost.add(n.output());
          }
          assertTrue(n.op() != OpType.CAST, n.toString());
        }
      }
    }
  }
}
