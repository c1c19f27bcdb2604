package dev.filtrate.runtime;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Tensor;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/** Device tensors by name, in a fixed order, closed together. */
public final class DeviceTensors implements AutoCloseable {
  private final Map<String, DeviceTensor> tensors;

  private DeviceTensors(Map<String, DeviceTensor> tensors) {
    this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  /** Takes over tensors under these names. */
  static DeviceTensors owning(Map<String, DeviceTensor> tensors) {
    return new DeviceTensors(tensors);
  }

  /** No tensors. */
  public static DeviceTensors empty() {
    return new DeviceTensors(Map.of());
  }

  /** Copies of host tensors on a device. */
  public static DeviceTensors upload(Map<String, Tensor> contents, Device device) {
    return each(contents, (name, content) -> DeviceTensor.upload(name, content, device));
  }

  /** Constant weights for a device: views on the CPU (no copy), copies elsewhere. */
  public static DeviceTensors constants(Map<String, Tensor> contents, Device device) {
    return device.isCuda() ? upload(contents, device) : each(contents, DeviceTensor::view);
  }

  /** One tensor per entry; if one cannot be made, those before it are closed. */
  static <T> DeviceTensors each(Map<String, T> sources, BiFunction<String, T, DeviceTensor> make) {
    Map<String, DeviceTensor> made = new LinkedHashMap<>();
    boolean complete = false;
    try {
      sources.forEach((name, source) -> made.put(name, make.apply(name, source)));
      complete = true;
      return new DeviceTensors(made);
    } finally {
      if (!complete) {
        made.values().forEach(DeviceTensor::close);
      }
    }
  }

  /** The tensor of a name; throws {@link IllegalArgumentException} if there is none. */
  public DeviceTensor get(String name) {
    DeviceTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("no device tensor '" + name + "'");
    }
    return tensor;
  }

  /** Whether there is a tensor of this name. */
  public boolean has(String name) {
    return tensors.containsKey(name);
  }

  /** The names, in order. */
  public Set<String> names() {
    return tensors.keySet();
  }

  /** The tensors, in order. */
  public Collection<DeviceTensor> values() {
    return tensors.values();
  }

  /** As an unmodifiable map. */
  public Map<String, DeviceTensor> asMap() {
    return tensors;
  }

  /** The bytes of all. */
  public long bytes() {
    return tensors.values().stream().mapToLong(DeviceTensor::bytes).sum();
  }

  /** Copies on the host. */
  public Map<String, Tensor> download() {
    Map<String, Tensor> copies = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> copies.put(name, tensor.download()));
    return copies;
  }

  /** Replaces the contents; exactly these names are expected. */
  public void set(Map<String, Tensor> contents) {
    Check.argument(
        contents.keySet().equals(names()),
        "expected tensors %s, got %s",
        names(),
        contents.keySet());
    contents.forEach((name, content) -> get(name).set(content));
  }

  /** Closes all of them. */
  @Override
  public void close() {
    tensors.values().forEach(DeviceTensor::close);
  }
}
