package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.filtrate.graph.Tensor;
import dev.filtrate.onnx.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What sessions leave behind: nothing, over 10,000 steps on batches of many shapes. */
@Tag("ort")
@Tag("slow")
class MemoryTest {
  private static final int STEPS = 10_000;
  private static final int SETTLED = 2_000;
  private static final RuntimeOptions OPTIONS = RuntimeOptions.defaults().withThreads(2);
  private static final TinyModel MODEL = new TinyModel(64, 64, 64, 0.1, Target.ORT);

  @Test
  void tenThousandStepsLeaveNothingBehind() throws IOException {
    Path status = Path.of("/proc/self/statm");
    assumeTrue(Files.isReadable(status), "the system does not tell the resident set's size");
    List<Map<String, Tensor>> batches = new ArrayList<>();
    for (int i = 0; i < 97; i++) {
      Map<String, Tensor> batch = new HashMap<>(MODEL.batch(i, 1 + 37 * i % 97, 0.5f));
      batch.remove("target");
      batches.add(batch);
    }
    try (TrainingSession session = MODEL.open(MODEL.initial(1), OPTIONS);
        DeviceTensors weights = DeviceTensors.constants(MODEL.initial(5), Device.CPU);
        ComputeSession teacher =
            ComputeSession.open("teacher", MODEL.onnx(MODEL.inference()), OPTIONS)) {
      teacher.bindInputs(weights);
      long settled = 0;
      for (int step = 1; step <= STEPS; step++) {
        for (int micro = 0; micro < 2; micro++) {
          Map<String, Tensor> batch = batches.get((2 * step + micro) % batches.size());
          Map<String, Tensor> x = new HashMap<>(batch);
          x.remove("gradient_scale");
          try (DeviceTensors outputs = teacher.runOnDevice(x)) {
            session.accumulate(batch, Map.of("target", outputs.get("y")), step);
          }
        }
        session.step(1e-3, step);
        if (step % 1000 == 0) {
          System.gc();
          long now = Long.parseLong(Files.readString(status).split(" ")[1]) / 256; // pages of 4 KiB
          System.out.printf("step %d: %d MiB resident%n", step, now);
          settled = step == SETTLED ? now : settled;
          assertTrue(
              step <= SETTLED || now - settled < 32,
              "%d MiB after %d steps, %d MiB after %d".formatted(settled, SETTLED, now, step));
        }
      }
    }
  }
}
