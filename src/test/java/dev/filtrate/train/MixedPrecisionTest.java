package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.base.Randomness;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.Target;
import dev.filtrate.recipe.Kind;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.Use;
import dev.filtrate.runtime.DeviceTensors;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.runtime.TrainingSession;
import dev.filtrate.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Training in 16 bits: what is in them, what is not, and that it comes to the same. */
class MixedPrecisionTest {
  private static final Set<OpType> PRODUCTS = EnumSet.of(OpType.MATMUL, OpType.FUSED_MATMUL);

  /** What may hold 16 bits beside products, forward and backward. */
  private static final Set<OpType> KEEPING =
      EnumSet.of(
          OpType.CAST,
          OpType.ADD,
          OpType.GELU,
          OpType.GELU_GRAD,
          OpType.DROPOUT,
          OpType.DROPOUT_GRAD,
          OpType.RESHAPE,
          OpType.TRANSPOSE,
          OpType.SQUEEZE,
          OpType.UNSQUEEZE,
          OpType.SLICE,
          OpType.RELATIVE_SHIFT,
          OpType.RELATIVE_SHIFT_GRAD,
          OpType.PAD,
          OpType.GATHER_ELEMENTS,
          OpType.GATHER,
          OpType.REDUCE_SUM); // of a bias: the kernels add up in float32

  private static final String DEBERTA =
      """
      {"model_type": "deberta-v2", "vocab_size": 17, "hidden_size": %d, "num_hidden_layers": %d,\
       "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 16,\
       "type_vocab_size": 0, "relative_attention": true, "position_buckets": 4,\
       "pos_att_type": "p2c|c2p", "norm_rel_ebd": "layer_norm", "share_att_key": true,\
       "position_biased_input": false, "initializer_range": 0.2}\
      """;

  @TempDir private Path folder;
  private TinyTask task;

  @BeforeEach
  void write() {
    task = new TinyTask(folder);
  }

  private void useDeberta() {
    task.write("recipe.yaml", TinyTask.yaml(DEBERTA.formatted(16, 2), DEBERTA.formatted(8, 1)));
  }

  private Stage ted(String... settings) {
    return new Outline(task.recipe(Use.PLAN, folder.resolve("out"), settings)).distil(Method.TED);
  }

  private static boolean isHalf(Value v) {
    return v.type() == DType.FLOAT16 || v.type() == DType.BFLOAT16;
  }

  private static boolean isHalf(Node n) {
    return Stream.concat(n.inputs().stream(), n.outputs().stream())
        .anyMatch(MixedPrecisionTest::isHalf);
  }

  @ParameterizedTest
  @CsvSource({"FP16, bert", "FP16, deberta", "BF16, bert", "BF16, deberta"})
  void productsAreInIt(MixedPrecision precision, String family) {
    if (family.equals("deberta")) {
      useDeberta();
    }
    Stage stage = ted("training.hidn_dropout=0.1", "training.att_dropout=0.1");
    Graph gradients = stage.gradients(precision);
    Graph teacher =
        precision.applyTo(
            StageGraphs.frozen("teacher", stage.frozen().orElseThrow().source(), gradients));
    for (Graph graph : List.of(gradients, teacher)) {
      for (Node n : graph.nodes()) {
        if (PRODUCTS.contains(n.op())) {
          assertTrue(n.inputs().stream().allMatch(v -> v.type() == precision.type()), n.toString());
          assertEquals(precision.type(), n.output().type(), n.toString());
        } else {
          assertTrue(!isHalf(n) || KEEPING.contains(n.op()), n.toString());
        }
      }
      List<Value> ends = new ArrayList<>(graph.inputs());
      ends.addAll(graph.parameters());
      ends.addAll(graph.outputs());
      ends.forEach(v -> assertTrue(!isHalf(v), v.toString()));
    }
    Set<OpType> halves = EnumSet.noneOf(OpType.class);
    gradients.nodes().stream().filter(MixedPrecisionTest::isHalf).forEach(n -> halves.add(n.op()));
    boolean fp16 = precision == MixedPrecision.FP16;
    assertEquals(fp16, halves.contains(OpType.GELU_GRAD)); // CUDA has none in bfloat16
    assertEquals(
        fp16 && family.equals("deberta"), halves.contains(OpType.RELATIVE_SHIFT_GRAD)); // nor this
  }

