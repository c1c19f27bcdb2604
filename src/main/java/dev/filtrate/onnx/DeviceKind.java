package dev.filtrate.onnx;

/** What kind of device a lowered graph runs on; which kernels exist and pay depends on it. */
public enum DeviceKind {
  /** The host's processors. */
  CPU,
  /** A CUDA device. */
  CUDA,
  /**
   * A CUDA device that replays the kernels of an earlier run: what they took from the host then,
   * they take again.
   */
  CUDA_GRAPH
}
