package dev.filtrate.weights;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * A safetensors file: 8 bytes with the header's length, a JSON header, the tensors' bytes. Reading
 * maps the file: tensors are views of the mapping, their bytes come from disk when first touched.
 * Files may be larger than 2 GiB, single tensors not. The mapping ends when nothing refers to it
 * any more; the file must not be cut short meanwhile (replacing it is fine).
 */
public final class Safetensors {
  /** Written in pieces, so that the channel needs no copy of a whole tensor. */
  private static final int PIECE = 1 << 23;

  private final Path path;
  private final SafetensorsHeader header;
  private final Map<String, ByteBuffer> data;

  private Safetensors(Path path, SafetensorsHeader header, Map<String, ByteBuffer> data) {
    this.path = path;
    this.header = header;
    this.data = data;
  }

  /**
   * Opens a file: reads and checks its header and maps its data. Throws {@link UserError} with the
   * file, the tensor, what was expected and what was found.
   */
  public static Safetensors open(Path file) {
    Check.user(Files.exists(file), "%s: no such file; expected a safetensors file", file);
    Check.user(Files.isRegularFile(file), "%s: not a file; expected a safetensors file", file);
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      byte[] start = MappedBytes.bytes(channel, 0, 8);
      if (start.length < 8) {
        throw SafetensorsHeader.notSafetensors(
            file, "expected at least 8 bytes, found " + start.length);
      }
      if (SafetensorsHeader.isLfsPointer(start)) {
        throw new UserError(
            file + ": holds a pointer of Git LFS, not the weights; run 'git lfs pull' there");
      }
      long length = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
      if (length < 2 || length > Math.min(size - 8, SafetensorsHeader.LONGEST)) {
        throw SafetensorsHeader.notSafetensors(
            file,
            "expected a header of 2 to %d bytes, found a length of %s"
                .formatted(
                    Math.max(2, Math.min(size - 8, SafetensorsHeader.LONGEST)),
                    Long.toUnsignedString(length)));
      }
      byte[] json = MappedBytes.bytes(channel, 8, (int) length);
      SafetensorsHeader header = SafetensorsHeader.decode(file, json, size - 8 - length);
      return new Safetensors(file, header, map(channel, header, 8 + length));
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  /** Views of the data by name: as few mappings as 2 GiB per mapping allow. */
  private static Map<String, ByteBuffer> map(
      FileChannel channel, SafetensorsHeader header, long base) throws IOException {
    List<Map.Entry<String, SafetensorsHeader.Entry>> entries =
        List.copyOf(header.tensors().entrySet());
    Map<String, ByteBuffer> views = new HashMap<>();
    for (int first = 0, next; first < entries.size(); first = next) {
      long begin = entries.get(first).getValue().begin();
      next = first + 1;
      while (next < entries.size()
          && entries.get(next).getValue().end() - begin <= Integer.MAX_VALUE) {
        next++;
      }
      long end = entries.get(next - 1).getValue().end();
      ByteBuffer window = channel.map(FileChannel.MapMode.READ_ONLY, base + begin, end - begin);
      for (Map.Entry<String, SafetensorsHeader.Entry> e : entries.subList(first, next)) {
        int from = (int) (e.getValue().begin() - begin);
        int bytes = (int) (e.getValue().end() - e.getValue().begin());
        views.put(
            e.getKey(),
            MappedBytes.aligned(window.slice(from, bytes), e.getValue().type().bytes()));
      }
    }
    return views;
  }

  /** Where the file is. */
  public Path path() {
    return path;
  }

  /** The tensors' names, in the order of their data. */
  public Set<String> names() {
    return Collections.unmodifiableSet(header.tensors().keySet());
  }

  /** What the file says about itself. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  /** A tensor; throws {@link UserError} if the file has none of this name. */
  public Tensor tensor(String name) {
    SafetensorsHeader.Entry entry = header.tensors().get(name);
    ByteBuffer bytes = data.get(name);
    if (entry == null || bytes == null) {
      throw new UserError(
          "%s: expected a tensor '%s'; found %s".formatted(path, name, Names.some(names())));
    }
    return Tensor.wrap(entry.type(), entry.dims(), bytes);
  }

  /** All tensors by name, in the order of their data. */
  public Map<String, Tensor> tensors() {
    Map<String, Tensor> all = new LinkedHashMap<>();
    names().forEach(name -> all.put(name, tensor(name)));
    return Collections.unmodifiableMap(all);
  }

  /**
   * Writes tensors, whole or not at all. Same tensors, same bytes, whatever the map's order.
   *
   * @param metadata what the file says about itself, besides {@code "format": "pt"}
   */
  public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
    AtomicFiles.write(file, channel -> write(channel, tensors, metadata));
  }

  /**
   * Writes tensors that are made (fetched from a device, say) one after the other, so that not all
   * of them need to be in memory.
   *
   * @param tensors name, type and known shape of each; a name twice is refused
   * @param data gives the tensor of a name; called once per name, in the file's order
   */
  public static void write(
      Path file, List<Value> tensors, Function<String, Tensor> data, Map<String, String> metadata) {
    SafetensorsHeader header = layout(tensors, metadata);
    AtomicFiles.write(file, channel -> write(channel, header, data));
  }

  /** Writes tensors to an open channel. */
  static void write(FileChannel channel, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    List<Value> values =
        tensors.entrySet().stream()
            .map(e -> new Value(e.getKey(), e.getValue().type(), e.getValue().shape()))
            .toList();
    write(channel, layout(values, metadata), name -> Objects.requireNonNull(tensors.get(name)));
  }

  private static SafetensorsHeader layout(List<Value> tensors, Map<String, String> metadata) {
    Map<String, Value> byName = new HashMap<>();
    for (Value v : tensors) {
      Check.argument(
          !v.name().equals(SafetensorsHeader.METADATA), "'%s' cannot name a tensor", v.name());
      Check.argument(byName.put(v.name(), v) == null, "tensor '%s' is given twice", v.name());
    }
    Map<String, SafetensorsHeader.Entry> entries = new LinkedHashMap<>();
    long end = 0;
    List<Value> ordered =
        byName.values().stream()
            .sorted(
                Comparator.<Value>comparingInt(v -> SafetensorsHeader.rank(v.type()))
                    .thenComparing(Value::name))
            .toList();
    for (Value v : ordered) {
      long begin = end;
      end += Tensor.count(v.shape().fixed()) * v.type().bytes();
      entries.put(v.name(), new SafetensorsHeader.Entry(v.type(), v.shape(), begin, end));
    }
    Map<String, String> all = new TreeMap<>(metadata);
    all.putIfAbsent("format", "pt");
    return new SafetensorsHeader(entries, all);
  }

  private static void write(
      FileChannel channel, SafetensorsHeader header, Function<String, Tensor> data)
      throws IOException {
    byte[] json = header.encode();
    ByteBuffer start = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    writeFully(channel, start.putLong(0, json.length));
    writeFully(channel, ByteBuffer.wrap(json));
    for (Map.Entry<String, SafetensorsHeader.Entry> e : header.tensors().entrySet()) {
      Tensor tensor = data.apply(e.getKey());
      Check.argument(
          tensor.type() == e.getValue().type() && tensor.shape().equals(e.getValue().shape()),
          "tensor '%s': announced %s%s, got %s",
          e.getKey(),
          e.getValue().type(),
          e.getValue().shape(),
          tensor);
      writeFully(channel, tensor.bytes());
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      ByteBuffer piece = bytes.slice();
      piece.limit(Math.min(PIECE, piece.limit()));
      bytes.position(bytes.position() + channel.write(piece));
    }
  }
}
