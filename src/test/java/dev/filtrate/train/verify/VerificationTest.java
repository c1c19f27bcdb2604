package dev.filtrate.train.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.train.Engine;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What does not agree is found, and named. */
@Tag("ort")
class VerificationTest {
  private static final Engine ENGINE =
      new Engine(Target.ORT, RuntimeOptions.defaults().withThreads(1));

  @TempDir Path parent;

  private static Verification verify(CaseCopy copy) {
    return Verification.of(ReferenceCase.read(copy.folder()), ENGINE);
  }

  private static List<String> failures(CaseCopy copy) {
    return failures(verify(copy));
  }

  @Test
  void everyWrongEntryIsAFailureOfItsOwnQuantity() {
    CaseCopy copy =
        CaseCopy.of("bert-classify", parent)
            .add("reference", "hidden_states.1", 0, 1e-3f)
            .add("reference", "logits", 0, 1e-3f)
            .add("reference", "loss", 0, 1e-3f)
            .add("reference", "grad.classifier.bias", 0, 1e-3f)
            .add("final", "classifier.bias", 0, 1e-3f);
    assertEquals(
        List.of(
            "hidden_states.1", "logits", "loss", "grad.classifier.bias", "final: classifier.bias"),
        failures(copy));
  }

  @Test
  void aFailureTellsHowLargeAndWhere() {
    CaseCopy copy = CaseCopy.of("bert-classify", parent).add("reference", "logits", 4, 0.25f);
    Quantity logits = verify(copy).failures().get(0);
    assertEquals(0.25, logits.difference(), 1e-5);
    assertEquals(1e-5, logits.tolerance());
    assertEquals("[1, 1]", logits.at());
  }

  @Test
  void aWrongLossOfAStepIsFound() {
    CaseCopy copy =
        CaseCopy.of("bert-classify", parent)
            .json("trajectory", json -> json.withArray("loss").set(2, json.numberNode(1.5)));
    Verification verification = verify(copy);
    assertEquals(List.of("trajectory: loss"), failures(verification));
    assertEquals("step 2", verification.failures().get(0).at());
  }

  private static List<String> failures(Verification verification) {
    return verification.failures().stream().map(Quantity::name).toList();
  }

  @ParameterizedTest(name = "{0}: {1} = {2}")
  @CsvSource({
    "bert-classify, lr, 1.3e-3",
    "bert-classify, weight_decay, 0",
    "bert-classify, gradient_accumulation_steps, 1",
    "bert-qa, eps, 1e-4",
    "bert-regress, warmup_steps, 1",
    "bert-regress, total_steps, 5",
    "bert-regress, clip_grad_norm, 0.01",
    "deberta-v3-classify, clip_grad_norm, 1e9"
  })
  void everySettingOfATrajectoryMatters(String name, String key, double value) {
    boolean integer = key.endsWith("_steps");
    CaseCopy copy =
        CaseCopy.of(name, parent)
            .json(
                "trajectory",
                json -> {
                  if (integer) {
                    json.put(key, (int) value);
                  } else {
                    json.put(key, value);
                  }
                });
    List<String> failures = failures(copy);
    assertFalse(failures.isEmpty());
    assertTrue(
        failures.stream().allMatch(f -> f.startsWith("trajectory: ") || f.startsWith("final: ")),
        failures::toString);
  }

  @Test
  void oneWrongWeightSpoilsEverythingAfterIt() {
    CaseCopy copy =
        CaseCopy.of("deberta-v2-conv", parent)
            .add("model", "deberta.encoder.conv.conv.weight", 5, 0.1f);
    List<String> failures = failures(copy);
    assertFalse(failures.contains("hidden_states.0"));
    assertTrue(
        failures.containsAll(List.of("hidden_states.1", "logits", "loss", "trajectory: loss")),
        failures::toString);
  }

  @Test
  void paddedTokensOfBertDoNotCount() {
    CaseCopy copy = CaseCopy.of("bert-classify", parent);
    Tensor mask =
        CaseFile.open(copy.folder().resolve("reference.safetensors"))
            .tensors()
            .getOrDefault("attention_mask", Tensor.scalar(0f));
    int padded = 0;
    while (mask.get(padded) != 0) {
      padded++;
    }
    copy.add("reference", "hidden_states.1", padded * 8, 1);
    assertEquals(List.of(), failures(copy));
  }

  @Test
  void whatTheReferenceMarksAsNaNIsNotComparedButItsOwnNaNFails() {
    CaseCopy copy =
        CaseCopy.of("bert-qa", parent)
            .add("final", "qa_outputs.bias", 0, Float.NaN)
            .add("reference", "grad.qa_outputs.bias", 0, Float.NaN);
    assertEquals(List.of("grad.qa_outputs.bias"), failures(copy));
  }

  @Test
  void aGradientThatOneSideLacksIsZero() {
    String frozen = "grad.bert.pooler.dense.bias";
    CaseCopy copy =
        CaseCopy.of("bert-classify", parent).tensors("reference", all -> all.remove(frozen));
    assertEquals(List.of(frozen), failures(copy));
  }

