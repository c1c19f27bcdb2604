package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Randomness;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.AdamW;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.Objective;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.runtime.TrainingSession;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The gradients graph that a GPU replays, run by the CPU's kernels. */
@Tag("ort")
class ReplayedGradientsTest {
  private static final int PAD = 1;

  /** A table of 2000 words is large enough not to be a product. */
  private static Graph gradients(String type, double dropout) throws IOException {
    String json =
        """
        {"model_type": "%s", "vocab_size": 2000, "hidden_size": 16, "num_hidden_layers": 2,
         "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 16,
         "pad_token_id": %d, "relative_attention": true, "position_buckets": 4,
         "pos_att_type": "p2c|c2p", "norm_rel_ebd": "layer_norm", "conv_kernel_size": 3,
         "hidden_dropout_prob": %s, "attention_probs_dropout_prob": %s, "pooler_dropout": %s,
         "cls_dropout": %s, "initializer_range": 0.2}
        """
            .formatted(type, PAD, dropout, dropout, dropout, dropout);
    ModelConfig config = ModelConfig.parse((ObjectNode) new ObjectMapper().readTree(json), "test");
    Model model = new Model(config, Head.SEQUENCE_CLASSIFICATION, Optional.empty());
    return StageGraphs.gradients("gradients", model, Objective.task(), p -> true, true);
  }

  private static TrainingSession open(
      Graph gradients, DeviceKind device, Map<String, Tensor> weights) {
    Graph update =
        AdamW.with(0, OptionalDouble.empty()).graph("update", StageGraphs.trained(gradients));
    return TrainingSession.open(
        OnnxCodec.encode(Lowering.toOnnx(gradients, Target.ORT, device)),
        OnnxCodec.encode(Lowering.toOnnx(update, Target.ORT, DeviceKind.CPU)),
        weights,
        RuntimeOptions.defaults().withThreads(1).withCudaGraphs(device == DeviceKind.CUDA_GRAPH));
  }

  private static Map<String, Tensor> weights(Graph gradients) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    gradients
        .parameters()
        .forEach(
            p -> {
              float[] values = new float[(int) p.shape().elements().fixed()];
              Randomness.of(1, p.name()).fillNormal(values, 0.2);
              if (p.name().endsWith("LayerNorm.weight")) {
                for (int i = 0; i < values.length; i++) {
                  values[i] += 1;
                }
              }
              weights.put(p.name(), Tensor.ofFloats(p.shape().fixed(), values));
            });
    return weights;
  }

  /** Some words more than once, and padding. */
  private static Map<String, Tensor> batch(Graph gradients) {
    long[] grid = {3, 6};
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    feeds.put(
        "input_ids",
        Tensor.ofLongs(grid, 5, 1999, 8, 8, 5, 6, 5, 7, 7, 1000, PAD, PAD, 3, 5, 5, 5, 8, PAD));
    feeds.put(
        "attention_mask",
        Tensor.ofLongs(grid, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0));
    feeds.put("token_type_ids", Tensor.zeros(DType.INT64, grid));
    feeds.put("labels", Tensor.ofLongs(new long[] {3}, 0, 1, 1));
    feeds.keySet().removeIf(input -> gradients.input(input).isEmpty());
    return feeds;
  }

  private static float[] get(Map<String, Tensor> tensors, String name) {
    return Objects.requireNonNull(tensors.get(name), name).toFloats();
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert", "deberta-v2"})
  void withoutDropoutTheyAreTheGradients(String type) throws IOException {
    Graph gradients = gradients(type, 0);
    Map<String, Tensor> weights = weights(gradients);
    try (TrainingSession plain = open(gradients, DeviceKind.CPU, weights);
        TrainingSession replayed = open(gradients, DeviceKind.CUDA_GRAPH, weights)) {
      Map<String, Tensor> batch = batch(gradients);
      assertEquals(loss(plain, batch, 1), loss(replayed, batch, 1), 1e-5);
      Map<String, Tensor> found = replayed.gradients().download();
      plain
          .gradients()
          .download()
          .forEach(
              (p, expected) -> assertArrayEquals(expected.toFloats(), get(found, p), 2e-5f, p));
    }
  }

  /**
   * Along a direction the loss changes as the gradient says, if both passes have the same masks: a
   * mixture of the gradient's own direction and a random one.
   */
  @ParameterizedTest
  @ValueSource(strings = {"bert", "deberta-v2"})
  void withDropoutTheLossFollowsThem(String type) throws IOException {
    Graph gradients = gradients(type, 0.2);
    assertTrue(gradients.nodes().stream().filter(n -> n.op() == OpType.DROPOUT).count() > 6);
    Map<String, Tensor> weights = weights(gradients);
    try (TrainingSession session = open(gradients, DeviceKind.CUDA_GRAPH, weights)) {
      Map<String, Tensor> batch = batch(gradients);
      double loss = loss(session, batch, 5);
      Map<String, Tensor> found = session.gradients().download();
      int followed = 0;
      for (String p : found.keySet()) {
        float[] gradient = get(found, p);
        double[] direction = direction(p, gradient);
        double expected = 0;
        for (int i = 0; i < gradient.length; i++) {
          expected += gradient[i] * direction[i];
        }
        double step = 0.02;
        double up = moved(session, p, direction, step, batch);
        double down = moved(session, p, direction, -step, batch);
        assertEquals(expected, (up - down) / (2 * step), 0.02 * Math.abs(expected) + 1e-4, p);
        followed += Math.abs(expected) > 0.01 ? 1 : 0;
      }
      assertTrue(followed > found.size() / 2, "only " + followed + " are not next to nothing");
      assertEquals(loss, loss(session, batch, 5), 0, "the same seed");
      assertTrue(Math.abs(loss - loss(session, batch, 6)) > 1e-4, "another seed");
    }
  }

  private static double loss(TrainingSession session, Map<String, Tensor> batch, long seed) {
    float loss =
        Objects.requireNonNull(session.accumulate(batch, Map.of(), seed).read().get("loss"));
    session.discard();
    return loss;
  }

  private static double moved(
      TrainingSession session,
      String p,
      double[] direction,
      double step,
      Map<String, Tensor> batch) {
    Tensor at = session.parameters().get(p).download();
    float[] moved = at.toFloats();
    for (int i = 0; i < moved.length; i++) {
      moved[i] += (float) (step * direction[i]);
    }
    session.parameters().get(p).set(Tensor.ofFloats(at.dims(), moved));
    double loss = loss(session, batch, 5);
    session.parameters().get(p).set(at);
    return loss;
  }

  private static double[] direction(String p, float[] gradient) {
    float[] random = new float[gradient.length];
    Randomness.of(2, p).fillNormal(random, 1);
    double own = Math.max(norm(gradient), 1e-12);
    double other = norm(random);
    double[] direction = new double[gradient.length];
    for (int i = 0; i < direction.length; i++) {
      direction[i] = gradient[i] / own + 0.5 * random[i] / other;
    }
    return direction;
  }

  private static double norm(float[] values) {
    double sum = 0;
    for (float v : values) {
      sum += (double) v * v;
    }
    return Math.sqrt(sum);
  }
}
