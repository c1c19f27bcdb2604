package dev.filtrate.runtime;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Numbers that a run delivers, which a device may still be computing: whoever has asked for all
 * that the device is to do next reads them.
 */
public final class Scalars {
  private final Fetched fetched;

  Scalars(Fetched fetched) {
    this.fetched = fetched;
  }

  /** The numbers by name; waits for them if need be. */
  public Map<String, Float> read() {
    Map<String, Float> numbers = new LinkedHashMap<>();
    fetched.get().forEach((name, value) -> numbers.put(name, (float) value.scalarValue()));
    return numbers;
  }
}
