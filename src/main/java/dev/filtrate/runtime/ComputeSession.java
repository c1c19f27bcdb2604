package dev.filtrate.runtime;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Tensor;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.onnxruntime.IoBinding;
import org.bytedeco.onnxruntime.MemoryInfo;
import org.bytedeco.onnxruntime.RunOptions;
import org.bytedeco.onnxruntime.Session;
import org.bytedeco.onnxruntime.SessionOptions;
import org.bytedeco.onnxruntime.StringVector;
import org.bytedeco.onnxruntime.Value;
import org.bytedeco.onnxruntime.ValueVector;
import org.jspecify.annotations.Nullable;

/**
 * One ONNX model, ready to run. An input is fed from the host at each run, given on the device for
 * one run, or bound to a device tensor for good; an output is fetched to the host, left on the
 * device, or written into a device tensor it is bound to. Not for several threads.
 */
public final class ComputeSession implements AutoCloseable {
  /** Of a session that does not replay. */
  private static final int PLAIN = 0;

  /** A run of one that does, whose kernels are not kept. */
  private static final int NO_GRAPH = -1;

  private final String name;
  private final Device device;
  private final boolean profiled;
  private final List<String> inputs;
  private final List<String> outputs;
  private final Map<String, DeviceTensor> boundInputs = new LinkedHashMap<>();
  private final Map<String, DeviceTensor> boundOutputs = new LinkedHashMap<>();

  /** Inputs that the session reads on its device: all but those that kernels want on the host. */
  private final Set<String> onDevice;

  /** Initializers that the native session reads where they are. */
  private final DeviceTensors shared;

  /** Where it replays; else null. */
  private final @Nullable Replays replays;

  private @Nullable Session session;

  /** Of all runs that keep nothing large alive by it. */
  private final Binding standing;

  /**
   * What a run delivered.
   *
   * @param host the outputs that were fetched
   * @param device the outputs that were left on the device, for the caller to close
   */
  public record Outputs(Map<String, Tensor> host, DeviceTensors device) {}

  private ComputeSession(
      String name, Session session, RuntimeOptions options, DeviceTensors shared) {
    this.name = name;
    this.session = session;
    this.device = options.device();
    this.profiled = options.profilePrefix().isPresent();
    this.shared = shared;
    this.replays = options.replays() ? new Replays(device) : null;
    try (PointerScope scope = new PointerScope()) {
      this.standing = new Binding(session);
      this.inputs = Native.strings(session.GetInputNames());
      this.outputs = Native.strings(session.GetOutputNames());
      this.onDevice = device.isCuda() ? Native.onDevice(session, inputs) : Set.of();
    }
  }

  /** Loads a model; {@code name} says in errors which one it is. */
  public static ComputeSession open(String name, byte[] model, RuntimeOptions options) {
    return open(name, model, Map.of(), options);
  }

  /**
   * Loads a model whose initializers are stored elsewhere.
   *
   * @param initializers contents for initializers that the model declares as external data. With
   *     prepacking they are not needed once the session is open; without, those in native memory
   *     (mapped files, say) are used where they are, and there is no second copy of them
   */
  public static ComputeSession open(
      String name, byte[] model, Map<String, Tensor> initializers, RuntimeOptions options) {
    Native.env();
    try (PointerScope scope = new PointerScope()) {
      BytePointer bytes = new BytePointer(model);
      return open(
          name, initializers, options, o -> new Session(Native.env(), bytes, model.length, o));
    }
  }

  /** Loads a model from its file, with external data beside it if it has any. */
  public static ComputeSession openFile(String name, Path model, RuntimeOptions options) {
    Native.env();
    try (PointerScope scope = new PointerScope()) {
      Pointer path = Native.path(model.toString());
      return open(name, Map.of(), options, o -> new Session(Native.env(), path, o));
    }
  }

