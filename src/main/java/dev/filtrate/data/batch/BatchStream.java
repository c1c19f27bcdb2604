package dev.filtrate.data.batch;

import dev.filtrate.base.Check;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Batches that a thread of its own makes ahead, a few at a time. One thread takes them. What goes
 * wrong while making one is thrown where it would have been taken. Closing stops the thread.
 */
public final class BatchStream implements Iterator<Batch>, AutoCloseable {
  /** Makes batches, one after the other. */
  @FunctionalInterface
  interface Source {
    /** The next batch, or null at the end. */
    @Nullable Batch next();
  }

  private static final int AHEAD = 4;

  /** A batch, a failure, or (both null) the end. */
  private record Item(@Nullable Batch batch, @Nullable Throwable failure) {}

  private final BlockingQueue<Item> queue = new ArrayBlockingQueue<>(AHEAD);
  private final Thread thread;
  private @Nullable Item head;
  private volatile boolean closed;

  BatchStream(Source source) {
    thread = new Thread(() -> fill(source), "batches");
    thread.setDaemon(true);
    thread.start();
  }

  private void fill(Source source) {
    try {
      Item item;
      do {
        item = make(source);
        queue.put(item);
      } while (item.batch != null && !closed);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed
    }
  }

  @SuppressWarnings("CatchingUnchecked") // whatever it is, the other thread must see it
  private static Item make(Source source) {
    try {
      return new Item(source.next(), null);
    } catch (Throwable failure) {
      return new Item(null, failure);
    }
  }

  /** Whether there is another batch, or a failure to be thrown; waits until that is known. */
  @Override
  public boolean hasNext() {
    Item item = peek();
    return item.batch != null || item.failure != null;
  }

  @Override
  public Batch next() {
    Item item = peek();
    Throwable failure = item.failure;
    if (failure instanceof RuntimeException e) {
      throw e;
    }
    if (failure instanceof Error e) {
      throw e;
    }
    Batch batch = item.batch;
    if (batch == null) {
      throw new NoSuchElementException("the last batch was taken");
    }
    head = null;
    return batch;
  }

  private Item peek() {
    Check.state(!closed, "the stream of batches is closed");
    Item item = head;
    if (item == null) {
      try {
        item = queue.take();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for a batch", e);
      }
      head = item; // the end and a failure stay
    }
    return item;
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    queue.clear();
    head = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the thread is running, for tests. */
  boolean running() {
    return thread.isAlive();
  }
}
