package dev.filtrate.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a checkpoint holds is seen where the runtime loads it, in {@code TrainingArtifactsTest}. */
class TrainingCheckpointTest {
  @TempDir Path folder;

  @Test
  void whatAFlatbufferCannotHoldIsRefused() throws IOException {
    long half = 1L << 30;
    try (RandomAccessFile sparse = new RandomAccessFile(folder.resolve("zeros").toFile(), "rw")) {
      sparse.setLength(half);
      Tensor large =
          Tensor.wrap(
              DType.FLOAT,
              new long[] {half / 4},
              sparse.getChannel().map(MapMode.READ_ONLY, 0, half));
      Path file = folder.resolve("checkpoint");
      UserError error =
          assertThrows(
              UserError.class,
              () ->
                  TrainingCheckpoint.write(
                      file, Map.of("one", large), Map.of("two", large), Map.of()));
      assertEquals(
          file
              + ": 2147486738 bytes of parameters do not fit into a checkpoint of ONNX Runtime's"
              + " training API, which ends at 2 GiB; export a smaller student",
          error.getMessage());
    }
  }
}