  /**
   * Writes a model as the runtime rewrites it for the CPU: with fused operators of its own, and
   * constants folded. Memory layouts of this processor are left out, so that the file runs on
   * others.
   *
   * @param beside whether weights go into a file {@code <to>_data} beside it
   */
  public static void writeOptimized(Path model, Path to, boolean beside, RuntimeOptions options) {
    RuntimeOptions extended =
        options.withDevice(Device.CPU).withOptimization(RuntimeOptions.Optimization.EXTENDED);
    Native.env();
    try (PointerScope scope = new PointerScope()) {
      SessionOptions settings = SessionSettings.of(to.toString(), extended);
      settings.SetOptimizedModelFilePath(Native.path(to.toString()));
      if (beside) {
        settings.AddConfigEntry(
            "session.optimized_model_external_initializers_file_name", to.getFileName() + "_data");
      }
      new Session(Native.env(), Native.path(model.toString()), settings).deallocate();
    } catch (RuntimeException e) {
      throw Native.failure("session '" + model + "' cannot be optimized", e);
    }
  }

  private interface Loader {
    Session load(SessionOptions options);
  }

  private static ComputeSession open(
      String name, Map<String, Tensor> initializers, RuntimeOptions options, Loader loader) {
    if (options.device().isCuda()) {
      OnnxRuntime.requireCuda(options.device());
    }
    // Kernels that prepack a weight need no other copy of it afterwards.
    DeviceTensors shared =
        options.prepacking()
            ? DeviceTensors.empty()
            : DeviceTensors.constants(initializers, Device.CPU);
    boolean opened = false;
    try (PointerScope scope = new PointerScope()) {
      SessionOptions settings = SessionSettings.of(name, options);
      addInitializers(settings, initializers, shared);
      Session session = loader.load(settings);
      session.retainReference();
      opened = true;
      return new ComputeSession(name, session, options, shared);
    } catch (RuntimeException e) {
      throw Native.failure("session '" + name + "' cannot be opened", e);
    } finally {
      Reference.reachabilityFence(initializers); // their native memory was in use to here
      if (!opened) {
        shared.close();
      }
    }
  }

  /**
   * Hands over initializers. What is added as external is copied into the graph, so that constants
   * can be folded, and freed when the session is ready; what is added as shared too is then used
   * where it is.
   */
  private static void addInitializers(
      SessionOptions settings, Map<String, Tensor> contents, DeviceTensors shared) {
    if (contents.isEmpty()) {
      return;
    }
    StringVector names = new StringVector();
    ValueVector values = new ValueVector(contents.size());
    contents.forEach(
        (initializer, content) -> {
          values.put(names.size(), DeviceMemory.view(content));
          names.push_back(initializer);
        });
    settings.AddExternalInitializers(names, values);
    shared.values().forEach(t -> settings.AddInitializer(t.name(), t.value().asOrtValue()));
  }

  /** The model's name, as in errors. */
  public String name() {
    return name;
  }

  /** Where it runs. */
  public Device device() {
    return device;
  }

  /** The model's inputs, bound ones too, in its order. */
  public List<String> inputs() {
    return inputs;
  }

  /** The model's outputs, bound ones too, in its order. */
  public List<String> outputs() {
    return outputs;
  }

  /** Reads an input from a device tensor at every run from now on. The tensor stays its owner's. */
  public void bindInput(String input, DeviceTensor tensor) {
    requireKnown("input", input, inputs);
    requireHere(input, tensor);
    boundInputs.put(input, tensor);
  }

  /** Binds every tensor that is called like an input: parameters, say. */
  public void bindInputs(DeviceTensors tensors) {
    tensors
        .asMap()
        .forEach(
            (input, tensor) -> {
              if (inputs.contains(input)) {
                bindInput(input, tensor);
              }
            });
  }

  /**
   * Writes an output into a device tensor at every run from now on. The tensor may be bound to an
   * input too, if every node reads the old value before the new one is written.
   */
  public void bindOutput(String output, DeviceTensor tensor) {
    requireKnown("output", output, outputs);
    requireHere(output, tensor);
    tensor.writable();
    boundOutputs.put(output, tensor);
  }

  /** Runs, and fetches every output that is not bound. */
  public Map<String, Tensor> run(Map<String, Tensor> feeds) {
    return run(feeds, Map.of(), Set.of()).host();
  }

  /** Runs, and fetches every output that is not bound. */
  public Map<String, Tensor> run(Map<String, Tensor> feeds, Map<String, DeviceTensor> given) {
    return run(feeds, given, Set.of()).host();
  }

