package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where nodes are, from a profile as the runtime writes it with its CUDA provider. */
class StepProfileTest {
  private static final String RUN =
      """
      {"cat": "Session", "dur": 100, "ts": %d, "name": "model_run", "args": {}}\
      """;

  private static final String NODE =
      """
      {"cat": "Node", "dur": 5, "ts": %d, "name": "%s_kernel_time",
       "args": {"op_name": "%s", "provider": "%sExecutionProvider"}}\
      """;

  @TempDir private Path folder;

  @Test
  void nodesAndCopiesAreCounted() throws IOException {
    write(
        "p-gradients_2026-11-20_14-24-11_001.json",
        RUN.formatted(0),
        NODE.formatted(1, "early", "MatMul", "CUDA"), // of a run that only warmed up
        RUN.formatted(1000),
        NODE.formatted(1010, "MatMul", "MatMul", "CUDA"),
        NODE.formatted(1020, "shape/Add", "Add", "CPU"),
        NODE.formatted(1030, "shape/Add_1", "Add", "CPU"),
        NODE.formatted(1040, "grad.x/Concat", "Concat", "CPU"),
        NODE.formatted(1050, "Memcpy_token_5", "MemcpyFromHost", "CUDA"));
    write(
        "p-update_2026-11-20_14-24-11_002.json",
        RUN.formatted(1200),
        NODE.formatted(1210, "Memcpy", "MemcpyToHost", "CUDA"),
        NODE.formatted(1220, "w/AdamOptimizer", "AdamOptimizer", "CUDA"));
    StepProfile profile = StepProfile.read(folder, false, 1, 1e-3);
    assertEquals(
        Map.of("CUDAExecutionProvider", 4L, "CPUExecutionProvider", 3L), profile.providers());
    assertEquals(Map.of("Add", 2L, "Concat", 1L), profile.onHost());
    assertEquals(2, profile.copies());
    assertEquals(
        "{\"nodes\":{\"CPUExecutionProvider\":3,\"CUDAExecutionProvider\":4},\"copy_nodes\":2,"
            + "\"on_host\":{\"Add\":2,\"Concat\":1}}",
        profile.placement().toString());
  }

  private void write(String name, String... events) throws IOException {
    Files.writeString(folder.resolve(name), "[" + String.join(",\n", events) + "]");
  }
}
