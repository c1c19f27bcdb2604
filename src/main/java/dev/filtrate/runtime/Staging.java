package dev.filtrate.runtime;

import java.nio.ByteBuffer;

/**
 * Host memory from which a device copies in its own time: blocks that take turns, so that one is
 * written while the device still reads the other. What was written stays as it is until the device
 * has been waited for.
 */
final class Staging {
  private final ByteBuffer[] blocks;
  private final Runnable await;

  /** Whether the device may still read of a block. */
  private final boolean[] pending;

  private int turn;

  /** Asks the device for copies. */
  interface Copies {
    /**
     * A part of what is written, {@code size} bytes from {@code offset} on, is at {@code at} of a
     * block.
     */
    void copy(int block, int at, int size, long offset);
  }

  /**
   * Blocks that hold nothing yet.
   *
   * @param await waits for the device, and says so ({@link #awaited})
   */
  Staging(ByteBuffer[] blocks, Runnable await) {
    this.blocks = blocks;
    this.await = await;
    this.pending = new boolean[blocks.length];
  }

  /** Takes bytes over, in as many parts as it needs, and has the device copy each of them. */
  void write(ByteBuffer bytes, Copies device) {
    ByteBuffer rest = bytes.duplicate();
    long offset = 0;
    while (rest.hasRemaining()) {
      if (!blocks[turn].hasRemaining()) {
        next();
      }
      ByteBuffer block = blocks[turn];
      int at = block.position();
      int size = Math.min(rest.remaining(), block.remaining());
      block.put(rest.slice().limit(size));
      rest.position(rest.position() + size);
      pending[turn] = true;
      device.copy(turn, at, size, offset);
      offset += size;
    }
  }

  private void next() {
    turn = (turn + 1) % blocks.length;
    if (pending[turn]) {
      await.run();
    }
    blocks[turn].clear();
  }

  /** The device has done everything that it was asked to. */
  void awaited() {
    for (int i = 0; i < blocks.length; i++) {
      pending[i] = false;
      blocks[i].clear();
    }
  }
}
