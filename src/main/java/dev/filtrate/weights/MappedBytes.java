package dev.filtrate.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;

/** What the readers of weights need of a file: pieces of it, and mapped ones in a usable place. */
final class MappedBytes {
  private MappedBytes() {}

  /** The bytes from an offset; fewer than asked for where the file ends. */
  static byte[] bytes(FileChannel channel, long from, int count) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(count);
    while (into.hasRemaining() && channel.read(into, from + into.position()) >= 0) {}
    return Arrays.copyOf(into.array(), into.position());
  }

  /** The same to read little-endian numbers from. */
  static ByteBuffer read(FileChannel channel, long from, int count) throws IOException {
    return ByteBuffer.wrap(bytes(channel, from, count)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The view itself, or a copy where the file puts numbers at addresses that are no multiple of
   * their width, as some writers do: the runtime's kernels need aligned data.
   */
  static ByteBuffer aligned(ByteBuffer view, int width) {
    if (!view.hasRemaining() || view.alignmentOffset(0, width) == 0) {
      return view;
    }
    return ByteBuffer.allocateDirect(view.remaining()).put(view).flip();
  }
}
