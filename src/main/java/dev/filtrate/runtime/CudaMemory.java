package dev.filtrate.runtime;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.onnx.OnnxCodec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.onnxruntime.Allocator;
import org.bytedeco.onnxruntime.IoBinding;
import org.bytedeco.onnxruntime.MemoryInfo;
import org.bytedeco.onnxruntime.RunOptions;
import org.bytedeco.onnxruntime.Session;
import org.bytedeco.onnxruntime.Value;
import org.bytedeco.onnxruntime.global.onnxruntime;

/**
 * A CUDA device's memory, and the order in which everything happens there, for the rest of the
 * process. Device memory comes from a session's allocator and is copied by a session: this one
 * copies bytes to bytes, so no second binding (of CUDA itself) is needed.
 *
 * <p>All sessions share one stream, so whatever is asked of the device happens in the order in
 * which it was asked: memory can be given back and written anew while kernels that read it still
 * wait for their turn. The host goes on meanwhile. It must {@link #await} before it reads what the
 * device writes, and before it changes pinned memory that the device reads.
 */
final class CudaMemory {
  private static final Map<Device, CudaMemory> OPEN = new HashMap<>();

  /** Bytes of a block of pinned memory: a batch of 128 texts of 128 tokens takes 0.4 MB. */
  private static final int BLOCK = 8 << 20;

  private final Session copy;
  private final IoBinding waiting;
  private final MemoryInfo place;
  private final MemoryInfo pinned;
  private final Allocator allocator;
  private final Allocator host;
  private final Value[] blocks = new Value[2];
  private final Staging staging;
  private final List<Fetched> arriving = new ArrayList<>();
  private Thread asking = Thread.currentThread();

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
      pinned =
          new MemoryInfo(
              "CudaPinned",
              onnxruntime.OrtDeviceAllocator,
              device.index(),
              onnxruntime.OrtMemTypeCPUOutput);
      allocator = new Allocator(copy, place.asOrtMemoryInfo());
      waiting = new IoBinding(copy);
      host = new Allocator(copy, pinned.asOrtMemoryInfo());
      ByteBuffer[] contents = new ByteBuffer[blocks.length];
      for (int i = 0; i < blocks.length; i++) {
        long[] dims = {BLOCK};
        blocks[i] = Value.CreateTensor(host.asOrtAllocator(), dims, 1, DType.UINT8.onnx());
        contents[i] = blocks[i].GetTensorMutableRawData().capacity(BLOCK).asByteBuffer();
        blocks[i].retainReference();
      }
      staging = new Staging(contents, this::await);
      for (Pointer kept : List.of(copy, waiting, place, pinned, allocator, host)) {
        kept.retainReference();
      }
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

  /** The place of host memory that the device reads and writes while the host goes on. */
  MemoryInfo pinned() {
    return pinned;
  }

  /** Lets the device copy a host tensor, which may change from now on, into memory of its size. */
  synchronized void upload(Tensor from, Value to) {
    Pointer start = to.GetTensorMutableRawData();
    staging.write(
        from.bytes(),
        (block, at, size, offset) -> {
          Pointer piece = blocks[block].GetTensorMutableRawData();
          queue(
              bytes(pinned, piece.getPointer(at), size),
              bytes(place, start.getPointer(offset), size));
        });
  }

  /** Copies device memory into a host tensor of the same size, which is in native memory. */
  void download(Value from, Tensor to) {
    long size = to.bytes().remaining();
    if (size > 0) {
      Tensor bytes = Tensor.wrap(DType.UINT8, new long[] {size}, to.bytes());
      queue(bytes(place, from.GetTensorMutableRawData(), size), DeviceMemory.view(bytes));
      await();
    }
  }

  /** Lets the device copy tensors into pinned memory. */
  Fetched fetch(Map<String, DeviceTensor> tensors) {
    try (PointerScope scope = new PointerScope()) {
      return fetched(DeviceTensors.each(tensors, (name, tensor) -> copy(tensor)));
    }
  }

  private DeviceTensor copy(DeviceTensor tensor) {
    long[] dims = tensor.dims();
    Value to = Value.CreateTensor(host.asOrtAllocator(), dims, dims.length, tensor.type().onnx());
    Pointer from = tensor.value().GetTensorMutableRawData();
    queue(
        bytes(place, from, tensor.bytes()),
        bytes(pinned, to.GetTensorMutableRawData(), tensor.bytes()));
    return DeviceTensor.adopt(tensor.name(), Device.CPU, to);
  }

  /** Outputs in pinned memory, kept until the device has written them. */
  synchronized Fetched fetched(DeviceTensors outputs) {
    Fetched fetched = new Fetched(outputs, this::await);
    arriving.add(fetched);
    return fetched;
  }

  /** Waits until the device has done everything that it was asked to. */
  synchronized void await() {
    waiting.SynchronizeOutputs();
    staging.awaited();
    arriving.forEach(Fetched::arrive);
    arriving.clear();
  }

  private static Value bytes(MemoryInfo place, Pointer address, long size) {
    long[] dims = {size};
    return Value.CreateTensor(place.asOrtMemoryInfo(), address, size, dims, 1, DType.UINT8.onnx());
  }

  /** Not by a binding: that copies what it is given from the host, and waits, when it is bound. */
  private void queue(Value from, Value to) {
    Native.check(
        onnxruntime.GetApi()
            .Run(
                copy.asOrtSession(),
                queued().asOrtRunOptions(),
                new PointerPointer<>("from"),
                new PointerPointer<>(1).put(0, from.asOrtValue()),
                1,
                new PointerPointer<>("to"),
                1,
                new PointerPointer<>(1).put(0, to.asOrtValue())));
  }

  /** The options of a run that does not wait for the device, for the innermost scope. */
  synchronized RunOptions queued() {
    if (asking != Thread.currentThread()) {
      await();
      asking = Thread.currentThread();
    }
    RunOptions options = new RunOptions();
    options.AddConfigEntry("disable_synchronize_execution_providers", "1");
    return options;
  }

  /** A graph that delivers its input. */
  static byte[] copyModel() {
    GraphBuilder g = new GraphBuilder();
    var from = g.input("from", DType.UINT8, Shape.of(Dim.named("size")));
    return OnnxCodec.encode(g.build("copy", Map.of("to", g.ops().identity(from))));
  }
}
