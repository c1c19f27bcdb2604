package dev.filtrate.graph;

/** The element types in use, with ONNX's number ({@code TensorProto.DataType}) and their width. */
public enum DType {
  /** IEEE single precision. */
  FLOAT(1, 4, "float32"),
  /** Unsigned byte. */
  UINT8(2, 1, "uint8"),
  /** Signed byte. */
  INT8(3, 1, "int8"),
  /** 32-bit integer. */
  INT32(6, 4, "int32"),
  /** 64-bit integer: ids, labels, shapes. */
  INT64(7, 8, "int64"),
  /** One byte, 0 or 1. */
  BOOL(9, 1, "bool"),
  /** IEEE half precision. */
  FLOAT16(10, 2, "float16"),
  /** IEEE double precision. */
  DOUBLE(11, 8, "float64"),
  /** The upper half of a single. */
  BFLOAT16(16, 2, "bfloat16");

  private final int onnx;
  private final int bytes;
  private final String label;

  DType(int onnx, int bytes, String label) {
    this.onnx = onnx;
    this.bytes = bytes;
    this.label = label;
  }

  /** ONNX's number of this type. */
  public int onnx() {
    return onnx;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** Whether gradients can flow through values of this type. */
  public boolean isFloatingPoint() {
    return this == FLOAT || this == DOUBLE || this == FLOAT16 || this == BFLOAT16;
  }

  /** The type with ONNX's number; throws {@link IllegalArgumentException} where there is none. */
  public static DType ofOnnx(int number) {
    for (DType t : values()) {
      if (t.onnx == number) {
        return t;
      }
    }
    throw new IllegalArgumentException("ONNX data type " + number + " is not supported");
  }

  /** The type of a listing's name; throws {@link IllegalArgumentException} where there is none. */
  public static DType ofLabel(String label) {
    for (DType t : values()) {
      if (t.label.equals(label)) {
        return t;
      }
    }
    throw new IllegalArgumentException("unknown element type '" + label + "'");
  }

  @Override
  public String toString() {
    return label;
  }
}
