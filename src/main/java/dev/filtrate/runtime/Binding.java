package dev.filtrate.runtime;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.onnxruntime.IoBinding;
import org.bytedeco.onnxruntime.MemoryInfo;
import org.bytedeco.onnxruntime.Session;
import org.bytedeco.onnxruntime.Value;

/**
 * What a native session reads and writes in its runs. A tensor that is bound again to what it is
 * bound to costs nothing: an update has 1,500 of them. What is bound otherwise stays referenced by
 * the native side until something else is.
 */
final class Binding implements AutoCloseable {
  private final IoBinding binding;
  private final Map<String, DeviceTensor> read = new HashMap<>();
  private final Map<String, DeviceTensor> written = new HashMap<>();

  Binding(Session session) {
    binding = new IoBinding(session);
    binding.retainReference();
  }

  /** Reads an input from a tensor. */
  void input(String name, DeviceTensor tensor) {
    Value value = tensor.value(); // notices one that is closed
    if (read.get(name) != tensor) {
      Native.bindInput(binding, name, value);
      read.put(name, tensor);
    }
  }

  /** Reads an input from memory of this run. */
  void input(String name, Value value) {
    read.remove(name);
    Native.bindInput(binding, name, value);
  }

  /** Writes an output into a tensor. */
  void output(String name, DeviceTensor tensor) {
    Value value = tensor.value();
    if (written.get(name) != tensor) {
      Native.bindOutput(binding, name, value);
      written.put(name, tensor);
    }
  }

  /** Has the runtime allocate an output in some place, anew in each run. */
  void output(String name, MemoryInfo place) {
    written.remove(name);
    binding.BindOutput(name, place.asOrtMemoryInfo());
  }

  /** For the native side. */
  IoBinding value() {
    return binding;
  }

  @Override
  public void close() {
    binding.deallocate();
  }
}
