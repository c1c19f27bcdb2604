package dev.filtrate.onnx;

/** Whose operators a lowered graph may use. */
public enum Target {
  /** ONNX Runtime with training operators: {@code com.microsoft} where it is the better way. */
  ORT,
  /** Every ONNX runtime: operators of ONNX's own set only. */
  PORTABLE
}
