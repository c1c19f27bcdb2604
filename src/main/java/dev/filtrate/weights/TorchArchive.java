package dev.filtrate.weights;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The zip around a PyTorch checkpoint: where each entry's bytes lie in the file. The JDK's own
 * readers give streams; here the storages of several GB are to be mapped where they are, which
 * their being stored without compression allows. Layout: APPNOTE 6.3, with its 64-bit records.
 */
final class TorchArchive {
  private static final int LOCAL = 0x04034b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int END_64 = 0x06064b50;
  private static final int LOCATOR_64 = 0x07064b50;
  private static final int END_BYTES = 22;
  private static final int LOCATOR_BYTES = 20;
  private static final int CENTRAL_BYTES = 46;
  private static final int LOCAL_BYTES = 30;

  /** What a 32-bit field says whose value is in a 64-bit record. */
  private static final long ELSEWHERE = 0xffffffffL;

  /** By their names below the archive's one folder. */
  private final Map<String, Entry> entries;

  /** The bytes of an entry: {@code size} from {@code begin} on. */
  record Entry(String name, long begin, long size) {}

  private TorchArchive(Map<String, Entry> entries) {
    this.entries = entries;
  }

  /** Whether a file that begins so is a zip. */
  static boolean isZip(byte[] start) {
    return start.length >= 4
        && ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getInt() == LOCAL;
  }

  /** Reads the directory; throws {@link UserError} where it does not fit the file. */
  static TorchArchive read(Path file, FileChannel channel) throws IOException {
    long size = channel.size();
    ByteBuffer directory = directory(file, channel, size);
    Map<String, Entry> entries = new LinkedHashMap<>();
    while (directory.hasRemaining()) {
      Entry entry = entry(file, channel, directory);
      Check.user(
          entries.put(entry.name().substring(entry.name().indexOf('/') + 1), entry) == null,
          "%s: the zip has the entry '%s' twice; fetch or write it again",
          file,
          entry.name());
    }
    checkApart(file, entries);
    return new TorchArchive(entries);
  }

  /** The entry of a name below the archive's one folder, or null. */
  @Nullable Entry find(String name) {
    return entries.get(name);
  }

  private static ByteBuffer directory(Path file, FileChannel channel, long size)
      throws IOException {
    int tail = (int) Math.min(size, END_BYTES + 0xffff);
    ByteBuffer end = MappedBytes.read(channel, size - tail, tail);
    int at = tail - END_BYTES;
    while (at >= 0 && !(end.getInt(at) == END && unsigned(end, at + 20) == tail - at - END_BYTES)) {
      at--;
    }
    if (at < 0) {
      throw cutShort(file, "its directory is missing");
    }
    long endAt = size - tail + at;
    long bytes = Integer.toUnsignedLong(end.getInt(at + 12));
    long begin = Integer.toUnsignedLong(end.getInt(at + 16));
    if (at >= LOCATOR_BYTES && end.getInt(at - LOCATOR_BYTES) == LOCATOR_64) {
      long place = end.getLong(at - LOCATOR_BYTES + 8);
      if (place < 0 || place > endAt - 56) {
        throw cutShort(file, "its 64-bit directory is missing");
      }
      ByteBuffer wide = MappedBytes.read(channel, place, 56);
      if (wide.remaining() < 56 || wide.getInt(0) != END_64) {
        throw cutShort(file, "its 64-bit directory is missing");
      }
      bytes = wide.getLong(40);
      begin = wide.getLong(48);
    }
    if (bytes < 0 || begin < 0 || bytes > endAt || begin > endAt - bytes) {
      throw cutShort(
          file,
          "expected a directory of %s bytes at byte %s, found %d bytes"
              .formatted(Long.toUnsignedString(bytes), Long.toUnsignedString(begin), size));
    }
    Check.user(
        bytes <= SafetensorsHeader.LONGEST,
        "%s: the zip's directory has %d bytes; expected at most %d",
        file,
        bytes,
        SafetensorsHeader.LONGEST);
    return MappedBytes.read(channel, begin, (int) bytes);
  }

