package dev.filtrate.autodiff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import dev.filtrate.data.ProblemType;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.ModelInputs;
import dev.filtrate.model.Objective;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole distillation steps: the gradient along a random direction, and how much is emitted. */
class ModelGradientTest {
  private static final String BERT =
      "{'model_type': 'bert', 'vocab_size': 11, 'hidden_size': 8, 'num_hidden_layers': 2, "
          + "'num_attention_heads': 2, 'intermediate_size': 12, 'max_position_embeddings': 16}";
  private static final String DISTILBERT =
      "{'model_type': 'distilbert', 'vocab_size': 11, 'dim': 8, 'n_layers': 2, 'n_heads': 2, "
          + "'hidden_dim': 12, 'max_position_embeddings': 16}";
  private static final String DEBERTA =
      "{'model_type': 'deberta-v2', 'vocab_size': 11, 'hidden_size': 8, 'num_hidden_layers': 2, "
          + "'num_attention_heads': 2, 'intermediate_size': 12, 'max_position_embeddings': 16, "
          + "'relative_attention': true, 'position_buckets': 4, 'pos_att_type': 'p2c|c2p', "
          + "'norm_rel_ebd': 'layer_norm', 'share_att_key': %s, 'position_biased_input': false, "
          + "'type_vocab_size': 0, 'conv_kernel_size': %d}";

  /** A corner is met once in a hundred times, so this often in a row never. */
  private static final int DRAWS = 6;

  private static final ProblemType SEVERAL = ProblemType.MULTI_LABEL_CLASSIFICATION;

