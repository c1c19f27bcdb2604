package dev.filtrate.recipe;

/** A form in which a student is exported, and the file that consumers look for it in. */
public enum Precision {
  /** Single precision: what was trained, and what the others are held against. */
  FP32("model.onnx"),
  /** Half precision inside, float32 outside; softmax, norms and the mask stay in float32. */
  FP16("model_fp16.onnx"),
  /** Weights in bytes, products of bytes; activations are quantized as they come. */
  INT8("model_quantized.onnx"),
  /** Single precision in ONNX Runtime's own fused operators: for that runtime only. */
  OPTIMIZED("model_optimized.onnx");

  private final String file;

  Precision(String file) {
    this.file = file;
  }

  /** The name of its file in the folder {@code onnx}. */
  public String file() {
    return file;
  }

  /** How recipes, flags and reports spell it. */
  public String id() {
    return Kind.spelling(this);
  }
}
