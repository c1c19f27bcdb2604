package dev.filtrate.train.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A case that is no case, or a damaged one, is refused in one sentence. */
class ReferenceCaseTest {
  @TempDir Path parent;

  private CaseCopy copy(String name) {
    return CaseCopy.of(name, parent);
  }

  private CaseCopy bert() {
    return copy("bert-classify");
  }

  private CaseCopy ted() {
    return copy("ted-classify");
  }

  private static void assertMessage(Path folder, String message) {
    UserError error = assertThrows(UserError.class, () -> ReferenceCase.read(folder));
    assertEquals(message.replace("CASE", folder.toString()), error.getMessage());
  }

  private static void assertMessage(CaseCopy copy, String message) {
    assertMessage(copy.folder(), message);
  }

  @Test
  void aPlainCaseAndATedCaseAreTold() {
    assertEquals("bert-classify", ReferenceCase.read(bert().folder()).name());
    assertTrue(ReferenceCase.read(copy("deberta-v2-conv").folder()) instanceof PlainCase);
    assertTrue(ReferenceCase.read(ted().folder()) instanceof TedCase);
  }

  @Test
  void whatIsNoCaseIsRefused() {
    assertMessage(parent.resolve("nowhere"), "CASE: no such folder; expected a reference case");
    assertMessage(
        parent,
        "CASE: not a reference case: expected config.json and reference.safetensors, or the"
            + " folders teacher and student");
  }

  @Test
  void anArchitectureThatIsNotSupportedSaysSo() {
    assertMessage(
        bert().json("config", json -> json.put("model_type", "gpt2")),
        "CASE/config.json: model_type 'gpt2' is not supported; expected one of bert, deberta-v2,"
            + " distilbert, electra, roberta, ted-deberta-v2");
  }

  @Test
  void aTaskThatIsNotSupportedSaysSo() {
    assertMessage(
        bert().change("reference", "labels", t -> Tensor.ofLongs(new long[] {2, 6}, new long[12])),
        "CASE/reference.safetensors: the labels int64[2, 6] are those of a language model;"
            + " classification, regression and extractive question answering are supported");
    assertMessage(
        copy("bert-qa").tensors("reference", all -> all.remove("start_positions")),
        "CASE/reference.safetensors: expected labels, or start_positions and end_positions, found"
            + " none of them");
  }

  @Test
  void missingFilesAreNamed() {
    assertMessage(
        bert().delete("reference.safetensors"),
        "CASE/reference.safetensors: no such file; expected a safetensors file");
    assertMessage(
        copy("bert-qa").delete("trajectory.json"),
        "CASE/trajectory.json: no such file; expected a reference case's settings");
    assertMessage(
        copy("bert-regress").delete("final.safetensors"),
        "CASE/final.safetensors: no such file; expected a safetensors file");
    CaseCopy ted = ted().delete("student");
    assertMessage(ted, "CASE/student: no such folder; expected a Hugging Face model folder");
  }

  @Test
  void damagedSettingsAreNamed() {
    CaseCopy copy = bert();
    AtomicFiles.writeText(copy.folder().resolve("trajectory.json"), "{\"loss\": [1,");
    UserError cut = assertThrows(UserError.class, () -> ReferenceCase.read(copy.folder()));
    assertTrue(
        String.valueOf(cut.getMessage()).startsWith(copy.folder() + "/trajectory.json: not JSON: "),
        cut::getMessage);
    AtomicFiles.writeText(copy.folder().resolve("trajectory.json"), "[]");
    assertMessage(
        copy, "CASE/trajectory.json: expected a JSON object with a case's settings and losses");
  }

