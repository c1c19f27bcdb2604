package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.runtime.OnnxRuntime;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("ort")
class DoctorCommandTest {
  @Test
  void printsVersionsDevicesAndTrainingOperators() {
    Outcome outcome = Captured.filtrate("doctor");
    assertEquals(0, outcome.code(), outcome.err());
    for (String line :
        new String[] {
          "onnx runtime  " + OnnxRuntime.version(),
          "training      operators are there",
          "own kernels   " + (OnnxRuntime.hasOwnKernels() ? "used; bf16 " : "not used: "),
          "device cpu    usable",
          "device cuda   "
        }) {
      assertTrue(outcome.out().contains("\n" + line), outcome.out());
    }
  }

  @Test
  void printsTheSameAsJson() throws Exception {
    JsonNode facts = new ObjectMapper().readTree(Captured.filtrate("doctor", "--json").out());
    assertEquals(OnnxRuntime.version(), facts.get("onnxruntime").asText());
    assertTrue(facts.get("training_operators").asBoolean());
    assertTrue(facts.get("cores").asInt() > 0);
    assertEquals(OnnxRuntime.hasOwnKernels(), facts.get("own_kernels").asBoolean());
    assertEquals(OnnxRuntime.multipliesBFloat16(), facts.get("bfloat16_products").asBoolean());
  }

  @Test
  void refusesADeviceThatThereIsNot() {
    assertEquals(
        new Outcome(2, "", "filtrate: device: expected cpu, cuda or cuda:<number>, got \"gpu\"\n"),
        Captured.filtrate("doctor", "--device", "gpu"));
    Outcome cuda = Captured.filtrate("doctor", "--device", "cuda:99");
    assertEquals(2, cuda.code());
    assertTrue(cuda.err().startsWith("filtrate: device cuda:99: "), cuda.err());
    assertEquals(1, cuda.err().lines().count());
  }
}