  @Test
  void withoutItGraphsAreWhatTheyWere() {
    Stage stage = ted();
    assertEquals(stage.gradients().toString(), stage.gradients(MixedPrecision.NO).toString());
    Graph graph = stage.gradients();
    assertSame(graph, MixedPrecision.NO.applyTo(graph));
  }

  /** The evaluator computes in double whatever the types are: only the formulas count. */
  @ParameterizedTest
  @CsvSource({"FP16, bert", "FP16, deberta", "BF16, bert", "BF16, deberta"})
  void theMathematicsIsTheSame(MixedPrecision precision, String family) {
    if (family.equals("deberta")) {
      useDeberta();
    }
    Stage stage = ted("training.hidn_dropout=0.1");
    Graph exact = stage.gradients();
    Map<String, DoubleTensor> feeds = new HashMap<>();
    feeds(exact, 3, 5).forEach((name, t) -> feeds.put(name, DoubleTensor.of(t)));
    weights(stage, exact).forEach((name, t) -> feeds.put(name, DoubleTensor.of(t)));
    Map<String, DoubleTensor> expected = ReferenceEvaluator.run(exact, feeds);
    Map<String, DoubleTensor> found = ReferenceEvaluator.run(stage.gradients(precision), feeds);
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach(
        (name, e) -> {
          DoubleTensor f = ReferenceEvaluator.get(found, name);
          for (int i = 0; i < e.size(); i++) {
            assertEquals(e.get(i), f.get(i), 1e-9 * (1 + Math.abs(e.get(i))), name);
          }
        });
  }

  private static Map<String, Tensor> weights(Stage stage, Graph graph) {
    return Outline.random(stage.model(), graph.parameters());
  }

  /** Ids, labels and a teacher's outputs, at random; of every text the last token is padding. */
  private static Map<String, Tensor> feeds(Graph graph, int batch, int length) {
    Map<String, Long> sizes = Map.of("batch", (long) batch, "sequence", (long) length);
    Randomness random = Randomness.of(3, "mixed precision");
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (Value in : graph.inputs()) {
      Tensor t = Tensor.zeros(in.type(), in.shape().evaluate(sizes));
      for (int i = 0; i < t.size(); i++) {
        switch (in.name()) {
          case "input_ids" -> t.bytes().putLong(8 * i, 1 + random.nextInt(16));
          case "attention_mask" -> t.bytes().putLong(8 * i, i % length == length - 1 ? 0 : 1);
          case "labels", "token_type_ids" -> t.bytes().putLong(8 * i, random.nextInt(2));
          case "gradient_scale" -> t.bytes().putFloat(4 * i, 1);
          default -> t.bytes().putFloat(4 * i, (float) random.nextGaussian());
        }
      }
      feeds.put(in.name(), t);
    }
    return feeds;
  }

  @ParameterizedTest
  @CsvSource({
    "FP16, bert, 5e-3, ORT",
    "FP16, deberta, 5e-3, ORT",
    "BF16, bert, 4e-2, ORT",
    "BF16, deberta, 4e-2, ORT",
    "FP16, deberta, 5e-3, PORTABLE"
  })
  @Tag("ort")
  void gradientsAreCloseToThoseOfFloat32(
      MixedPrecision precision, String family, double tolerance, Target target) {
    if (family.equals("deberta")) {
      useDeberta();
    }
    // DeBERTa's padding is 0 before training, and two LayerNorms multiply the gradient of 0 by 1e7.
    Stage stage = ted("distill.mse_mask_padding=true");
    Map<String, Tensor> exact = gradients(stage, MixedPrecision.NO, target);
    Map<String, Tensor> rounded = gradients(stage, precision, target);
    double largest = 0;
    double off = 0;
    double all = 0;
    for (Map.Entry<String, Tensor> gradient : exact.entrySet()) {
      Tensor other = rounded.getOrDefault(gradient.getKey(), gradient.getValue());
      for (int i = 0; i < other.size(); i++) {
        double difference = other.get(i) - gradient.getValue().get(i);
        off += difference * difference;
        all += gradient.getValue().get(i) * gradient.getValue().get(i);
        largest = Math.max(largest, Math.abs(difference));
      }
    }
    assertTrue(largest > 0, "nothing was rounded");
    assertTrue(Math.sqrt(off / all) < tolerance, Math.sqrt(off / all) + "");
  }

