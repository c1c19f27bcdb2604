package dev.filtrate.runtime;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.onnx.OnnxCodec;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.onnxruntime.Allocator;
import org.bytedeco.onnxruntime.IoBinding;
import org.bytedeco.onnxruntime.MemoryInfo;
import org.bytedeco.onnxruntime.RunOptions;
import org.bytedeco.onnxruntime.Session;
import org.bytedeco.onnxruntime.Value;

/**
 * A CUDA device's memory, for the rest of the process. Device memory comes from a session's
 * allocator and is copied by a session: this one copies bytes to bytes, so no second binding (of
 * CUDA itself) is needed.
 */
final class CudaMemory {
  private static final Map<Device, CudaMemory> OPEN = new HashMap<>();

  private final Session copy;
  private final MemoryInfo place;
  private final Allocator allocator;

  private CudaMemory(Device device) {
    try (PointerScope scope = new PointerScope()) {
      byte[] model = copyModel();
      RuntimeOptions options = RuntimeOptions.defaults().withDevice(device).withThreads(1);
      copy =
          new Session(
              Native.env(),
              new BytePointer(model),
              model.length,
              SessionSettings.of("memory", options));
      place = DeviceMemory.place(device);
      allocator = new Allocator(copy, place.asOrtMemoryInfo());
      copy.retainReference();
      place.retainReference();
      allocator.retainReference();
    } catch (RuntimeException e) {
      throw OnnxRuntime.cudaFailure(device, e);
    }
  }

  /** The device's memory; throws {@link dev.filtrate.base.UserError} if it cannot be used. */
  static synchronized CudaMemory of(Device device) {
    CudaMemory open = OPEN.get(device);
    if (open == null) {
      open = new CudaMemory(device);
      OPEN.put(device, open);
    }
    return open;
  }

  /** Device memory of the allocator, for the innermost scope. */
  Value allocate(DType type, long[] dims) {
    return Value.CreateTensor(allocator.asOrtAllocator(), dims, dims.length, type.onnx());
  }

  /** Copies a host tensor into device memory of the same size. */
  void upload(Tensor from, Value to) {
    long size = from.bytes().remaining();
    if (size > 0) {
      Tensor bytes = Tensor.wrap(DType.UINT8, new long[] {size}, from.bytes());
      copy(DeviceMemory.view(bytes), bytes(place, to.GetTensorMutableRawData(), size));
    }
  }

  /** Copies device memory into a host tensor of the same size, which is in native memory. */
  void download(Value from, Tensor to) {
    long size = to.bytes().remaining();
    if (size > 0) {
      Tensor bytes = Tensor.wrap(DType.UINT8, new long[] {size}, to.bytes());
      copy(bytes(place, from.GetTensorMutableRawData(), size), DeviceMemory.view(bytes));
    }
  }

  private static Value bytes(MemoryInfo place, Pointer address, long size) {
    long[] dims = {size};
    return Value.CreateTensor(place.asOrtMemoryInfo(), address, size, dims, 1, DType.UINT8.onnx());
  }

  private void copy(Value from, Value to) {
    IoBinding binding = new IoBinding(copy);
    Native.bindInput(binding, "from", from);
    Native.bindOutput(binding, "to", to);
    binding.SynchronizeInputs();
    copy.Run(new RunOptions(), binding);
    binding.SynchronizeOutputs();
  }

  /** A graph that delivers its input. */
  static byte[] copyModel() {
    GraphBuilder g = new GraphBuilder();
    var from = g.input("from", DType.UINT8, Shape.of(Dim.named("size")));
    return OnnxCodec.encode(g.build("copy", Map.of("to", g.ops().identity(from))));
  }
}
