package dev.filtrate.runtime;

import dev.filtrate.graph.Tensor;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Outputs that come to the host, into host memory that a device may still have to write. */
final class Fetched {
  private final DeviceTensors arriving;
  private final Runnable await;
  private @Nullable Map<String, Tensor> arrived;

  /**
   * Outputs that are there once the device has been waited for.
   *
   * @param arriving tensors on the host, which become this one's
   * @param await waits for the device, and says so ({@link #arrive})
   */
  Fetched(DeviceTensors arriving, Runnable await) {
    this.arriving = arriving;
    this.await = await;
  }

  /** Outputs that are there. */
  static Fetched now(DeviceTensors arrived) {
    Fetched fetched = new Fetched(arrived, () -> {});
    fetched.arrive();
    return fetched;
  }

  /** Outputs that are there and copied already. */
  static Fetched now(Map<String, Tensor> copies) {
    Fetched fetched = new Fetched(DeviceTensors.empty(), () -> {});
    fetched.arrived = copies;
    return fetched;
  }

  /** The device has written all of them. */
  void arrive() {
    arrived = arriving.download();
    arriving.close();
  }

  /** Copies of the outputs; waits for them if need be. */
  Map<String, Tensor> get() {
    if (arrived == null) {
      await.run();
    }
    Map<String, Tensor> copies = arrived;
    if (copies == null) {
      throw new IllegalStateException("the device was waited for, but nothing arrived");
    }
    return copies;
  }
}
