package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.graph.Tensor;
import dev.filtrate.onnx.Target;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("ort")
class TrainingSessionTest {
  private static final RuntimeOptions OPTIONS = RuntimeOptions.defaults().withThreads(2);
  private static final TinyModel MODEL = TinyModel.small();

  private static Tensor the(String name, Map<String, Tensor> tensors) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  private static float loss(Scalars losses) {
    return Objects.requireNonNull(losses.read().get("loss"));
  }

  private static float norm(Scalars scalars) {
    return Objects.requireNonNull(scalars.read().get(TrainingSession.NORM));
  }

  /** One step on the batch of its number. */
  private static float train(TrainingSession session, long step) {
    float loss = loss(session.accumulate(MODEL.batch(step, 5, 1), Map.of(), 100 + step));
    session.step(0.01, step);
    return loss;
  }

  @ParameterizedTest(name = "{0}")
  @EnumSource(Target.class)
  void changesParametersAndMomentsInPlaceAsAdamWDoes(Target target) {
    TinyModel model = new TinyModel(8, 16, 4, 0.3, target);
    try (TrainingSession session = model.open(model.initial(1), OPTIONS)) {
      for (int step = 1; step <= 5; step++) {
        session.accumulate(model.batch(step, 5, 1), Map.of(), step);
        Map<String, Tensor> w = session.parameters().download();
        Map<String, Tensor> m = session.moments().download();
        Map<String, Tensor> g = session.gradients().download();
        float norm = norm(session.step(0.01, step));
        assertEquals(norm(g), norm, 1e-5 * norm);
        for (String p : g.keySet()) {
          double decay = the(p, w).dims().length > 1 ? TinyModel.ADAM.weightDecay() : 0;
          for (int i = 0; i < the(p, w).size(); i++) {
            double gradient = the(p, g).get(i) * Math.min(1, 1 / (norm + 1e-6));
            double m1 = 0.9 * the("moment1/" + p, m).get(i) + 0.1 * gradient;
            double m2 = 0.999 * the("moment2/" + p, m).get(i) + 0.001 * gradient * gradient;
            double root = Math.sqrt(m2 / (1 - Math.pow(0.999, step))) + 1e-8;
            double before = the(p, w).get(i);
            double after =
                before * (1 - 0.01 * decay) - 0.01 * m1 / (1 - Math.pow(0.9, step)) / root;
            assertEquals(after, session.parameters().get(p).download().get(i), 1e-5, p);
            assertEquals(m1, session.moments().get("moment1/" + p).download().get(i), 1e-6, p);
            assertEquals(m2, session.moments().get("moment2/" + p).download().get(i), 1e-6, p);
          }
        }
      }
    }
  }

  private static double norm(Map<String, Tensor> gradients) {
    double sum = 0;
    for (Tensor gradient : gradients.values()) {
      for (int i = 0; i < gradient.size(); i++) {
        sum += gradient.get(i) * gradient.get(i);
      }
    }
    return Math.sqrt(sum);
  }

  @Test
  void leavesFrozenParametersAlone() {
    Map<String, Tensor> initial = MODEL.initial(1);
    try (TrainingSession session = MODEL.open(initial, OPTIONS)) {
      train(session, 1);
      Map<String, Tensor> after = session.parameters().download();
      assertEquals(initial.keySet(), after.keySet());
      assertEquals(initial.get(TinyModel.FROZEN), after.get(TinyModel.FROZEN));
      assertNotEquals(initial.get("first.weight"), after.get("first.weight"));
      assertEquals(3, session.gradients().names().size());
      assertEquals(6, session.moments().names().size());
    }
  }

  @Test
  void addsUpTheGradientsOfMicroBatches() {
    TinyModel still = new TinyModel(8, 16, 4, 0, Target.ORT);
    Tensor x = TinyModel.normal(1, "x", 6, 8);
    Tensor target = TinyModel.normal(1, "target", 6, 4);
    try (TrainingSession whole = still.open(still.initial(1), OPTIONS);
        TrainingSession parts = still.open(still.initial(1), OPTIONS)) {
      for (int step = 1; step <= 3; step++) {
        Map<String, Tensor> all = Map.of("x", x, "target", target); // gradient_scale is 1
        float expected = loss(whole.accumulate(all, Map.of(), 1));
        float mean = 0;
        for (int part = 0; part < 3; part++) {
          Map<String, Tensor> rows =
              Map.of(
                  "x", rows(x, part),
                  "target", rows(target, part),
                  "gradient_scale", Tensor.scalar(1 / 3f));
          mean += loss(parts.accumulate(rows, Map.of(), 1)) / 3;
        }
        assertEquals(expected, mean, 1e-5);
        Map<String, Tensor> gradients = parts.gradients().download();
        whole
            .gradients()
            .download()
            .forEach((p, gradient) -> assertClose(p, gradient, the(p, gradients), 1e-5));
        assertEquals(norm(whole.step(0.01, step)), norm(parts.step(0.01, step)), 1e-4);
      }
    }
  }

  private static Tensor rows(Tensor t, int part) {
    int columns = (int) t.dims()[1];
    float[] values = new float[2 * columns];
    t.floats().position(2 * part * columns).get(values);
    return Tensor.ofFloats(new long[] {2, columns}, values);
  }

