package dev.filtrate.hub;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * A stream that is closed when it brings nothing for too long, so that its reader does not wait
 * forever but learns of "silence".
 */
final class WatchedStream extends FilterInputStream {
  private static final ScheduledExecutorService CLOCK =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "silence of the hub");
            thread.setDaemon(true);
            return thread;
          });

  private final ScheduledFuture<?> check;
  private volatile long last = System.nanoTime();
  private volatile boolean fired;

  WatchedStream(InputStream body, Duration silence) {
    super(body);
    long step = Math.max(1, silence.toMillis() / 4);
    this.check =
        CLOCK.scheduleWithFixedDelay(
            () -> {
              if (System.nanoTime() - last > silence.toNanos()) {
                fired = true;
                try {
                  body.close();
                } catch (IOException e) {
                  // its reader learns of it
                }
              }
            },
            step,
            step,
            TimeUnit.MILLISECONDS);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
  }

  @Override
  public int read(byte[] into, int from, int most) throws IOException {
    try {
      int count = super.read(into, from, most);
      last = System.nanoTime();
      return count;
    } catch (IOException e) {
      throw fired ? new IOException("silence", e) : e;
    }
  }

  @Override
  public void close() throws IOException {
    check.cancel(false);
    super.close();
  }
}
