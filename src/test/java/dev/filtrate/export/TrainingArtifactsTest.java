package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.AdamW;
import dev.filtrate.model.Head;
import dev.filtrate.model.Objective;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.OnnxModel;
import dev.filtrate.recipe.Dropouts;
import dev.filtrate.recipe.StageSettings;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.OnDeviceSession;
import dev.filtrate.runtime.OnDeviceSession.Artifact;
import dev.filtrate.runtime.TrainingSession;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.train.Weights;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** ONNX Runtime's own training API on the artifacts, against training here. */
@Tag("ort")
class TrainingArtifactsTest {
  private static final double RATE = 1e-2;
  private static final AdamW PLAIN = AdamW.with(0, OptionalDouble.empty());

  @TempDir Path folder;

  static Stream<String> configs() {
    return Stream.concat(
        ExportPassesTest.configs(),
        Stream.of(
            TinyModels.ROBERTA.replace(
                "\"id2label\"", "\"problem_type\": \"multi_label_classification\", \"id2label\"")));
  }

  private static StageSettings settings(double dropout, AdamW optimizer) {
    StageSettings s = StageSettings.RELEASED;
    OptionalDouble ratio = OptionalDouble.of(dropout);
    return new StageSettings(
        s.numTrainEpochs(),
        s.maxTrainSteps(),
        s.trainBatchSize(),
        s.evalBatchSize(),
        s.gradientAccumulationSteps(),
        s.groupByLength(),
        s.schedule(),
        optimizer,
        new Dropouts(ratio, ratio, ratio),
        s.evaluation());
  }

  private TrainingArtifacts artifacts(String config, Head head, double dropout, AdamW optimizer) {
    TrainingArtifacts artifacts =
        new TrainingArtifacts(TinyModels.random(config, head, 5), settings(dropout, optimizer));
    artifacts.write(folder, Map.of("filtrate.task", "films"));
    return artifacts;
  }

  private static TrainingProof proof(TrainingArtifacts artifacts) {
    return new TrainingProof(artifacts, TinyModels.ENGINE, 20, RATE);
  }

  private OnDeviceSession api(Path checkpoint) {
    return OnDeviceSession.open(folder, checkpoint, TinyModels.ENGINE.options());
  }

  private OnDeviceSession api() {
    return OnDeviceSession.open(folder, TinyModels.ENGINE.options());
  }

  private static Tensor the(String name, Map<String, Tensor> tensors) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  private static float[] floats(String name, Map<String, Tensor> tensors) {
    return the(name, tensors).toFloats();
  }

  /**
   * Compares logits; those of places in a text by their distance from the first, as a bias of all
   * of them has no gradient but rounding, which Adam makes as large as any other.
   */
  private static void assertSame(
      String output, Map<String, Tensor> expected, Map<String, Tensor> actual) {
    float[] wanted = floats(output, expected);
    float[] got = floats(output, actual);
    if (!output.equals("logits")) {
      int width = (int) the(output, expected).dims()[1];
      for (int i = wanted.length - 1; i >= 0; i--) {
        wanted[i] -= wanted[i - i % width];
        got[i] -= got[i - i % width];
      }
    }
    assertArrayEquals(wanted, got, 1e-4f, output);
  }

  private static double loss(Map<String, Tensor> outputs) {
    return the("loss", outputs).scalarValue();
  }

  /** Updates from one to another, each with one batch; returns the losses. */
  private static List<Double> train(
      OnDeviceSession session, TrainingProof proof, int from, int to) {
    List<Double> losses = new ArrayList<>();
    for (int update = from; update <= to; update++) {
      losses.add(loss(session.train(proof.batch(update), update)));
      session.step(RATE);
      session.resetGradients();
    }
    return losses;
  }

  @ParameterizedTest
  @MethodSource("configs")
  void twentyUpdatesHaveTheLossesOfTrainingHere(String config) {
    for (Head head : Head.values()) {
      TrainingArtifacts plain = artifacts(config, head, 0, PLAIN);
      assertEquals(0, proof(plain).check(folder), 1e-5, head + " plain");
      AdamW other = new AdamW(0.8, 0.99, 1e-6, 0, OptionalDouble.of(0.5));
      TrainingArtifacts dropping = artifacts(config, head, 0.2, other);
      assertEquals(0, proof(dropping).check(folder), 1e-5, head + " dropping");
    }
  }

