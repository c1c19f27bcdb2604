package dev.filtrate.weights;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.weights.TensorPickle.Storage;
import dev.filtrate.weights.TensorPickle.StoredTensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A {@code pytorch_model.bin}: the state dict that {@code torch.save} writes since PyTorch 1.6, a
 * zip with a pickle ({@code data.pkl}) and an uncompressed entry per storage ({@code data/0} …).
 * Tensors are views of the mapped file; only those whose numbers do not lie in order (a transposed
 * view, say) are copied. The file must not be cut short while they are in use.
 */
final class TorchWeights {
  private static final Map<String, DType> TYPES =
      Map.of(
          "FloatStorage", DType.FLOAT,
          "DoubleStorage", DType.DOUBLE,
          "HalfStorage", DType.FLOAT16,
          "BFloat16Storage", DType.BFLOAT16,
          "LongStorage", DType.INT64,
          "IntStorage", DType.INT32,
          "CharStorage", DType.INT8,
          "ByteStorage", DType.UINT8,
          "BoolStorage", DType.BOOL);

  private final Path file;
  private final FileChannel channel;
  private final TorchArchive archive;

  private TorchWeights(Path file, FileChannel channel, TorchArchive archive) {
    this.file = file;
    this.channel = channel;
    this.archive = archive;
  }