  /**
   * Has the device run, and does not wait for it: the outputs that are not bound come to the host
   * in the device's own time. Where the session replays, the runtime itself waits for the kernels.
   */
  Fetched queue(Map<String, Tensor> feeds, Map<String, DeviceTensor> given) {
    return queue(feeds, given, Set.of()).host();
  }

  /** Waits until the device has done everything that it was asked to, by any session. */
  public void await() {
    if (device.isCuda()) {
      CudaMemory.of(device).await();
    }
  }

  /** Runs, and leaves every output that is not bound on the device; the caller closes them. */
  public DeviceTensors runOnDevice(Map<String, Tensor> feeds) {
    return run(feeds, Map.of(), Set.copyOf(outputs)).device();
  }

  /**
   * Runs. Feeds, given tensors and bound ones together must be the model's inputs.
   *
   * @param feeds inputs from the host; native memory is not copied on the CPU
   * @param given inputs from the device, for this run. Where the session replays, they are what
   *     another that does left on the device: their addresses must come back
   * @param left the outputs to leave on the device; the other ones that are not bound are fetched.
   *     Where the session replays, they hold what they do until its next run
   */
  public Outputs run(Map<String, Tensor> feeds, Map<String, DeviceTensor> given, Set<String> left) {
    return queue(feeds, given, left).outputs();
  }

  private Queued queue(
      Map<String, Tensor> feeds, Map<String, DeviceTensor> given, Set<String> left) {
    open();
    requireInputs(feeds.keySet(), given.keySet());
    return replays == null
        ? queue(feeds, given, boundOutputs, left, PLAIN)
        : replay(replays, feeds, given, left);
  }

  private Queued replay(
      Replays places,
      Map<String, Tensor> feeds,
      Map<String, DeviceTensor> given,
      Set<String> left) {
    given.forEach(
        (input, tensor) ->
            Check.argument(
                tensor.memory() != tensor,
                "session '%s' replays: '%s' must be what another that does left on the device",
                name,
                input));
    List<DeviceTensor> bound = new ArrayList<>(boundInputs.values());
    bound.addAll(given.values());
    bound.addAll(boundOutputs.values());
    Replays.Buffers buffers =
        places.of(
            feeds,
            bound,
            () -> queue(feeds, given, boundOutputs, Set.copyOf(outputs), NO_GRAPH).left());
    Map<String, DeviceTensor> sources = new LinkedHashMap<>(given);
    sources.putAll(buffers.inputs().asMap());
    Map<String, DeviceTensor> results = new LinkedHashMap<>(boundOutputs);
    results.putAll(buffers.outputs().asMap());
    queue(Map.of(), sources, results, Set.of(), buffers.number());
    Map<String, DeviceTensor> fetched = new LinkedHashMap<>(buffers.outputs().asMap());
    fetched.keySet().removeAll(left);
    Map<String, DeviceTensor> lent = new LinkedHashMap<>(buffers.outputs().asMap());
    lent.keySet().retainAll(left);
    lent.replaceAll((output, tensor) -> tensor.lent());
    return new Queued(DeviceMemory.fetch(device, fetched), DeviceTensors.owning(lent));
  }

  /**
   * What a run delivers that the device may not have done yet.
   *
   * @param host the outputs that are fetched
   * @param left the outputs that are left on the device
   */
  private record Queued(Fetched host, DeviceTensors left) {
    Outputs outputs() {
      return new Outputs(host.get(), left);
    }
  }