  @Test
  void everyStageOfTedIsCompared() {
    CaseCopy copy =
        CaseCopy.of("ted-classify", parent)
            .add("teacher/final_stage1", "filter_pooler.0.dense.weight", 0, 1e-3f)
            .add("student/final_stage1", "filter_head.1.weight", 0, 1e-3f)
            .add("student/final_ted", "deberta.encoder.layer.1.filter.weight", 0, 1e-3f)
            .add("student/final_lwd", "deberta.encoder.layer.0.filter.weight", 0, 1e-3f)
            .add("student/final_kd", "classifier.weight", 0, 1e-3f);
    assertEquals(
        List.of(
            "stage1_teacher: final: filter_pooler.0.dense.weight",
            "stage1_teacher, backbone apart: final: filter_pooler.0.dense.weight",
            "stage1_student: final: filter_head.1.weight",
            "stage1_student, backbone apart: final: filter_head.1.weight",
            "ted: final: deberta.encoder.layer.1.filter.weight",
            "lwd: final: deberta.encoder.layer.0.filter.weight",
            "kd: final: classifier.weight"),
        failures(copy));
  }

  @Test
  void everyTermOfEveryStageIsCompared() {
    CaseCopy copy =
        CaseCopy.of("ted-classify", parent)
            .json(
                "trajectory",
                json -> {
                  for (String stage : List.of("stage1_teacher", "stage1_student")) {
                    ArrayNode losses = json.withArray(stage);
                    losses.set(1, json.numberNode(losses.get(1).doubleValue() * 1.001));
                  }
                  for (String method : List.of("ted", "lwd", "kd")) {
                    ObjectNode row = (ObjectNode) json.withArray(method).get(1);
                    for (String term : List.of("loss", "pred_loss", "kl_loss", "mse_loss")) {
                      row.put(term, row.path(term).doubleValue() * 1.001);
                    }
                  }
                });
    assertEquals(
        List.of(
            "stage1_teacher: loss",
            "stage1_teacher, backbone apart: loss",
            "stage1_student: loss",
            "stage1_student, backbone apart: loss",
            "ted: loss",
            "ted: pred_loss",
            "ted: kl_loss",
            "ted: mse_loss",
            "lwd: loss",
            "lwd: pred_loss",
            "lwd: kl_loss",
            "lwd: mse_loss",
            "kd: loss",
            "kd: pred_loss",
            "kd: kl_loss"),
        failures(copy));
  }

  @Test
  void aTermOfWeightZeroIsLeftOutAndTheRestStillRuns() {
    CaseCopy copy =
        CaseCopy.of("ted-classify", parent).json("trajectory", json -> json.put("kl_alpha", 0));
    Verification verification = verify(copy); // other losses than the reference's, but they are
    List<String> names = verification.quantities().stream().map(Quantity::name).toList();
    assertTrue(names.contains("ted: mse_loss") && !names.contains("ted: kl_loss"), names::toString);
    assertTrue(names.contains("kd: pred_loss") && !names.contains("kd: kl_loss"), names::toString);
  }

  @Test
  void dropoutIsRefused() {
    CaseCopy copy =
        CaseCopy.of("bert-classify", parent)
            .json("config", json -> json.put("hidden_dropout_prob", 0.1));
    assertMessage(
        copy,
        copy.folder() + ": config.json: expected every dropout to be 0, as in a reference case");
  }

  @Test
  void whatTheModelDoesNotHaveIsRefused() {
    CaseCopy copy =
        CaseCopy.of("bert-classify", parent)
            .tensors("reference", all -> all.put("grad.lm_head.bias", Tensor.scalar(1f)));
    assertMessage(
        copy,
        copy.folder().resolve("reference.safetensors")
            + ": 'grad.lm_head.bias': the model has no such parameter");
  }

  @Test
  void aMissingResultIsRefused() {
    CaseCopy copy =
        CaseCopy.of("bert-classify", parent)
            .tensors("reference", all -> all.remove("hidden_states.2"));
    assertMessage(
        copy,
        copy.folder().resolve("reference.safetensors")
            + ": expected a tensor 'hidden_states.2', found none");
    CaseCopy other =
        CaseCopy.of("bert-qa", parent).tensors("final", all -> all.remove("qa_outputs.bias"));
    assertMessage(
        other,
        other.folder().resolve("final.safetensors")
            + ": expected a tensor 'qa_outputs.bias', found none");
    CaseCopy ted = CaseCopy.of("ted-classify", parent).delete("student/final_lwd.safetensors");
    assertMessage(
        ted,
        ted.folder().resolve("student/final_lwd.safetensors")
            + ": no such file; expected a safetensors file");
  }

  @Test
  void lossesOfTooFewStepsAreRefused() {
    CaseCopy copy =
        CaseCopy.of("ted-classify", parent)
            .json("trajectory", json -> json.putArray("stage1_student").add(1.0));
    assertMessage(
        copy,
        copy.folder().resolve("trajectory.json")
            + ": 'stage1_student': expected the losses of 4 steps, found 1");
  }

  @Test
  void aResultOfAnotherShapeIsRefused() {
    CaseCopy copy =
        CaseCopy.of("bert-classify", parent)
            .tensors("reference", all -> all.put("logits", Tensor.ofFloats(new long[] {1}, 0)));
    assertMessage(
        copy,
        copy.folder().resolve("reference.safetensors")
            + ": tensor 'logits': expected float32 [2, 3], found float32[1]");
  }

  private static void assertMessage(CaseCopy copy, String message) {
    assertEquals(message, assertThrows(UserError.class, () -> verify(copy)).getMessage());
  }
}