  /**
   * The tensors by name, in the state dict's order. Throws {@link UserError} with the file, the
   * tensor, what was expected and what was found.
   */
  static Map<String, Tensor> read(Path file) {
    Check.user(Files.isRegularFile(file), "%s: not a file; expected a PyTorch checkpoint", file);
    try (FileChannel channel = FileChannel.open(file)) {
      byte[] start = MappedBytes.bytes(channel, 0, 8);
      if (!TorchArchive.isZip(start)) {
        throw notZip(file, start);
      }
      return new TorchWeights(file, channel, TorchArchive.read(file, channel)).tensors();
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  private static UserError notZip(Path file, byte[] start) {
    if (SafetensorsHeader.isLfsPointer(start)) {
      return new UserError(
          file + ": holds a pointer of Git LFS, not the weights; run 'git lfs pull' there");
    }
    boolean pickled = start.length > 1 && (start[0] & 0xff) == 0x80 && start[1] <= 5;
    return new UserError(
        pickled
            ? file
                + ": is in the format of PyTorch before 1.6, which is not read; load it with torch"
                + " and save it again, or as safetensors"
            : file + ": not a PyTorch checkpoint: expected a zip that torch.save wrote");
  }

  private Map<String, Tensor> tensors() throws IOException {
    TorchArchive.Entry order = archive.find("byteorder");
    if (order != null && !content(order).equals("little")) {
      throw new UserError(
          file + ": expected little-endian numbers, found others; write it on another machine");
    }
    TorchArchive.Entry pickle = archive.find("data.pkl");
    if (pickle == null) {
      throw new UserError(
          file + ": not a PyTorch checkpoint: expected data.pkl in the zip, found none");
    }
    Object top = TensorPickle.read(file, bytes(pickle));
    if (!(top instanceof Map<?, ?> state)) {
      throw new UserError(
          "%s: expected a dict of tensors by name, found %s; save the model's state_dict()"
              .formatted(file, describe(top)));
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Map.Entry<?, ?> e : state.entrySet()) {
      String name = String.valueOf(e.getKey());
      if (!(e.getValue() instanceof StoredTensor stored)) {
        throw new UserError(
            "%s: expected tensors by name, found %s under '%s'; save the model's state_dict() alone"
                .formatted(file, describe(e.getValue()), name));
      }
      tensors.put(name, tensor(name, stored));
    }
    return tensors;
  }

  private static String describe(@Nullable Object value) {
    if (value instanceof Map) {
      return "a dict";
    }
    return value instanceof StoredTensor
        ? "a tensor"
        : value instanceof List || value instanceof TensorPickle.Tuple ? "a list" : "a plain value";
  }

  private String content(TorchArchive.Entry entry) throws IOException {
    return StandardCharsets.US_ASCII.decode(bytes(entry)).toString();
  }

  private ByteBuffer bytes(TorchArchive.Entry entry) throws IOException {
    Check.user(
        entry.size() <= SafetensorsHeader.LONGEST,
        "%s: entry '%s' has %d bytes; expected at most %d",
        file,
        entry.name(),
        entry.size(),
        SafetensorsHeader.LONGEST);
    return MappedBytes.read(channel, entry.begin(), (int) entry.size());
  }

  private Tensor tensor(String name, StoredTensor stored) throws IOException {
    Storage storage = stored.storage();
    DType type = TYPES.get(storage.type());
    if (type == null) {
      throw new UserError(
          "%s: tensor '%s': numbers of a torch.%s are not supported; expected one of %s"
              .formatted(file, name, storage.type(), TYPES.keySet().stream().sorted().toList()));
    }
    TorchArchive.Entry entry = archive.find("data/" + storage.key());
    if (entry == null) {
      throw damaged(
          name, "expected its numbers in data/%s, which is missing".formatted(storage.key()));
    }
    boolean whole = entry.size() % type.bytes() == 0;
    if (!whole || storage.size() != entry.size() / type.bytes()) {
      throw damaged(
          name,
          "expected %d numbers of %s in data/%s, found %d bytes"
              .formatted(storage.size(), type, storage.key(), entry.size()));
    }
    long[] dims = stored.size().stream().mapToLong(Long::longValue).toArray();
    long span = span(name, stored);
    if (span == 0) {
      return Tensor.zeros(type, dims);
    }
    long count = Tensor.count(dims); // at most the span, so no overflow
    Check.user(
        span * type.bytes() <= Integer.MAX_VALUE,
        "%s: tensor '%s': %s %s; a tensor of 2 GiB or more is not supported",
        file,
        name,
        type,
        stored.size());
    long begin = entry.begin() + stored.offset() * type.bytes();
    ByteBuffer view = channel.map(FileChannel.MapMode.READ_ONLY, begin, span * type.bytes());
    long[] strides = stored.stride().stream().mapToLong(Long::longValue).toArray();
    return isInOrder(dims, strides)
        ? Tensor.wrap(type, dims, MappedBytes.aligned(view, type.bytes()))
        : inOrder(type, dims, strides, view, (int) count);
  }

  /**
   * How many numbers of the storage lie from a tensor's first to its last; 0 for an empty tensor.
   * Every index of a storage that the tensor reaches is inside of it, and no number is there twice,
   * so a short file cannot claim gigabytes.
   */
  private long span(String name, StoredTensor stored) {
    List<Long> size = stored.size();
    List<Long> stride = stored.stride();
    boolean fits = size.size() == stride.size() && stored.offset() >= 0;
    long span = 1;
    long count = 1;
    try {
      for (int i = 0; fits && i < size.size(); i++) {
        fits = size.get(i) >= 0 && stride.get(i) >= 0;
        count = Math.multiplyExact(count, size.get(i));
        span = Math.addExact(span, Math.multiplyExact(Math.max(size.get(i), 1) - 1, stride.get(i)));
      }
      fits =
          fits && Math.addExact(stored.offset(), count == 0 ? 0 : span) <= stored.storage().size();
    } catch (ArithmeticException e) {
      fits = false;
    }
    if (!fits) {
      throw damaged(
          name,
          "sizes %s, strides %s from number %d on lead out of its storage of %d numbers"
              .formatted(size, stride, stored.offset(), stored.storage().size()));
    }
    Check.user(
        count <= span,
        "%s: tensor '%s': repeats %d numbers as %d (an expanded view); save it as .contiguous()",
        file,
        name,
        span,
        count);
    return count == 0 ? 0 : span;
  }

  private static boolean isInOrder(long[] dims, long[] strides) {
    long expected = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      if (dims[i] != 1 && strides[i] != expected) {
        return false;
      }
      expected *= dims[i];
    }
    return true;
  }

  /** A row-major copy of a strided view. */
  private static Tensor inOrder(
      DType type, long[] dims, long[] strides, ByteBuffer from, int count) {
    Tensor copy = Tensor.zeros(type, dims);
    ByteBuffer to = copy.bytes();
    from.order(ByteOrder.LITTLE_ENDIAN);
    long[] index = new long[dims.length];
    int width = type.bytes();
    long at = 0;
    for (int i = 0; i < count; i++) {
      switch (width) {
        case 1 -> to.put(i, from.get((int) at));
        case 2 -> to.putShort(2 * i, from.getShort((int) (2 * at)));
        case 4 -> to.putInt(4 * i, from.getInt((int) (4 * at)));
        default -> to.putLong(8 * i, from.getLong((int) (8 * at)));
      }
      for (int d = dims.length - 1; d >= 0; d--) {
        at += strides[d];
        if (++index[d] < dims[d]) {
          break;
        }
        at -= dims[d] * strides[d];
        index[d] = 0;
      }
    }
    return copy;
  }

  private UserError damaged(String tensor, String what) {
    return new UserError(
        "%s: tensor '%s': %s; the file is damaged, fetch or write it again"
            .formatted(file, tensor, what));
  }
}
