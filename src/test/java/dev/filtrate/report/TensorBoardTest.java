package dev.filtrate.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.report.proto.TensorBoardProto.Event;
import dev.filtrate.train.Progress;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardTest {
  @TempDir Path folder = Path.of("");

  /** The bytes are those that TensorBoard's own RecordWriter (2.20) makes of the same events. */
  @Test
  void filesAreThoseOfTensorBoardsOwnWriter() throws IOException {
    Map<String, Number> values = new LinkedHashMap<>();
    values.put("train/loss", 0.25f);
    values.put("eval/f1", Double.NaN);
    try (EventFile events = EventFile.begin(folder, 1.5)) {
      events.restart(1.5, 8);
      events.scalars(2.5, 7, values);
    }
    assertEquals(
        "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c"
            + "0f000000000000006d532b0909000000000000f83f10083a0208019571c7d1"
            + "300000000000000095f5d05f09000000000000044010072a230a110a0a747261696e2f6c6f7373150000803e"
            + "0a0e0a076576616c2f6631150000c07f87fcd440",
        HexFormat.of()
            .formatHex(
                Files.readAllBytes(folder.resolve("events.out.tfevents.0000000001.filtrate"))));
  }

  /** What of a run is in its files, in the order in which TensorBoard reads them. */
  private List<String> read(String stage) throws IOException {
    List<String> told = new ArrayList<>();
    List<Path> files;
    try (Stream<Path> all = Files.list(folder.resolve("tensorboard").resolve(stage))) {
      files = all.sorted().toList();
    }
    for (Path file : files) {
      try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
        while (in.available() > 0) {
          long length = Long.reverseBytes(in.readLong());
          in.readInt();
          Event event = Event.parseFrom(in.readNBytes((int) length));
          in.readInt();
          if (event.hasSessionLog()) {
            told.add(event.getSessionLog().getStatus() + " " + event.getStep());
          }
          event
              .getSummary()
              .getValueList()
              .forEach(
                  v -> told.add(event.getStep() + " " + v.getTag() + " " + v.getSimpleValue()));
        }
      }
    }
    return told;
  }

  private static Progress.Update update(int step) {
    Map<String, Float> losses = new LinkedHashMap<>();
    losses.put("loss", (float) step);
    losses.put("mse_loss.0", 2f);
    return new Progress.Update("ted", step, 3, step / 3.0, losses, 0.5, step == 1 ? 0 : 8, 0);
  }

  @Test
  void aRunIsToldWhileItTrains() throws IOException {
    try (TensorBoard board = new TensorBoard(folder)) {
      board.begin(folder.resolve("seed-5"), "ted", 0, 3);
      board.update(update(1));
      board.update(update(2));
      board.evaluation("ted", 2, Map.of("accuracy", 0.75), true);
    }
    List<String> first =
        List.of(
            "1 train/loss 1.0",
            "1 layers/mse_loss.0 2.0",
            "1 train/learning_rate 0.5",
            "2 train/loss 2.0",
            "2 layers/mse_loss.0 2.0",
            "2 train/learning_rate 0.5",
            "2 train/examples_per_second 8.0",
            "2 eval/accuracy 0.75");
    assertEquals(first, read("seed-5/ted"));
    try (TensorBoard board = new TensorBoard(folder)) { // goes on after update 1
      board.begin(folder.resolve("seed-5"), "ted", 1, 3);
      board.evaluation("ted", 2, Map.of("accuracy", 0.5), true);
      board.end("ted", 3, 1);
      board.evaluation("ted", 3, Map.of("accuracy", 1.0), true); // nobody listens
    }
    List<String> all = new ArrayList<>(first);
    all.addAll(List.of("START 2", "2 eval/accuracy 0.5"));
    assertEquals(all, read("seed-5/ted"));
    try (TensorBoard board = new TensorBoard(folder)) { // begins anew
      board.begin(folder.resolve("seed-5"), "ted", 0, 3);
    }
    assertEquals(List.of(), read("seed-5/ted"));
  }

  @Test
  void aRunThatWasMadeWithoutItIsConverted() throws IOException {
    FakeRun.begun(folder).write("tensorboard/old/events.out.tfevents.1", "");
    assertEquals(folder.resolve("tensorboard"), Report.writeTensorBoard(folder));
    assertFalse(Files.exists(folder.resolve("tensorboard/old")));
    assertEquals(
        List.of(
            "1 train/loss 3.0",
            "1 train/pred_loss 1.0",
            "1 train/mse_loss 2.0",
            "1 layers/mse_loss.0 1.0",
            "1 layers/mse_loss.1 3.0",
            "1 train/learning_rate 0.001",
            "1 train/examples_per_second 0.0",
            "1 eval/accuracy 0.5"),
        read("seed-1/ted"));
    assertTrue(read("seed-2/teacher/finetuned").contains("1 train/loss 0.25"));
  }
}