  private static void assertClose(String name, Tensor expected, Tensor actual, double atol) {
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i), actual.get(i), atol, name + "[" + i + "]");
    }
  }

  @Test
  void dropoutIsAFunctionOfTheSeed() {
    try (TrainingSession session = MODEL.open(MODEL.initial(1), OPTIONS)) {
      Map<String, Tensor> batch = MODEL.batch(1, 5, 1);
      float first = loss(session.accumulate(batch, Map.of(), 7));
      Map<String, Tensor> gradients = session.gradients().download();
      float other = loss(session.accumulate(batch, Map.of(), 8));
      session.restore(session.parameters().download(), session.moments().download());
      float again = loss(session.accumulate(batch, Map.of(), 7));
      assertEquals(first, again);
      assertEquals(gradients, session.gradients().download());
      assertNotEquals(first, other);
    }
  }

  @Test
  void aRestoredSessionContinuesBitForBit() {
    Map<String, Tensor> parameters;
    Map<String, Tensor> moments;
    Map<String, Tensor> end;
    Map<Long, Float> losses = new HashMap<>();
    try (TrainingSession session = MODEL.open(MODEL.initial(1), OPTIONS)) {
      train(session, 1);
      train(session, 2);
      parameters = session.parameters().download();
      moments = session.moments().download();
      for (long step = 3; step <= 6; step++) {
        losses.put(step, train(session, step));
      }
      end = session.parameters().download();
    }
    try (TrainingSession session = MODEL.open(MODEL.initial(2), OPTIONS)) {
      train(session, 1);
      session.restore(parameters, moments);
      for (long step = 3; step <= 6; step++) {
        assertEquals(losses.get(step), train(session, step));
      }
      assertEquals(end, session.parameters().download());
    }
  }

  @Test
  void anEvaluationSessionSharesTheParameters() {
    try (TrainingSession session = MODEL.open(MODEL.initial(1), OPTIONS);
        ComputeSession evaluation =
            ComputeSession.open("evaluation", MODEL.onnx(MODEL.inference()), OPTIONS)) {
      evaluation.bindInputs(session.parameters());
      Map<String, Tensor> x = Map.of("x", TinyModel.normal(3, "x", 2, 8));
      Tensor before = the("y", evaluation.run(x));
      assertEquals(before, the("y", evaluation.run(x)));
      train(session, 1);
      Tensor after = the("y", evaluation.run(x));
      assertNotEquals(before, after);
      try (ComputeSession fresh =
              ComputeSession.open("fresh", MODEL.onnx(MODEL.inference()), OPTIONS);
          DeviceTensors copies =
              DeviceTensors.upload(session.parameters().download(), Device.CPU)) {
        fresh.bindInputs(copies);
        assertEquals(after, the("y", fresh.run(x)));
      }
    }
  }

  @Test
  void takesATeachersOutputsFromTheDevice() {
    Map<String, Tensor> initial = MODEL.initial(1);
    Map<String, Tensor> x = Map.of("x", TinyModel.normal(3, "x", 2, 8));
    try (TrainingSession session = MODEL.open(initial, OPTIONS);
        DeviceTensors weights = DeviceTensors.constants(MODEL.initial(5), Device.CPU);
        ComputeSession teacher =
            ComputeSession.open("teacher", MODEL.onnx(MODEL.inference()), OPTIONS)) {
      teacher.bindInputs(weights);
      float given;
      try (DeviceTensors outputs = teacher.runOnDevice(x)) {
        given = loss(session.accumulate(x, Map.of("target", outputs.get("y")), 1));
      }
      session.step(0, 1);
      Map<String, Tensor> feeds = new HashMap<>(x);
      feeds.put("target", the("y", teacher.run(x)));
      assertEquals(given, loss(session.accumulate(feeds, Map.of(), 1)));
    }
  }

  @Test
  void saysWhatIsWrong() {
    Map<String, Tensor> incomplete = new HashMap<>(MODEL.initial(1));
    incomplete.remove("second.weight");
    IllegalArgumentException missing =
        assertThrows(IllegalArgumentException.class, () -> MODEL.open(incomplete, OPTIONS));
    assertEquals("no device tensor 'second.weight'", missing.getMessage());
    TrainingSession session = MODEL.open(MODEL.initial(1), OPTIONS);
    IllegalStateException early =
        assertThrows(IllegalStateException.class, () -> session.step(0.1, 1));
    assertEquals("step 1: no gradients were accumulated", early.getMessage());
    IllegalArgumentException shape =
        assertThrows(
            IllegalArgumentException.class,
            () -> session.parameters().get("first.bias").set(Tensor.scalar(1f)));
    assertEquals("first.bias: expected float32[16], got float32[]", shape.getMessage());
    session.close();
    session.close();
    IllegalStateException closed =
        assertThrows(
            IllegalStateException.class,
            () -> session.accumulate(MODEL.batch(1, 2, 1), Map.of(), 1));
    assertTrue(String.valueOf(closed.getMessage()).endsWith("is closed"), closed.getMessage());
  }
}
