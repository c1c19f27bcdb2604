package dev.filtrate.runtime;

import dev.filtrate.base.Check;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.onnxruntime.LongVector;
import org.bytedeco.onnxruntime.TensorTypeAndShapeInfo;
import org.bytedeco.onnxruntime.Value;
import org.jspecify.annotations.Nullable;

/**
 * A named tensor in a device's memory. Whoever gets one closes it; a session it is bound to never
 * does. Its shape is fixed, its content may change.
 */
public final class DeviceTensor implements AutoCloseable {
  private final String name;
  private final Device device;
  private final DType type;
  private final long[] dims;

  /** The host memory under a view, which must live as long as the native value; else null. */
  private final @Nullable Tensor viewed;

  /** Whose memory this is, where it is not this one's; else null. */
  private final @Nullable DeviceTensor owner;

  private @Nullable Value value;

  private DeviceTensor(
      String name, Device device, DType type, long[] dims, Value value, @Nullable Tensor viewed) {
    this(name, device, type, dims, value, viewed, null);
  }

  private DeviceTensor(
      String name,
      Device device,
      DType type,
      long[] dims,
      Value value,
      @Nullable Tensor viewed,
      @Nullable DeviceTensor owner) {
    this.owner = owner;
    this.name = name;
    this.device = device;
    this.type = type;
    this.dims = dims.clone();
    this.value = value;
    this.viewed = viewed;
  }

  /** Takes over a native value from the innermost scope. */
  static DeviceTensor adopt(String name, Device device, Value value) {
    TensorTypeAndShapeInfo info = value.GetTensorTypeAndShapeInfo();
    LongVector shape = info.GetShape();
    long[] dims = LongStream.range(0, shape.size()).map(shape::get).toArray();
    DType type = DType.ofOnnx(info.GetElementType());
    return new DeviceTensor(name, device, type, dims, value.retainReference(), null);
  }

  /** A copy of a host tensor on a device. */
  public static DeviceTensor upload(String name, Tensor content, Device device) {
    DeviceTensor copy = allocate(name, content.type(), content.dims(), device);
    copy.set(content);
    return copy;
  }

  /** A tensor whose content is not defined before it is written. */
  public static DeviceTensor allocate(String name, DType type, long[] dims, Device device) {
    Value value = DeviceMemory.allocate(device, type, dims);
    return new DeviceTensor(name, device, type, dims, value, null);
  }

  /**
   * Constant weights on the CPU without a copy, over the memory of a mapped file, say. It can be
   * read only; heap memory is copied after all.
   */
  public static DeviceTensor view(String name, Tensor content) {
    Tensor viewed = DeviceMemory.direct(content);
    try (PointerScope scope = new PointerScope()) {
      Value value = DeviceMemory.view(viewed).retainReference();
      return new DeviceTensor(name, Device.CPU, viewed.type(), viewed.dims(), value, viewed);
    }
  }

  /** The same memory for somebody who may close this tensor, but not free the memory. */
  DeviceTensor lent() {
    return new DeviceTensor(name, device, type, dims, value(), viewed, this);
  }

  /** The tensor whose memory this is: equal for all that were lent. */
  DeviceTensor memory() {
    return owner == null ? this : owner;
  }

  /** What it is, in errors and bindings. */
  public String name() {
    return name;
  }

  /** Where it lives. */
  public Device device() {
    return device;
  }

  /** The element type. */
  public DType type() {
    return type;
  }

  /** The sizes of the axes. */
  public long[] dims() {
    return dims.clone();
  }

  /** The bytes it takes. */
  public long bytes() {
    return Tensor.count(dims) * type.bytes();
  }

  /** Fills the tensor with zeros. */
  public void clear() {
    DeviceMemory.clear(device, writable(), type, dims);
  }

  /** Replaces the content by that of a host tensor of the same type and shape. */
  public void set(Tensor content) {
    Check.argument(
        content.type() == type && Arrays.equals(content.dims(), dims),
        "%s: expected %s%s, got %s",
        name,
        type,
        Arrays.toString(dims),
        content);
    DeviceMemory.write(device, writable(), content);
  }

  /** A copy on the host. */
  public Tensor download() {
    return DeviceMemory.read(device, value(), type, dims);
  }

  /** The native value; throws {@link IllegalStateException} once closed. */
  Value value() {
    Value open = value;
    if (open == null || (owner != null && owner.value == null)) {
      throw new IllegalStateException("device tensor '" + name + "' is closed");
    }
    return open;
  }

  /** The native value, to be written. */
  Value writable() {
    Check.state(viewed == null, "device tensor '%s' is a view of constant memory", name);
    return value();
  }

  /** Frees the memory, unless a running binding still needs it; closing again does nothing. */
  @Override
  public void close() {
    Value open = value;
    value = null;
    if (open != null && owner == null) {
      open.deallocate();
    }
  }

  @Override
  public String toString() {
    return name + ":" + type + Arrays.toString(dims) + "@" + device;
  }
}
