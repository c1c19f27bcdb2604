package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.train.verify.CaseCopy;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("ort")
class VerifyCommandTest {
  private static final String CASE = "src/test/resources/cases/bert-qa";

  @TempDir Path parent;

  @Test
  void printsEveryQuantityOfACaseUnderBothTargets() {
    Outcome outcome = Captured.filtrate("verify", CASE, "--threads", "1");
    assertEquals(0, outcome.code(), outcome.err());
    List<String> lines = outcome.out().lines().toList();
    assertTrue(lines.get(0).matches("bert-qa, ort: all \\d+ quantities hold"), lines.get(0));
    assertTrue(
        lines.get(2).matches("quantity +largest difference +tolerance +at +ok"), lines.get(2));
    for (String row :
        List.of(
            "hidden_states.2 +[0-9.e-]+ +1.00e-05 +\\[.*\\] +yes",
            "start_logits .*yes",
            "loss .*yes",
            "grad.qa_outputs.weight .*yes",
            "trajectory: loss +[0-9.e-]+ +[0-9.e-]+ +step \\d +yes",
            "final: qa_outputs.weight +[0-9.e-]+ +1.00e-04 .*yes")) {
      assertEquals(2, lines.stream().filter(l -> l.matches(row)).count(), row);
    }
    assertTrue(lines.stream().anyMatch(l -> l.startsWith("bert-qa, portable: all ")));
    assertTrue(
        lines.get(lines.size() - 1).matches("all \\d+ quantities hold in 2 verifications"),
        lines.get(lines.size() - 1));
  }

  @Test
  void aQuantityThatDoesNotHoldIsListedAndIsExitCodeOne() {
    CaseCopy copy = CaseCopy.of("bert-qa", parent).add("reference", "end_logits", 0, 0.5f);
    Outcome outcome =
        Captured.filtrate(
            "verify", copy.folder().toString(), "--brief", "--target", "portable", "--threads=1");
    assertEquals(1, outcome.code(), outcome.err());
    List<String> lines = outcome.out().lines().toList();
    assertTrue(
        lines.get(0).matches("bert-qa, portable: 1 of \\d+ quantities DO NOT HOLD"), lines.get(0));
    assertTrue(
        lines.get(4).matches("end_logits +5.00e-01 +1.00e-05 +\\[0, 0\\] +NO"), lines.get(4));
    assertFalse(outcome.out().contains("start_logits"));
  }

  @Test
  void printsTheSameAsJson() throws Exception {
    CaseCopy copy = CaseCopy.of("bert-qa", parent).add("reference", "end_logits", 0, Float.NaN);
    Outcome outcome =
        Captured.filtrate(
            "verify", "--json", "--target=ort", "--threads=1", CASE, copy.folder().toString());
    assertEquals(1, outcome.code(), outcome.err());
    JsonNode all = new ObjectMapper().readTree(outcome.out());
    assertFalse(all.get("ok").asBoolean());
    JsonNode first = all.get("cases").get(0);
    assertEquals(CASE, first.get("case").asText());
    assertEquals("ort", first.get("target").asText());
    assertTrue(first.get("ok").asBoolean());
    JsonNode quantity = first.get("quantities").get(0);
    assertEquals("hidden_states.0", quantity.get("quantity").asText());
    assertTrue(quantity.get("largest_difference").asDouble() <= 1e-5);
    assertEquals(1e-5, quantity.get("tolerance").asDouble());
    JsonNode second = all.get("cases").get(1);
    assertFalse(second.get("ok").asBoolean());
    for (JsonNode q : second.get("quantities")) {
      boolean logits = q.get("quantity").asText().equals("end_logits");
      assertEquals(!logits, q.get("ok").asBoolean(), q.toString());
      assertEquals(logits, q.get("largest_difference").isNull(), q.toString());
    }
  }

  @Test
  void badInputIsOneSentenceAndExitCodeTwo() {
    assertEquals(
        new Outcome(2, "", "filtrate: expected at least one reference case, a folder, got none\n"),
        Captured.filtrate("verify"));
    assertEquals(
        new Outcome(2, "", "filtrate: nowhere: no such folder; expected a reference case\n"),
        Captured.filtrate("verify", "nowhere"));
    assertEquals(
        new Outcome(2, "", "filtrate: --target: expected ort, portable or both, got \"torch\"\n"),
        Captured.filtrate("verify", CASE, "--target", "torch"));
    assertEquals(
        new Outcome(2, "", "filtrate: --threads: expected 0 (all cores) or more, got \"many\"\n"),
        Captured.filtrate("verify", CASE, "--threads", "many"));
  }

  @Test
  void aCaseThatCannotBeVerifiedDoesNotStopTheOthers() {
    Outcome outcome =
        Captured.filtrate("verify", "nowhere", CASE, "--brief", "--target=ort", "--threads=1");
    assertEquals(2, outcome.code());
    assertEquals(
        "filtrate: nowhere: no such folder; expected a reference case",
        outcome.err().lines().findFirst().orElse(""));
    assertTrue(outcome.out().startsWith("bert-qa, ort: all "), outcome.out());
    assertTrue(
        outcome.out().strip().endsWith("in 1 verification; cases that cannot be verified: 1"),
        outcome.out());
  }
}
