package dev.filtrate.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Ctrl-C (and SIGTERM) while training: the first one asks the run to write a checkpoint and stop,
 * and the process waits for that.
 */
final class StopSignal implements BooleanSupplier, AutoCloseable {
  private static final long PATIENCE_SECONDS = 120;

  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook;
  private volatile boolean asked;

  StopSignal(Console console) {
    hook =
        new Thread(
            () -> {
              asked = true;
              console.note("stopping: writing a checkpoint ...");
              try {
                if (!done.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                  console.note("the last update did not end; the checkpoint before it stays");
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "stop");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  @Override
  public boolean getAsBoolean() {
    return asked;
  }

  /** The run has ended, one way or the other. */
  @Override
  public void close() {
    done.countDown();
    if (!asked) {
      Runtime.getRuntime().removeShutdownHook(hook);
    }
  }
}