  private static Map<String, Tensor> gradients(
      Stage stage, MixedPrecision precision, Target target) {
    Engine engine = new Engine(target, RuntimeOptions.defaults().withThreads(1), precision);
    Graph graph = stage.gradients(precision);
    try (TrainingSession session =
        engine.training(graph, stage.settings().optimizer(), weights(stage, graph))) {
      session.accumulate(feeds(graph, 4, 7), DeviceTensors.empty().asMap(), 1);
      float norm = session.gradientNorm();
      Map<String, Tensor> gradients = session.gradients().download();
      double sum = 0;
      for (Tensor t : gradients.values()) {
        sum += Arrays.stream(DoubleTensor.of(t).values()).map(x -> x * x).sum();
      }
      assertEquals(Math.sqrt(sum), norm, 1e-5 * norm);
      return gradients;
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FP16", "BF16"})
  @Tag("ort")
  void aRunComesToTheSame(MixedPrecision precision) {
    double exact = accuracy("exact");
    double mixed = accuracy("mixed", "mixed_precision=" + Kind.spelling(precision));
    assertTrue(exact >= 0.9, exact + "");
    assertEquals(exact, mixed, 0.1);
    assertNotEquals(
        TinyTask.bits(folder.resolve("exact/ted")), TinyTask.bits(folder.resolve("mixed/ted")));
  }

  private double accuracy(String name, String... settings) {
    List<String> all = new ArrayList<>(List.of("compare=ted"));
    all.addAll(List.of(settings));
    Results results = TinyTask.run(task.recipe(folder.resolve(name), all.toArray(String[]::new)));
    return results.rows().stream()
        .filter(row -> row.name().equals("ted"))
        .findFirst()
        .orElseThrow()
        .mean("accuracy");
  }

  /** Weights so large that the first scaled gradients leave the range of half precision. */
  private static final String[] OVERFLOWING = {
    "compare=kd",
    "start=released",
    "teacher.finetune.num_train_epochs=1",
    "mixed_precision=fp16",
    "distill.kl_alpha=200",
    "distill.weight_decay=0.5",
    "distill.max_train_steps=12"
  };

  @Test
  @Tag("ort")
  void anOverflowSkipsTheUpdateAndHalvesTheScale() throws IOException {
    Path whole = folder.resolve("whole");
    TinyTask.run(task.recipe(whole, OVERFLOWING));
    List<Double> scales = scales(whole);
    assertEquals(12, scales.size());
    assertEquals(65536, scales.get(0));
    double last = scales.get(11);
    assertTrue(last < 65536 && last >= 1, scales.toString());
    for (int i = 1; i < scales.size(); i++) {
      double ratio = scales.get(i) / scales.get(i - 1);
      assertTrue(ratio == 1 || ratio == 0.5, scales.toString());
    }
    assertTrue(scales.get(10).equals(last), scales.toString()); // it found one that holds

    Path one = folder.resolve("one");
    TinyTask.run(task.recipe(one, replaced("distill.max_train_steps=1")));
    Path none = folder.resolve("none");
    TinyTask.run(
        task.recipe(
            none,
            replaced(
                "mixed_precision=no", "distill.max_train_steps=1", "distill.learning_rate=1e-30")));
    assertEquals(TinyTask.bits(none.resolve("kd")), TinyTask.bits(one.resolve("kd")));
    assertNotEquals(TinyTask.bits(none.resolve("kd")), TinyTask.bits(whole.resolve("kd")));
  }

  /**
   * {@code [MASK]} is in no text, so all that happens to it is decay: by updates that were made.
   */
  @Test
  @Tag("ort")
  void aSkippedUpdateDecaysNoWordEither() throws IOException {
    Path whole = folder.resolve("whole");
    TinyTask.run(task.recipe(whole, OVERFLOWING));
    Path none = folder.resolve("none");
    TinyTask.run(
        task.recipe(
            none,
            replaced(
                "mixed_precision=no", "distill.max_train_steps=1", "distill.learning_rate=1e-30")));
    List<Double> scales = scales(whole);
    List<Double> rates = logged(whole, "learning_rate");
    double decay = 1;
    double ofAll = 1;
    for (int i = 0; i < scales.size(); i++) {
      double left = 1 - 0.5 * rates.get(i);
      boolean skipped = i + 1 < scales.size() && scales.get(i + 1) < scales.get(i);
      decay *= skipped ? 1 : left;
      ofAll *= left;
    }
    assertTrue(ofAll < decay - 0.01 && decay < 0.99, ofAll + " " + decay);
    float[] start = mask(none);
    float[] end = mask(whole);
    for (int i = 0; i < start.length; i++) {
      assertEquals((float) (start[i] * decay), end[i], 1e-7f * Math.abs(start[i]));
    }
  }

  private static float[] mask(Path run) {
    Tensor words =
        Safetensors.open(run.resolve("kd/model.safetensors"))
            .tensor("bert.embeddings.word_embeddings.weight");
    int width = (int) words.dims()[1];
    return Arrays.copyOfRange(words.toFloats(), 4 * width, 5 * width); // [MASK] is token 4
  }

  private static String[] replaced(String... more) {
    List<String> settings = new ArrayList<>(List.of(OVERFLOWING));
    settings.addAll(List.of(more));
    return settings.toArray(String[]::new);
  }

  private static List<Double> scales(Path run) throws IOException {
    return logged(run, "loss_scale");
  }

  private static List<Double> logged(Path run, String key) throws IOException {
    List<Double> values = new ArrayList<>();
    for (String line : TinyTask.log(run)) {
      JsonNode json = new ObjectMapper().readTree(line);
      if (json.path("stage").asText().equals("kd") && json.has(key)) {
        values.add(json.get(key).asDouble());
      }
    }
    return values;
  }

  @ParameterizedTest
  @CsvSource({"2, false", "7, false", "10, true"}) // while updates are skipped, and after
  @Tag("ort")
  void aResumedRunKeepsTheScale(int step, boolean best) throws IOException {
    String[] settings = replaced("distill.save_best=" + best);
    Path whole = folder.resolve("whole");
    TinyTask.run(task.recipe(whole, settings));
    Path out = folder.resolve("stopped");
    TinyTask.Watcher watcher = new TinyTask.Watcher("kd", step);
    Run run = new Run(task.recipe(out, settings), watcher, watcher, false);
    assertThrows(Stopped.class, run::execute);
    TinyTask.resume(task.recipe(out, settings));
    assertEquals(TinyTask.bits(whole.resolve("kd")), TinyTask.bits(out.resolve("kd")));
    assertEquals(TinyTask.log(whole), TinyTask.log(out));
  }

  @Test
  @Tag("ort")
  void aCheckpointThatDoesNotSayTheDecayIsRefused() throws IOException {
    Path out = folder.resolve("stopped");
    TinyTask.Watcher watcher = new TinyTask.Watcher("kd", 3);
    Run run = new Run(task.recipe(out, OVERFLOWING), watcher, watcher, false);
    assertThrows(Stopped.class, run::execute);
    Path file = out.resolve("checkpoints/kd/step-3/state.json");
    Files.writeString(file, Files.readString(file).replace("\"decay\"", "\"formerly\""));
    assertEquals(
        "%s: damaged, or of an earlier version: expected a key 'decay'; delete %s to start the stage anew"
            .formatted(file, out.resolve("checkpoints/kd")),
        assertThrows(UserError.class, () -> TinyTask.resume(task.recipe(out, OVERFLOWING)))
            .getMessage());
  }

  @Test
  @Tag("ort")
  void aCheckpointOfAnotherPrecisionIsRefused() {
    Path out = folder.resolve("stopped");
    TinyTask.Watcher watcher = new TinyTask.Watcher("kd", 3);
    Run run = new Run(task.recipe(out, OVERFLOWING), watcher, watcher, false);
    assertThrows(Stopped.class, run::execute);
    assertThrows(
        UserError.class, () -> TinyTask.resume(task.recipe(out, replaced("mixed_precision=no"))));
  }
}
