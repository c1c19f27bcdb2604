package dev.filtrate.weights;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes what {@code torch.save} writes, and what it never would: a pickle, instruction by
 * instruction, and the zip around it.
 */
public final class TorchFile {
  private static final Map<DType, String> STORAGES =
      Map.of(
          DType.FLOAT, "FloatStorage",
          DType.DOUBLE, "DoubleStorage",
          DType.FLOAT16, "HalfStorage",
          DType.BFLOAT16, "BFloat16Storage",
          DType.INT64, "LongStorage",
          DType.INT32, "IntStorage");

  private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();
  private final Map<String, byte[]> entries = new LinkedHashMap<>();

  /** A file with a state dict of contiguous tensors, as transformers saves one. */
  public static void write(Path file, Map<String, Tensor> tensors) {
    TorchFile f = new TorchFile().dict();
    tensors.forEach(
        (name, tensor) -> {
          String key = Integer.toString(f.entries.size());
          byte[] bytes = new byte[tensor.bytes().remaining()];
          tensor.bytes().get(bytes);
          String storage = STORAGES.getOrDefault(tensor.type(), "no such");
          long[] dims = tensor.dims();
          f.text(name).tensor(storage, key, tensor.size(), 0, dims, strides(dims)).op('s');
          f.entry("data/" + key, bytes);
        });
    f.save(file);
  }

  private static long[] strides(long[] dims) {
    long[] strides = new long[dims.length];
    long stride = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= Math.max(dims[i], 1);
    }
    return strides;
  }

  /** Instructions as they are. */
  TorchFile op(int... bytes) {
    for (int b : bytes) {
      pickle.write(b);
    }
    return this;
  }

  /** The start of a pickle that holds an OrderedDict; {@code 's'} puts what follows into it. */
  TorchFile dict() {
    return op(0x80, 2).global("collections", "OrderedDict").op(')', 'R');
  }

  TorchFile global(String module, String name) {
    return op('c').raw(module + "\n" + name + "\n");
  }

  TorchFile raw(String text) {
    pickle.writeBytes(text.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  TorchFile text(String text) {
    int length = text.getBytes(StandardCharsets.UTF_8).length;
    op('X', length, length >> 8, length >> 16, length >> 24);
    return raw(text);
  }

  /** A whole number, written as the wide kind. */
  TorchFile number(long value) {
    op(0x8a, 8);
    for (int i = 0; i < 8; i++) {
      op((int) (value >> (8 * i)));
    }
    return this;
  }

  private TorchFile numbers(long... values) {
    op('(');
    for (long value : values) {
      number(value);
    }
    return op('t');
  }

  /** A tensor of so many numbers in an entry. */
  TorchFile tensor(
      String storage, String key, long numbers, long offset, long[] size, long[] stride) {
    global("torch._utils", "_rebuild_tensor_v2").op('(', '(');
    text("storage").global("torch", storage).text(key).text("cpu").number(numbers).op('t', 'Q');
    number(offset).numbers(size).numbers(stride).op(0x89);
    return global("collections", "OrderedDict").op(')', 'R', 't', 'R');
  }

  /** A float32 tensor over its own entry of these numbers. */
  TorchFile floats(String key, long offset, long[] size, long[] stride, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    entry("data/" + key, bytes.array());
    return tensor("FloatStorage", key, values.length, offset, size, stride);
  }

  /** An entry of the zip beside the pickle. */
  TorchFile entry(String name, byte[] content) {
    entries.put(name, content);
    return this;
  }

  /** Writes the file. */
  Path save(Path file) {
    Map<String, byte[]> all = new LinkedHashMap<>();
    op('.');
    all.put("data.pkl", pickle.toByteArray());
    all.putAll(entries);
    return zip(file, ZipEntry.STORED, all);
  }

  /** Writes a zip whose entries lie in one folder. */
  static Path zip(Path file, int method, Map<String, byte[]> entries) {
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, byte[]> e : entries.entrySet()) {
        ZipEntry entry = new ZipEntry("archive/" + e.getKey());
        CRC32 crc = new CRC32();
        crc.update(e.getValue());
        entry.setMethod(method);
        entry.setSize(e.getValue().length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(e.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }
}
