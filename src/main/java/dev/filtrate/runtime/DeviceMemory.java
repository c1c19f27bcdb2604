package dev.filtrate.runtime;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.onnxruntime.MemoryInfo;
import org.bytedeco.onnxruntime.Value;
import org.bytedeco.onnxruntime.global.onnxruntime;

/** Allocating on a device, and moving numbers between it and the host. */
final class DeviceMemory {
  /** Smaller results go to the Java heap: no native allocation for a handful of scalars. */
  private static final int SMALL = 4096;

  private DeviceMemory() {}

  /** The place of a device's memory in the runtime's terms; the caller closes it. */
  static MemoryInfo place(Device device) {
    return device.isCuda()
        ? new MemoryInfo(
            "Cuda", onnxruntime.OrtDeviceAllocator, device.index(), onnxruntime.OrtMemTypeDefault)
        : MemoryInfo.CreateCpu(onnxruntime.OrtDeviceAllocator, onnxruntime.OrtMemTypeDefault);
  }

  /** The place of outputs that are fetched from a device; for the innermost scope. */
  static MemoryInfo fetchedTo(Device device) {
    return device.isCuda() ? CudaMemory.of(device).pinned() : place(Device.CPU);
  }

  /** Uninitialised memory, which the value owns; the caller closes it. */
  static Value allocate(Device device, DType type, long[] dims) {
    Native.env();
    try (PointerScope scope = new PointerScope()) {
      Value value =
          device.isCuda()
              ? CudaMemory.of(device).allocate(type, dims)
              : Value.CreateTensor(Native.allocator(), dims, dims.length, type.onnx());
      return value.retainReference();
    }
  }

  /**
   * A value over a host tensor's bytes, for the innermost scope: no copy if they are in native
   * memory. The caller keeps the tensor as long as the value.
   */
  static Value view(Tensor tensor) {
    Native.env();
    ByteBuffer bytes = tensor.bytes();
    Pointer pointer;
    if (bytes.isDirect()) {
      pointer = new Pointer(bytes);
    } else {
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(copy);
      pointer = new BytePointer(Math.max(1, copy.length)).put(copy);
    }
    long[] dims = tensor.dims();
    return Value.CreateTensor(
        place(Device.CPU).asOrtMemoryInfo(),
        pointer,
        bytes.capacity(),
        dims,
        dims.length,
        tensor.type().onnx());
  }

  /** Fills a value with a tensor of the same type and size. */
  static void write(Device device, Value to, Tensor from) {
    try (PointerScope scope = new PointerScope()) {
      if (device.isCuda()) {
        CudaMemory.of(device).upload(from, to);
      } else {
        ByteBuffer bytes = from.bytes();
        if (bytes.hasRemaining()) {
          contents(to, bytes.remaining()).put(bytes);
        }
      }
    }
  }

  /** Fills a value with zeros. */
  static void clear(Device device, Value to, DType type, long[] dims) {
    if (device.isCuda()) {
      write(device, to, Tensor.zeros(type, dims));
      return;
    }
    try (PointerScope scope = new PointerScope()) {
      Pointer.memset(to.GetTensorMutableRawData(), 0, Tensor.count(dims) * type.bytes());
    }
  }

  /** A copy on the host. */
  static Tensor read(Device device, Value from, DType type, long[] dims) {
    long size = Math.multiplyExact(Tensor.count(dims), (long) type.bytes());
    Tensor copy =
        size <= SMALL && !device.isCuda()
            ? Tensor.wrap(type, dims, ByteBuffer.allocate((int) size))
            : Tensor.zeros(type, dims);
    try (PointerScope scope = new PointerScope()) {
      if (device.isCuda()) {
        CudaMemory.of(device).download(from, copy);
      } else if (size > 0) {
        copy.bytes().put(contents(from, size));
      }
    }
    return copy;
  }

  /** The tensor itself if its bytes are in native memory, else a copy there. */
  static Tensor direct(Tensor tensor) {
    if (tensor.bytes().isDirect()) {
      return tensor;
    }
    Tensor copy = Tensor.zeros(tensor.type(), tensor.dims());
    copy.bytes().put(tensor.bytes());
    return copy;
  }

  /** Copies for the host, which a device makes in its own time. */
  static Fetched fetch(Device device, Map<String, DeviceTensor> tensors) {
    if (device.isCuda()) {
      return CudaMemory.of(device).fetch(tensors);
    }
    Map<String, Tensor> copies = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> copies.put(name, tensor.download()));
    return Fetched.now(copies);
  }

  private static ByteBuffer contents(Value value, long size) {
    return value.GetTensorMutableRawData().capacity(size).asByteBuffer();
  }
}