  @Test
  void settingsThatAreMissingOrNotSupportedAreNamed() {
    CaseCopy copy = bert().json("trajectory", json -> json.put("lr", "fast"));
    assertMessage(copy, "CASE/trajectory.json: 'lr': expected a number over 0, found \"fast\"");
    copy.json("trajectory", json -> json.put("lr", 0));
    assertMessage(copy, "CASE/trajectory.json: 'lr': expected a number over 0, found 0");
    copy.json("trajectory", json -> json.put("lr", 1).put("schedule", "cosine"));
    assertMessage(
        copy, "CASE/trajectory.json: 'schedule': expected one of [linear], found \"cosine\"");
    copy.json("trajectory", json -> json.remove("schedule"));
    assertMessage(
        copy, "CASE/trajectory.json: 'schedule': expected one of [linear], found nothing");
    copy.json("trajectory", json -> json.put("schedule", "linear").remove("betas"));
    assertMessage(
        copy, "CASE/trajectory.json: 'betas': expected a list that is not empty, found nothing");
    copy.json("trajectory", json -> json.putArray("betas").add(0.9));
    assertMessage(copy, "CASE/trajectory.json: 'betas': expected two numbers");
    copy.json("trajectory", json -> json.putArray("betas").add(0.9).add(1.5));
    assertMessage(
        copy, "CASE/trajectory.json: 'betas': expected numbers in [0, 1), found [0.9, 1.5]");
    copy.json("trajectory", json -> json.putArray("loss").add("low"));
    assertMessage(copy, "CASE/trajectory.json: 'loss': expected numbers, found \"low\"");
  }

  @Test
  void batchesThatDoNotFitAreNamed() {
    assertMessage(
        bert().json("trajectory", json -> json.withArray("loss").add(1.0)),
        "CASE/batches.safetensors: expected the batches of 5 steps, found none of step 4");
    assertMessage(
        copy("bert-qa").tensors("batches", all -> all.remove("1.end_positions")),
        "CASE/batches.safetensors: step 1: 'end_positions': expected int64 [2], found none");
    assertMessage(
        copy("bert-regress")
            .change("batches", "2.labels", t -> Tensor.ofLongs(new long[] {2}, 0, 1)),
        "CASE/batches.safetensors: step 2: 'labels': expected float32 [2], found int64[2]");
    CaseCopy deberta =
        copy("deberta-v3-classify")
            .change(
                "batches",
                "0.input_ids",
                t -> {
                  long[] ids = t.toLongs();
                  ids[0] = 20;
                  return Tensor.ofLongs(t.dims(), ids);
                });
    assertMessage(
        deberta,
        "CASE/batches.safetensors: step 0: 'input_ids': expected numbers below 20, found 20");
    assertMessage(
        copy("deberta-v2-conv").change("batches", "0.input_ids", t -> Tensor.scalar(7L)),
        "CASE/batches.safetensors: step 0: expected input_ids of int64 [batch, sequence], found"
            + " int64[]");
  }

  @Test
  void aSequenceLongerThanThePositionsIsRefused() {
    CaseCopy copy =
        bert()
            .json("config", json -> json.put("max_position_embeddings", 4))
            .change(
                "model",
                "bert.embeddings.position_embeddings.weight",
                t -> Tensor.ofFloats(new long[] {4, 8}, new float[32]));
    assertMessage(copy, "CASE/reference.safetensors: 6 tokens, but the model has 4 positions");
  }

  @Test
  void aModelWithoutItsHeadIsRefused() {
    assertMessage(
        bert().tensors("model", all -> all.remove("classifier.bias")),
        "CASE: model.safetensors: expected all parameters of the model, missing are"
            + " [classifier.bias]");
  }

  @Test
  void intervalsThatDoNotMatchAreRefused() {
    assertMessage(
        ted().json("trajectory", json -> json.put("teacher_filter_interval", 1)),
        "CASE/trajectory.json: the intervals give the teacher 4 filters and the student 2;"
            + " expected the same number, at least 1");
  }

  @Test
  void missingKeysOfTedAreNamed() {
    CaseCopy copy = ted().json("trajectory", json -> json.remove("kl_over"));
    assertMessage(
        copy,
        "CASE/trajectory.json: 'kl_over': expected one of [last_axis, batch, labels], found nothing");
    copy.json("trajectory", json -> json.put("kl_over", "batch").remove("settings"));
    assertMessage(copy, "CASE/trajectory.json: 'settings': expected an object, found nothing");
  }
}
