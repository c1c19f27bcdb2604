package dev.filtrate.onnx;

/** What kind of device a lowered graph runs on; which kernels exist and pay depends on it. */
public enum DeviceKind {
  /** The host's processors, with ONNX Runtime's kernels alone. */
  CPU,
  /** The same with this project's own kernels too. */
  CPU_ONEDNN,
  /** The same, multiplying matrices in bfloat16. */
  CPU_BFLOAT16,
  /** A CUDA device. */
  CUDA,
  /**
   * A CUDA device that replays the kernels of an earlier run: what they took from the host then,
   * they take again.
   */
  CUDA_GRAPH;

  /** Whether it is a GPU. */
  public boolean isCuda() {
    return this == CUDA || this == CUDA_GRAPH;
  }
}
