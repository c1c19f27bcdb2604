package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.base.TestSeed;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Bytes arrive at a device that copies as late as it may. */
class StagingTest {
  private final ByteBuffer[] blocks = {ByteBuffer.allocate(100), ByteBuffer.allocate(100)};
  private final List<Runnable> queue = new ArrayList<>();
  private final Staging staging = new Staging(blocks, this::await);
  private int waits;

  private void await() {
    waits++;
    arrive();
  }

  private void arrive() {
    queue.forEach(Runnable::run);
    queue.clear();
    staging.awaited();
  }

  private void send(byte[] from, byte[] to) {
    staging.write(
        ByteBuffer.wrap(from),
        (block, at, size, offset) ->
            queue.add(() -> blocks[block].get(at, to, (int) offset, size)));
  }

  @Test
  void arriveAsTheyWereWhenTheyWereWritten() {
    long seed = TestSeed.get();
    Random random = new Random(seed);
    List<byte[]> sent = new ArrayList<>();
    List<byte[]> arrived = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      byte[] bytes = new byte[random.nextInt(i % 10 == 0 ? 1000 : 60)];
      random.nextBytes(bytes);
      sent.add(bytes.clone());
      arrived.add(new byte[bytes.length]);
      send(bytes, arrived.get(i));
      random.nextBytes(bytes); // what was taken over is nobody's business any more
      if (i % 7 == 0) {
        arrive();
      }
    }
    arrive();
    for (int i = 0; i < sent.size(); i++) {
      assertArrayEquals(sent.get(i), arrived.get(i), TestSeed.hint(seed));
    }
  }

  @Test
  void waitOnlyWhereBothBlocksAreInUse() {
    byte[] batch = new byte[60];
    for (int step = 0; step < 10; step++) {
      send(batch, new byte[60]);
      send(batch, new byte[60]);
      send(batch, new byte[60]);
      arrive(); // somebody reads a loss
    }
    assertEquals(0, waits);
    send(new byte[500], new byte[500]);
    assertEquals(2, waits); // before the third and the fifth block
  }
}
