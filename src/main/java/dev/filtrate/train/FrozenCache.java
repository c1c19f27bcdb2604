package dev.filtrate.train;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.recipe.FrozenCacheSettings;
import dev.filtrate.weights.HalfPrecision;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A file with what a frozen model said of every example: a record an example, found by arithmetic,
 * since an example's tokens are counted beforehand. A record that was never written, or not wholly,
 * or has changed, does not fit its checksum and counts as absent; so the file is valid at every
 * moment and can be filled in any order, by one run after the other.
 *
 * <p>Layout, little-endian: the key in 64 bytes; 8 bytes an example, the CRC-32C of its record with
 * bit 32 set once there is one; the records. A record is its columns one after the other, those of
 * tokens row by row. Read and written at positions, which leaves the caching to the system and has
 * no limit of 2 GiB, unlike Java's mapped buffers.
 */
final class FrozenCache implements AutoCloseable {
  private static final int KEY_BYTES = 64;
  private static final int ENTRY_BYTES = 8;
  private static final long WRITTEN = 1L << 32;

  private final Path file;
  private final FileChannel channel;
  private final FileLock lock;
  private final List<Column> columns;
  private final DType type;
  private ByteBuffer room = ByteBuffer.allocateDirect(0);

  /** Where the record of each example starts, and where the last one ends. */
  private final long[] starts;

  private final int[] lengths;

  /**
   * An output of the model.
   *
   * @param name the output
   * @param rank its number of axes
   * @param perToken whether it is {@code [batch, sequence, ...]}; else {@code [batch, ...]}
   * @param width values of an example, or of a token
   */
  record Column(String name, int rank, boolean perToken, int width) {
    int values(int length) {
      return perToken ? length * width : width;
    }
  }

  private FrozenCache(
      Path file,
      FileChannel channel,
      FileLock lock,
      List<Column> columns,
      int[] lengths,
      DType type) {
    this.file = file;
    this.channel = channel;
    this.lock = lock;
    this.columns = List.copyOf(columns);
    this.lengths = lengths.clone();
    this.type = type;
    this.starts = starts(columns, lengths, type);
  }

  private static long[] starts(List<Column> columns, int[] lengths, DType type) {
    long[] starts = new long[lengths.length + 1];
    starts[0] = KEY_BYTES + (long) ENTRY_BYTES * lengths.length;
    for (int i = 0; i < lengths.length; i++) {
      long values = 0;
      for (Column column : columns) {
        values += column.values(lengths[i]);
      }
      starts[i + 1] = starts[i] + values * type.bytes();
    }
    return starts;
  }

  /**
   * Opens the cache of a key in a folder, or begins it; what is there under the name and is not
   * this cache is begun anew. Somebody else's use of it, and too little room, are {@link
   * UserError}s.
   *
   * @param settings how values are kept, and the recipe's keys for errors
   * @param key 64 hexadecimal digits: a hash of all that the contents depend on
   * @param lengths tokens of every example
   */
  static FrozenCache open(
      Path folder, FrozenCacheSettings settings, String key, List<Column> columns, int[] lengths) {
    Check.argument(key.length() == KEY_BYTES, "key '%s'", key);
    Path file = folder.resolve(key.substring(0, 16) + ".cache");
    FileChannel channel = null;
    boolean opened = false;
    try {
      Files.createDirectories(folder);
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      FileLock lock = lock(channel, file, settings.key());
      DType type = settings.dtype().type();
      FrozenCache cache = new FrozenCache(file, channel, lock, columns, lengths, type);
      if (!cache.isOf(key)) {
        cache.begin(key, settings);
      }
      opened = true;
      return cache;
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    } finally {
      if (!opened && channel != null) {
        closeQuietly(channel);
      }
    }
  }