  /** The next entry of the directory, whose own header says where its bytes begin. */
  private static Entry entry(Path file, FileChannel channel, ByteBuffer directory)
      throws IOException {
    ByteBuffer head = directory.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (head.remaining() < CENTRAL_BYTES || head.getInt(0) != CENTRAL) {
      throw damaged(file, "its directory");
    }
    int nameLength = unsigned(head, 28);
    int extraLength = unsigned(head, 30);
    int length = CENTRAL_BYTES + nameLength + extraLength + unsigned(head, 32);
    if (length > head.remaining()) {
      throw damaged(file, "its directory");
    }
    directory.position(directory.position() + length);
    byte[] name = new byte[nameLength];
    head.get(CENTRAL_BYTES, name);
    String called = new String(name, StandardCharsets.UTF_8);
    Check.user(
        unsigned(head, 10) == 0 && (unsigned(head, 8) & 1) == 0,
        "%s: entry '%s': expected it stored as it is, found it compressed or encrypted; write the"
            + " file again with torch.save",
        file,
        called);
    ByteBuffer extra = head.slice(CENTRAL_BYTES + nameLength, extraLength);
    long[] fields = {field(head, 24), field(head, 20), field(head, 42)};
    widen(file, extra.order(ByteOrder.LITTLE_ENDIAN), fields);
    return located(file, channel, called, fields[0], fields[2]);
  }

  private static Entry located(Path file, FileChannel channel, String name, long size, long header)
      throws IOException {
    long end = channel.size();
    if (size >= 0 && header >= 0 && header <= end - LOCAL_BYTES) {
      ByteBuffer local = MappedBytes.read(channel, header, LOCAL_BYTES);
      long begin = header + LOCAL_BYTES + unsigned(local, 26) + unsigned(local, 28);
      if (local.getInt(0) == LOCAL && begin <= end && size <= end - begin) {
        return new Entry(name, begin, size);
      }
    }
    throw damaged(file, "entry '" + name + "', which is not where the directory says");
  }

  /** Size, compressed size and place, from the 64-bit record where the short fields say so. */
  private static void widen(Path file, ByteBuffer extra, long[] fields) {
    while (extra.remaining() >= 4) {
      int kind = Short.toUnsignedInt(extra.getShort());
      int length = Short.toUnsignedInt(extra.getShort());
      if (length > extra.remaining()) {
        return; // padding of the writer's own kind
      }
      ByteBuffer record = extra.slice(extra.position(), length).order(ByteOrder.LITTLE_ENDIAN);
      extra.position(extra.position() + length);
      for (int i = 0; kind == 1 && i < fields.length; i++) {
        if (fields[i] == ELSEWHERE) {
          if (record.remaining() < 8) {
            throw damaged(file, "its directory");
          }
          fields[i] = record.getLong();
        }
      }
    }
  }

  private static void checkApart(Path file, Map<String, Entry> entries) {
    List<Entry> ordered =
        entries.values().stream().sorted(Comparator.comparingLong(Entry::begin)).toList();
    for (int i = 1; i < ordered.size(); i++) {
      Entry before = ordered.get(i - 1);
      Entry entry = ordered.get(i);
      if (entry.begin() < before.begin() + before.size()) {
        throw damaged(
            file, "entries '%s' and '%s', which overlap".formatted(before.name(), entry.name()));
      }
    }
  }

  private static int unsigned(ByteBuffer bytes, int at) {
    return Short.toUnsignedInt(bytes.getShort(at));
  }

  private static long field(ByteBuffer bytes, int at) {
    return Integer.toUnsignedLong(bytes.getInt(at));
  }

  private static UserError cutShort(Path file, String what) {
    return new UserError(
        "%s: a zip that is cut short: %s; fetch or write it again".formatted(file, what));
  }

  private static UserError damaged(Path file, String what) {
    return new UserError(
        "%s: a zip that is damaged: %s; fetch or write it again".formatted(file, what));
  }
}