  @Test
  void theLossFallsAndDropoutIsOnInTrainingAlone() {
    TrainingProof proof = proof(artifacts(TinyModels.BERT, Head.SEQUENCE_CLASSIFICATION, 0, PLAIN));
    Map<String, Tensor> batch = proof.batch(1);
    double before;
    try (OnDeviceSession session = api()) {
      before = loss(session.evaluate(batch));
      assertEquals(before, loss(session.train(batch, 1)), 1e-6);
      for (int update = 1; update <= 40; update++) {
        session.resetGradients();
        session.train(batch, update);
        session.step(RATE);
      }
      double after = loss(session.evaluate(batch));
      assertTrue(after < 0.8 * before, before + " became " + after);
    }
    artifacts(TinyModels.BERT, Head.SEQUENCE_CLASSIFICATION, 0.5, PLAIN);
    try (OnDeviceSession session = api()) {
      assertEquals(before, loss(session.evaluate(batch)), 1e-6);
      double first = loss(session.train(batch, 1));
      assertTrue(Math.abs(first - before) > 1e-3, first + ", " + before);
      double second = loss(session.train(batch, 2));
      assertTrue(Math.abs(second - first) > 1e-3, first + ", " + second);
      assertEquals(first, loss(session.train(batch, 1)), 1e-6);
    }
  }

  @ParameterizedTest
  @MethodSource("configs")
  void whatTheApiHasTrainedIsWhatTrainingHereHasTrained(String config) {
    for (Head head : Head.values()) {
      TrainingArtifacts artifacts =
          artifacts(config, head, 0.1, AdamW.with(0, OptionalDouble.of(1)));
      TrainingProof proof = proof(artifacts);
      Map<String, Tensor> batch = proof.batch(3);
      Map<String, Tensor> expected = trainedHere(artifacts, proof, batch);
      Path exported = folder.resolve(head + ".onnx");
      try (OnDeviceSession session = api()) {
        train(session, proof, 1, 5);
        Map<String, Tensor> evaluated = session.evaluate(batch);
        session.exportForInference(exported, List.copyOf(expected.keySet()));
        for (String output : expected.keySet()) {
          assertSame(output, expected, evaluated);
        }
      }
      OnnxModel model = OnnxCodec.read(exported);
      List<String> inputs = model.graph().inputs().stream().map(Value::name).toList();
      assertTrue(
          Set.of("input_ids", "attention_mask", "token_type_ids").containsAll(inputs),
          inputs.toString());
      assertTrue(
          model.graph().nodes().stream().allMatch(n -> n.op().domain().isEmpty()),
          model.graph().operatorCounts().toString());
      try (ComputeSession session =
          ComputeSession.openFile("exported", exported, TinyModels.ENGINE.options())) {
        batch.keySet().retainAll(inputs);
        Map<String, Tensor> answers = session.run(batch);
        assertEquals(expected.keySet(), answers.keySet());
        for (String output : expected.keySet()) {
          assertSame(output, expected, answers);
        }
      }
    }
  }

  /** The logits of a batch after five updates here. */
  private static Map<String, Tensor> trainedHere(
      TrainingArtifacts artifacts, TrainingProof proof, Map<String, Tensor> batch) {
    Map<String, Tensor> parameters;
    try (TrainingSession session =
        TinyModels.ENGINE.training(
            StageGraphs.gradients("here", artifacts.model(), Objective.task(), p -> true, true),
            artifacts.settings().optimizer(),
            artifacts.weights().parameters())) {
      for (int update = 1; update <= 5; update++) {
        session.accumulate(proof.batch(update), Map.of(), update);
        session.step(RATE, update);
      }
      parameters = session.parameters().download();
    }
    try (ComputeSession session =
        TinyModels.ENGINE.frozen(StageGraphs.inference("here", artifacts.model()), parameters)) {
      Map<String, Tensor> feeds = new HashMap<>(batch);
      feeds.keySet().retainAll(session.inputs());
      return session.run(feeds);
    }
  }

  @Test
  void gradientsAddUpUntilTheyAreReset() {
    TrainingArtifacts artifacts =
        artifacts(
            TinyModels.BERT,
            Head.SEQUENCE_CLASSIFICATION,
            0,
            new AdamW(0, 0, 1, 0, OptionalDouble.empty())); // an update of g / (|g| + 1)
    TrainingProof proof = proof(artifacts);
    double once = afterOneUpdate(proof, 1, false);
    double twice = afterOneUpdate(proof, 2, false);
    assertTrue(Math.abs(once - twice) > 1e-3, once + ", " + twice);
    assertEquals(once, afterOneUpdate(proof, 2, true), 1e-6);
  }

