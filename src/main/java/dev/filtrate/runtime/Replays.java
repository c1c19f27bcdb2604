package dev.filtrate.runtime;

import dev.filtrate.graph.Tensor;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What CUDA graphs want: for every shape of a session's inputs, and for all tensors that it is
 * bound to, one set of buffers at fixed addresses, and a number under which the runtime keeps the
 * kernels that it ran between them.
 */
final class Replays implements AutoCloseable {
  private final Device device;
  private final Map<Place, Buffers> byPlace = new LinkedHashMap<>();

  /**
   * What kernels depend on.
   *
   * @param shapes of what is fed, by name
   * @param bound whose memory is read or written besides
   */
  private record Place(String shapes, List<DeviceTensor> bound) {}

  /**
   * Buffers of one place.
   *
   * @param number of the runtime's graph, from 1
   * @param inputs what feeds are copied into
   * @param outputs what results are left in
   */
  record Buffers(int number, DeviceTensors inputs, DeviceTensors outputs) {
    /** Copies a batch into the inputs. */
    void fill(Map<String, Tensor> feeds) {
      feeds.forEach((input, tensor) -> inputs.get(input).set(tensor));
    }
  }

  /** Runs a session once without a graph, so that the shapes of its outputs are known. */
  interface FirstRun {
    DeviceTensors outputs();
  }

  Replays(Device device) {
    this.device = device;
  }

  /**
   * The buffers for feeds of these shapes, filled with them; made if they are the first.
   *
   * @param bound all other tensors that a run reads or writes, in a fixed order
   */
  Buffers of(Map<String, Tensor> feeds, Collection<DeviceTensor> bound, FirstRun first) {
    Map<String, String> shapes = new TreeMap<>();
    feeds.forEach((input, tensor) -> shapes.put(input, Arrays.toString(tensor.dims())));
    Place place = new Place(shapes.toString(), bound.stream().map(DeviceTensor::memory).toList());
    Buffers buffers = byPlace.get(place);
    if (buffers == null) {
      try (DeviceTensors like = first.outputs()) {
        DeviceTensors inputs = DeviceTensors.upload(feeds, device);
        DeviceTensors outputs =
            DeviceTensors.each(
                like.asMap(), (n, t) -> DeviceTensor.allocate(n, t.type(), t.dims(), device));
        buffers = new Buffers(byPlace.size() + 1, inputs, outputs);
      }
      byPlace.put(place, buffers);
    } else {
      buffers.fill(feeds);
    }
    return buffers;
  }

  @Override
  public void close() {
    for (Buffers buffers : byPlace.values()) {
      buffers.inputs().close();
      buffers.outputs().close();
    }
    byPlace.clear();
  }
}