  private static FileLock lock(FileChannel channel, Path file, String setting) throws IOException {
    FileLock lock = null;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // another one of this process: told below
    }
    if (lock == null) {
      throw UserError.of(
          "%s: another run is using this cache; wait for it, or give another %s", file, setting);
    }
    return lock;
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // what went wrong before is being told
    }
  }

  private boolean isOf(String key) throws IOException {
    if (channel.size() != starts[lengths.length]) {
      return false;
    }
    ByteBuffer found = buffer(KEY_BYTES);
    read(found, 0);
    return StandardCharsets.US_ASCII.decode(found).toString().equals(key);
  }

  private void begin(String key, FrozenCacheSettings settings) throws IOException {
    long needed = starts[lengths.length];
    long room = Files.getFileStore(file).getUsableSpace() + channel.size();
    Check.user(
        needed <= room,
        "%s: all outputs take %.1f GB, and %.1f GB are free; use %s float16, a folder with more"
            + " room, or no %s",
        file,
        needed / 1e9,
        room / 1e9,
        settings.dtypeKey(),
        settings.key());
    channel.truncate(0);
    ByteBuffer entries = buffer(ENTRY_BYTES * lengths.length);
    write(entries, KEY_BYTES);
    write(buffer(1), needed - 1); // the system leaves out what is not written
    write(ByteBuffer.wrap(key.getBytes(StandardCharsets.US_ASCII)), 0); // last: now it is a cache
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The record of an example: its values as float32, columns in order; null = not there. It stays
   * as it is until the next call.
   */
  @Nullable ByteBuffer get(int example) {
    try {
      ByteBuffer entry = buffer(ENTRY_BYTES);
      read(entry, entryAt(example));
      ByteBuffer record = room((int) (starts[example + 1] - starts[example]));
      long said = entry.getLong(0);
      if ((said & WRITTEN) == 0) {
        return null;
      }
      read(record, starts[example]);
      return said == sum(record) ? widened(record) : null;
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  /**
   * Writes the record of an example.
   *
   * @param values as {@link #get} gives them
   * @return the values as they will be read, that is rounded where the cache is of float16
   */
  ByteBuffer put(int example, ByteBuffer values) {
    ByteBuffer record = type == DType.FLOAT ? values.duplicate() : narrowed(values);
    record.order(ByteOrder.LITTLE_ENDIAN).position(0);
    Check.argument(
        record.limit() == starts[example + 1] - starts[example],
        "example %d: %d bytes",
        example,
        record.limit());
    ByteBuffer entry = buffer(ENTRY_BYTES).putLong(0, sum(record));
    try {
      write(record.duplicate(), starts[example]);
      write(entry, entryAt(example));
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
    return widened(record);
  }

  /** Native memory for a record, the same again and again: a step reads many megabytes. */
  private ByteBuffer room(int bytes) {
    if (room.capacity() < bytes) {
      room = ByteBuffer.allocateDirect(bytes);
    }
    return room.slice(0, bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static long entryAt(int example) {
    return KEY_BYTES + (long) ENTRY_BYTES * example;
  }

  private static long sum(ByteBuffer record) {
    CRC32C crc = new CRC32C();
    crc.update(record.duplicate().position(0));
    return WRITTEN | crc.getValue();
  }

  private ByteBuffer widened(ByteBuffer record) {
    if (type == DType.FLOAT) {
      return record;
    }
    ByteBuffer wide = buffer(2 * record.limit());
    for (int i = 0; i < record.limit() / 2; i++) {
      wide.putInt(4 * i, HalfPrecision.float16Bits(record.getShort(2 * i)));
    }
    return wide;
  }

  private static ByteBuffer narrowed(ByteBuffer values) {
    ByteBuffer from = values.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer narrow = buffer(values.limit() / 2);
    for (int i = 0; i < values.limit() / 4; i++) {
      narrow.putShort(2 * i, HalfPrecision.float16(from.getFloat(4 * i)));
    }
    return narrow;
  }

  private void read(ByteBuffer into, long from) throws IOException {
    while (into.hasRemaining()) {
      if (channel.read(into, from + into.position()) < 0) {
        throw new IOException("it has become shorter");
      }
    }
    into.flip();
  }

  private void write(ByteBuffer from, long at) throws IOException {
    int start = from.position();
    while (from.hasRemaining()) {
      channel.write(from, at + from.position() - start);
    }
  }

  @Override
  public void close() {
    try {
      lock.release();
      channel.close();
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }

  /** Tokens of an example. */
  int tokens(int example) {
    return lengths[example];
  }

  /** Numbers in the record of an example. */
  int values(int example) {
    return (int) ((starts[example + 1] - starts[example]) / type.bytes());
  }

  List<Column> columns() {
    return columns;
  }
}
