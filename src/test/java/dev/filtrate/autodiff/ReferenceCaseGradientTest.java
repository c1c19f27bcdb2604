package dev.filtrate.autodiff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Shared;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelInputs;
import dev.filtrate.model.Objective;
import dev.filtrate.weights.ModelFolder;
import dev.filtrate.weights.Safetensors;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models and gradients against the PyTorch implementations, without a runtime: the oracle computes
 * in double, so what is left is the rounding of constants and of the reference to float32.
 */
class ReferenceCaseGradientTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "bert-classify",
        "bert-regress",
        "bert-qa",
        "roberta-classify",
        "electra-classify",
        "distilbert-classify",
        "deberta-v2-conv",
        "deberta-v2-noshare",
        "deberta-v3-classify",
        "deberta-v3-long",
        "deberta-v3-qa"
      })
  void lossOutputsAndEveryGradientAreThoseOfPyTorch(String name) {
    Path folder = Shared.path("fixtures/" + name);
    ModelFolder files = ModelFolder.open(folder);
    Map<String, Tensor> reference =
        Safetensors.open(folder.resolve("reference.safetensors")).tensors();
    GraphBuilder g = new GraphBuilder();
    Map<String, Value> wanted = emit(g, files, reference.containsKey("start_positions"));

    Map<String, DoubleTensor> feed = new HashMap<>();
    files.tensors().forEach((p, t) -> feed.put(p, DoubleTensor.of(t)));
    reference.forEach((k, t) -> feed.put(k, DoubleTensor.of(t)));
    feed.put("gradient_scale", DoubleTensor.scalar(1));
    Map<String, DoubleTensor> results = ReferenceEvaluator.run(g.build(name, wanted), feed);

    int compared = 0;
    for (Map.Entry<String, DoubleTensor> result : results.entrySet()) {
      Tensor expected = reference.get(result.getKey().replace("grad/", "grad."));
      if (expected != null) {
        compare(name + " " + result.getKey(), DoubleTensor.of(expected), result.getValue());
        compared++;
      }
    }
    assertEquals(reference.keySet().stream().filter(wanted(wanted)).count(), compared);
    assertTrue(compared > files.tensors().size(), name);
  }

  private static java.util.function.Predicate<String> wanted(Map<String, Value> wanted) {
    return key -> wanted.containsKey(key.replace("grad.", "grad/"));
  }

  private static void compare(String what, DoubleTensor expected, DoubleTensor actual) {
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.size(); i++) {
      largest = Math.max(largest, Math.abs(expected.get(i)));
      difference = Math.max(difference, Math.abs(expected.get(i) - actual.get(i)));
    }
    assertTrue(
        difference <= 1e-6 * largest + 1e-8, what + ": off by " + difference + " of " + largest);
  }

  private static Map<String, Value> emit(GraphBuilder g, ModelFolder files, boolean qa) {
    Head head = qa ? Head.QUESTION_ANSWERING : Head.SEQUENCE_CLASSIFICATION;
    Model model = new Model(files.config(), head, Optional.empty());
    ModelInputs in = ModelInputs.declare(g, files.config());
    Model.Outputs outputs = model.emit(g, in, false);
    Shape batch = Shape.of(ModelInputs.BATCH);
    Map<String, Value> labels = new LinkedHashMap<>();
    for (String label : qa ? List.of("start_positions", "end_positions") : List.of("labels")) {
      DType type = files.config().numLabels() == 1 ? DType.FLOAT : DType.INT64;
      labels.put(label, g.input(label, type, batch));
    }
    Map<String, Value> wanted =
        new LinkedHashMap<>(
            Objective.task()
                .emit(
                    g.ops().in("objective"),
                    new Objective.Signals(model, in, outputs, labels, Map.of(), List.of())));
    Value loss = Objects.requireNonNull(wanted.get("loss"));
    Value scale = g.input("gradient_scale", DType.FLOAT, Shape.SCALAR);
    List<Value> parameters = g.build("forward", Map.of("loss", loss)).parameters();
    ReverseMode.gradients(g, loss, scale, parameters)
        .forEach((p, dp) -> wanted.put("grad/" + p.name(), dp));
    wanted.putAll(outputs.logits());
    for (int i = 0; i < outputs.hiddenStates().size(); i++) {
      wanted.put("hidden_states." + i, outputs.hiddenStates().get(i));
    }
    return wanted;
  }
}