  /** A gradients graph and what it needs. */
  private record Step(Graph graph, List<Value> parameters) {}

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bert",
        "roberta",
        "electra",
        "distilbert",
        "bert, several labels",
        "deberta",
        "deberta, own position weights, convolution"
      })
  void theGradientAlongARandomDirectionIsTheSlopeOfTheLoss(String which) {
    long seed = TestSeed.get();
    ModelConfig config =
        switch (which) {
          case "bert" -> config(BERT);
          case "roberta" -> config(BERT.replace("'bert'", "'roberta', 'pad_token_id': 0"));
          case "electra" -> config(BERT.replace("'bert'", "'electra', 'embedding_size': 6"));
          case "distilbert" -> config(DISTILBERT);
          case "bert, several labels" -> config(BERT).withTask(SEVERAL, List.of("a", "b", "c"));
          case "deberta" -> config(DEBERTA.formatted("true", 0));
          default -> config(DEBERTA.formatted("false", 3));
        };
    Step step = distillation(config);
    boolean smooth = false;
    for (int draw = 0; draw < DRAWS && !smooth; draw++) {
      smooth = compared(step, Randomness.of(seed, which + draw), which + TestSeed.hint(seed));
    }
    assertTrue(smooth, which + ": corners everywhere" + TestSeed.hint(seed));
  }

  /**
   * Compares at a random point; false where the loss has a corner (DistilBERT's head has a ReLU),
   * which shows in slopes that depend on the width they are taken over.
   */
  private static boolean compared(Step step, Randomness random, String which) {
    Map<String, DoubleTensor> feed = new HashMap<>();
    Map<String, Long> sizes = Map.of("batch", 2L, "sequence", 5L);
    for (Value v : step.graph().inputs()) {
      feed.put(v.name(), draw(v, GradientCheck.dims(v, sizes), random));
    }
    Map<String, DoubleTensor> direction = new HashMap<>();
    for (Value p : step.parameters()) {
      int[] dims = GradientCheck.dims(p, sizes);
      feed.put(
          p.name(),
          DoubleTensor.normal(random, dims)
              .map(x -> 0.3 * x + (p.name().matches(".*(LayerNorm|layer_norm)\\.weight") ? 1 : 0)));
      direction.put(p.name(), DoubleTensor.normal(random, dims));
    }
    Map<String, DoubleTensor> results = ReferenceEvaluator.run(step.graph(), feed, sizes);
    double slope = 0;
    for (Value p : step.parameters()) {
      DoubleTensor gradient = ReferenceEvaluator.get(results, "grad/" + p.name());
      DoubleTensor d = ReferenceEvaluator.get(direction, p.name());
      for (int i = 0; i < d.size(); i++) {
        slope += gradient.get(i) * d.get(i);
      }
    }
    double numeric = slope(step, feed, direction, 1e-4);
    double tolerance = 1e-7 + 1e-6 * Math.abs(numeric);
    if (Math.abs(numeric - slope(step, feed, direction, 0.7e-4)) > tolerance) {
      return false;
    }
    assertEquals(numeric, slope, tolerance, which);
    return true;
  }

  /** The central difference of fourth order over four widths of h. */
  private static double slope(
      Step step, Map<String, DoubleTensor> feed, Map<String, DoubleTensor> direction, double h) {
    double near = loss(step, feed, direction, h) - loss(step, feed, direction, -h);
    double far = loss(step, feed, direction, 2 * h) - loss(step, feed, direction, -2 * h);
    return (8 * near - far) / (12 * h);
  }

  private static double loss(
      Step step, Map<String, DoubleTensor> feed, Map<String, DoubleTensor> direction, double h) {
    Map<String, DoubleTensor> moved = new HashMap<>(feed);
    direction.forEach(
        (name, d) -> {
          DoubleTensor p = ReferenceEvaluator.get(feed, name);
          double[] values = new double[p.size()];
          for (int i = 0; i < values.length; i++) {
            values[i] = p.get(i) + h * d.get(i);
          }
          moved.put(name, DoubleTensor.of(p.dims(), values));
        });
    return ReferenceEvaluator.get(ReferenceEvaluator.run(step.graph(), moved), "loss")
        .scalarValue();
  }

  @Test
  void everyLayerMoreAddsTheSameNumberOfNodes() {
    long two = nodes(2);
    long three = nodes(3);
    assertEquals(three - two, nodes(4) - three);
  }

  private static long nodes(int layers) {
    String json = DEBERTA.formatted("true", 0);
    Step step =
        distillation(
            config(json.replace("'num_hidden_layers': 2", "'num_hidden_layers': " + layers)));
    return step.graph().nodes().stream().filter(n -> n.op() != OpType.CONSTANT).count();
  }

  /** TED's Stage II with dropout and the padding mask, by every parameter of the loss. */
  private static Step distillation(ModelConfig config) {
    GraphBuilder g = new GraphBuilder();
    Filters filters = new Filters(1, 6, false);
    Model model = new Model(config, Head.SEQUENCE_CLASSIFICATION, Optional.of(filters));
    ModelInputs in = ModelInputs.declare(g, config);
    Model.Outputs outputs = model.emit(g, in, true);
    boolean several = config.problemType() == SEVERAL;
    Value labels =
        several
            ? g.input(
                "labels",
                DType.FLOAT,
                Objects.requireNonNull(outputs.logits().get("logits")).shape())
            : g.input("labels", DType.INT64, Shape.of(ModelInputs.BATCH));
    Objective.Divergence divergence =
        several ? Objective.Divergence.LABELS : Objective.Divergence.CLASSES;
    Map<String, Value> teacherLogits = new LinkedHashMap<>();
    outputs
        .logits()
        .forEach((n, v) -> teacherLogits.put(n, g.input("teacher_" + n, v.type(), v.shape())));
    List<Value> teacherStates = new ArrayList<>();
    for (Value v : outputs.filterStates()) {
      String name = "teacher_states." + teacherStates.size();
      teacherStates.add(g.input(name, v.type(), v.shape()));
    }
    Map<String, Value> wanted =
        new LinkedHashMap<>(
            Objective.distillation(
                    new Objective.Distillation(
                        0.5, 2, 2, divergence, Objective.Reduction.SUM, true, false))
                .emit(
                    g.ops().in("objective"),
                    new Objective.Signals(
                        model,
                        in,
                        outputs,
                        Map.of("labels", labels),
                        teacherLogits,
                        teacherStates)));
    Value loss = Objects.requireNonNull(wanted.get("loss"));
    Value scale = g.input("gradient_scale", DType.FLOAT, Shape.SCALAR);
    List<Value> parameters = g.build("forward", Map.of("loss", loss)).parameters();
    ReverseMode.gradients(g, loss, scale, parameters)
        .forEach((p, dp) -> wanted.put("grad/" + p.name(), dp));
    return new Step(g.build("gradients", wanted), parameters);
  }

  private static DoubleTensor draw(Value v, int[] dims, Randomness random) {
    return switch (v.name()) {
      case "attention_mask" -> {
        DoubleTensor mask = DoubleTensor.zeros(dims).map(x -> 1);
        mask.values()[mask.size() - 1] = 0;
        yield mask;
      }
      case "gradient_scale" -> DoubleTensor.scalar(1);
      case "labels" -> { // of several labels one is unknown
        DoubleTensor labels = DoubleTensor.integers(random, 2, dims);
        labels.values()[0] = dims.length == 2 ? -1 : labels.get(0);
        yield labels;
      }
      case "token_type_ids" -> DoubleTensor.integers(random, 2, dims);
      default ->
          v.type() == DType.INT64
              ? DoubleTensor.integers(random, 10, dims).map(x -> x + 1)
              : DoubleTensor.normal(random, dims);
    };
  }

  private static ModelConfig config(String json) {
    try {
      ObjectNode node = (ObjectNode) new ObjectMapper().readTree(json.replace('\'', '"'));
      return ModelConfig.parse(node, "test");
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