  private double afterOneUpdate(TrainingProof proof, int times, boolean reset) {
    try (OnDeviceSession session = api()) {
      for (int i = 0; i < times; i++) {
        if (reset) {
          session.resetGradients();
        }
        session.train(proof.batch(1), 1);
      }
      session.step(0.1);
      return loss(session.evaluate(proof.batch(1)));
    }
  }

  @Test
  void aSavedCheckpointIsLoadedAgainAndTrainedOn() {
    TrainingArtifacts artifacts =
        artifacts(TinyModels.DEBERTA, Head.SEQUENCE_CLASSIFICATION, 0, PLAIN);
    TrainingProof proof = proof(artifacts);
    Path saved = folder.resolve("saved");
    Path withoutMoments = folder.resolve("without-moments");
    List<Double> expected;
    try (OnDeviceSession session = api()) {
      train(session, proof, 1, 5);
      session.save(saved, true);
      session.save(withoutMoments, false);
      expected = train(session, proof, 6, 10);
    }
    try (OnDeviceSession session = api(saved)) {
      List<Double> resumed = train(session, proof, 6, 10);
      for (int i = 0; i < expected.size(); i++) {
        assertEquals(expected.get(i), resumed.get(i), 1e-6);
      }
      assertEquals("films", session.property("filtrate.task"));
    }
    try (OnDeviceSession session = api(withoutMoments)) {
      List<Double> resumed = train(session, proof, 6, 10);
      assertEquals(expected.get(0), resumed.get(0), 1e-6);
      assertTrue(Math.abs(expected.get(4) - resumed.get(4)) > 1e-5, resumed.toString());
    }
  }

  @Test
  void theApiFindsInputsInOrderAndProperties() {
    artifacts(TinyModels.BERT, Head.QUESTION_ANSWERING, 0, PLAIN);
    try (OnDeviceSession session = api()) {
      List<String> inputs =
          List.of(
              "input_ids", "attention_mask", "token_type_ids", "start_positions", "end_positions");
      assertEquals(inputs, session.trainingInputs());
      assertEquals(inputs, session.evaluationInputs());
      assertEquals("films", session.property("filtrate.task"));
      assertEquals(5e-5f, session.property("learning_rate"));
      String message =
          String.valueOf(
              assertThrows(IllegalStateException.class, () -> session.property("unknown"))
                  .getMessage());
      assertTrue(message.contains("unknown"), message);
    }
    artifacts(TinyModels.DISTILBERT, Head.SEQUENCE_CLASSIFICATION, 0, PLAIN);
    try (OnDeviceSession session = api()) {
      assertEquals(List.of("input_ids", "attention_mask", "labels"), session.trainingInputs());
    }
  }

  @Test
  void artifactsThatDoSomethingElseAreRefused() {
    TrainingArtifacts artifacts =
        artifacts(TinyModels.BERT, Head.SEQUENCE_CLASSIFICATION, 0, PLAIN);
    artifacts(TinyModels.BERT, Head.SEQUENCE_CLASSIFICATION, 0.3, PLAIN);
    String message = TinyModels.refusal(() -> proof(artifacts).check(folder));
    assertTrue(
        message.startsWith(
            folder + ": refused: in update 1 the loss of ONNX Runtime's training API is "),
        message);
  }

  @Test
  void aDecayThatTheApiDoesNotHaveIsRefused() {
    Weights weights = TinyModels.random(TinyModels.BERT, 1);
    AdamW decaying = AdamW.with(0.01, OptionalDouble.empty());
    assertEquals(
        "student.finetune.weight_decay: is 0.01, but the training API's AdamW would also decay"
            + " biases and norms; set it to 0 for --training_artifacts",
        TinyModels.refusal(() -> new TrainingArtifacts(weights, settings(0, decaying))));
  }

  @Test
  void theSameModelGivesTheSameArtifacts() throws Exception {
    artifacts(TinyModels.BERT, Head.SEQUENCE_CLASSIFICATION, 0.1, PLAIN);
    for (Artifact artifact : Artifact.values()) {
      Files.move(artifact.in(folder), folder.resolve("first-" + artifact));
    }
    artifacts(TinyModels.BERT, Head.SEQUENCE_CLASSIFICATION, 0.1, PLAIN);
    for (Artifact artifact : Artifact.values()) {
      assertEquals(
          -1,
          Files.mismatch(artifact.in(folder), folder.resolve("first-" + artifact)),
          artifact.toString());
    }
  }
}
