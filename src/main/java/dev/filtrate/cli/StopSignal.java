package dev.filtrate.cli;

import dev.filtrate.train.Stopped;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Ctrl-C (and SIGTERM) while training: the first one asks the run to write a checkpoint and stop,
 * and the process waits for that.
 */
final class StopSignal implements BooleanSupplier, AutoCloseable {
  private static final long PATIENCE_SECONDS = 120;

  private final CountDownLatch done = new CountDownLatch(1);
  private final Console console;
  private final Thread hook = new Thread(this::hold, "stop");
  private volatile boolean asked;

  private StopSignal(Console console) {
    this.console = console;
  }

  /**
   * Does work that asks now and then whether to stop. When it did, that is told here: once the
   * signal is closed the process may end at any moment.
   */
  static <T> T during(Console console, Function<StopSignal, T> work) {
    try (StopSignal stop = new StopSignal(console)) {
      Runtime.getRuntime().addShutdownHook(stop.hook);
      try {
        return work.apply(stop);
      } catch (Stopped e) {
        console.error("filtrate: " + e.getMessage());
        throw e;
      }
    }
  }

  /** Asks to stop. */
  void ask() {
    asked = true;
    console.note("stopping: writing a checkpoint ...");
  }

  /** Keeps the process alive until the run has ended. */
  private void hold() {
    ask();
    try {
      if (!done.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        console.note("the last update did not end; the checkpoint before it stays");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public boolean getAsBoolean() {
    return asked;
  }

  /** The run has ended, one way or the other. */
  @Override
  public void close() {
    done.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // the process is ending, and this thread's part in it is done
    }
  }
}