  private Queued queue(
      Map<String, Tensor> feeds,
      Map<String, DeviceTensor> given,
      Map<String, DeviceTensor> results,
      Set<String> left,
      int graph) {
    Session open = open();
    Map<String, Tensor> sent = new LinkedHashMap<>(feeds);
    sent.keySet().retainAll(onDevice);
    // The device is asked for the copies first, so this memory may be given back once it is asked
    // to run.
    try (PointerScope scope = new PointerScope();
        DeviceTensors uploaded = DeviceTensors.upload(sent, device)) {
      RunOptions how = device.isCuda() ? CudaMemory.of(device).queued() : new RunOptions();
      if (graph != PLAIN) { // the number under which the runtime keeps and finds the kernels
        how.AddConfigEntry("gpu_graph_id", Integer.toString(graph));
      }
      // What is given for one run and left nowhere else is not to outlive it.
      boolean stands = given.isEmpty() || graph != PLAIN;
      Binding binding = stands ? standing : new Binding(open);
      try {
        boundInputs.forEach(binding::input);
        given.forEach(
            (input, tensor) -> {
              requireHere(input, tensor);
              binding.input(input, tensor);
            });
        feeds.forEach(
            (input, tensor) ->
                binding.input(
                    input,
                    uploaded.has(input) ? uploaded.get(input).value() : DeviceMemory.view(tensor)));
        MemoryInfo host = DeviceMemory.fetchedTo(device);
        MemoryInfo here = DeviceMemory.place(device);
        for (String output : outputs) {
          DeviceTensor bound = results.get(output);
          if (bound != null) {
            binding.output(output, bound);
          } else {
            binding.output(output, left.contains(output) ? here : host);
          }
        }
        open.Run(how, binding.value());
        Queued queued = collect(binding.value(), results.keySet(), left);
        for (String output : outputs) {
          if (!results.containsKey(output)) {
            binding.output(output, host); // lets go of what was delivered
          }
        }
        return queued;
      } finally {
        if (!stands) {
          binding.close();
        }
      }
    } catch (RuntimeException e) {
      throw Native.failure("session '" + name + "'", e);
    } finally {
      Reference.reachabilityFence(feeds); // their native memory was in use to here
    }
  }

  private Queued collect(IoBinding binding, Set<String> bound, Set<String> left) {
    Map<String, DeviceTensor> onTheWay = new LinkedHashMap<>();
    Map<String, DeviceTensor> here = new LinkedHashMap<>();
    if (bound.size() < outputs.size()) {
      ValueVector values = binding.GetOutputValues();
      for (int i = 0; i < outputs.size(); i++) {
        String output = outputs.get(i);
        if (!bound.contains(output)) {
          Value value = new Value(values.get(i)); // takes the tensor over from the vector
          boolean stays = left.contains(output);
          (stays ? here : onTheWay)
              .put(output, DeviceTensor.adopt(output, stays ? device : Device.CPU, value));
        }
      }
    }
    DeviceTensors fetched = DeviceTensors.owning(onTheWay);
    return new Queued(
        device.isCuda() && !onTheWay.isEmpty()
            ? CudaMemory.of(device).fetched(fetched)
            : Fetched.now(fetched),
        DeviceTensors.owning(here));
  }

  private void requireInputs(Set<String> feeds, Set<String> given) {
    Set<String> missing = new LinkedHashSet<>(inputs);
    missing.removeAll(boundInputs.keySet());
    missing.removeAll(feeds);
    missing.removeAll(given);
    Set<String> unknown = new LinkedHashSet<>(feeds);
    unknown.addAll(given);
    inputs.forEach(unknown::remove); // not removeAll, which would look for each in the list
    Check.argument(
        missing.isEmpty() && unknown.isEmpty(),
        "session '%s': missing inputs %s; unexpected %s",
        name,
        missing,
        unknown);
  }

  private void requireKnown(String kind, String wanted, List<String> known) {
    Check.argument(known.contains(wanted), "session '%s' has no %s '%s'", name, kind, wanted);
  }

  private void requireHere(String what, DeviceTensor tensor) {
    Check.argument(
        tensor.device().equals(device),
        "session '%s' on %s: '%s' is on %s",
        name,
        device,
        what,
        tensor.device());
  }

  private Session open() {
    Session open = session;
    if (open == null) {
      throw new IllegalStateException("session '" + name + "' is closed");
    }
    return open;
  }

  /** Frees the session, not what is bound to it; closing again does nothing. */
  @Override
  public void close() {
    Session open = session;
    session = null;
    if (open != null) {
      await(); // it may still be running
      if (profiled) {
        try (PointerScope scope = new PointerScope()) {
          open.EndProfilingAllocated(Native.allocator());
        }
      }
      standing.close();
      open.deallocate();
      shared.close();
      if (replays != null) {
        replays.close();
      }
      boundInputs.clear();
      boundOutputs.clear();
    }
  }
}
