package dev.filtrate.graph;

import java.util.List;

/**
 * The operators of the representation, under ONNX's names: the standard set at opset 17, and of
 * ONNX Runtime's {@code com.microsoft} set what training needs. Schemas: the ONNX operator
 * reference, and ONNX Runtime's {@code ContribOperators.md} and {@code training_op_defs.cc}.
 *
 * <p>What a schema takes as a small integer tensor (a shape, axes, bounds) is an attribute here,
 * the {@link Operand}s of the operator; just before a graph is written they become inputs at the
 * stated positions.
 */
public enum OpType {
  // Elementwise
  NEG("Neg"),
  ABS("Abs"),
  EXP("Exp"),
  LOG("Log"),
  SQRT("Sqrt"),
  RECIPROCAL("Reciprocal"),
  TANH("Tanh"),
  ERF("Erf"),
  SIGMOID("Sigmoid"),
  RELU("Relu"),
  /** x·Φ(x) with the exact error function. */
  GELU("com.microsoft", "Gelu"),
  ADD("Add"),
  SUB("Sub"),
  MUL("Mul"),
  DIV("Div"),
  MAX("Max"),
  MIN("Min"),
  EQUAL("Equal"),
  LESS("Less"),
  GREATER_OR_EQUAL("GreaterOrEqual"),
  AND("And"),
  NOT("Not"),
  WHERE("Where"),
  CAST("Cast"),
  IDENTITY("Identity"),

  // Shape
  RESHAPE("Reshape", new Operand("shape", 1)),
  TRANSPOSE("Transpose"),
  EXPAND("Expand", new Operand("shape", 1)),
  SQUEEZE("Squeeze", new Operand("axes", 1)),
  UNSQUEEZE("Unsqueeze", new Operand("axes", 1)),
  SLICE("Slice", new Operand("starts", 1), new Operand("ends", 2), new Operand("axes", 3)),
  PAD("Pad", new Operand("pads", 1)),
  CONCAT("Concat"),
  /**
   * {@code [..., S, 2S]}, a column for each distance, to {@code [..., S, S]}, one for each
   * position: {@code y[i, j] = x[i, j − i + S − 1]}. Not an ONNX operator: lowering writes slices
   * for it, or a kernel of this project.
   */
  RELATIVE_SHIFT("dev.filtrate", "RelativeShift"),
  CONSTANT("Constant"),
  CONSTANT_OF_SHAPE("ConstantOfShape", new Operand("shape", 0)),
  SHAPE("Shape"),
  /**
   * The number that attribute {@code size} (one Dim) stands for, an int64 scalar. Not an ONNX
   * operator: it becomes shape arithmetic on the inputs when a graph is lowered.
   */
  DIM("dev.filtrate", "Dim"),
  /** 0, 1, … below attribute {@code size} (one Dim), int64. */
  RANGE("Range", new Operand("size", 1)),

  // Products and sums
  MATMUL("MatMul"),
  /** alpha · op(A) · op(B), where transA and transB swap the last two axes. */
  FUSED_MATMUL("com.microsoft", "FusedMatMul"),
  REDUCE_SUM("ReduceSum", new Operand("axes", 1)),
  REDUCE_MEAN("ReduceMean"),
  REDUCE_SUM_SQUARE("ReduceSumSquare"),
  /** Running sums along attribute {@code axis}, from the end if {@code reverse}. */
  CUM_SUM("CumSum", new Operand("axis", 1)),

  // Networks
  SOFTMAX("Softmax"),
  LOG_SOFTMAX("LogSoftmax"),
  LAYER_NORMALIZATION("LayerNormalization"),
  /**
   * Attribute {@code padding_idx} (optional, dropped when lowered): rows at that index get no
   * gradient, as in {@code torch.nn.Embedding}.
   */
  GATHER("Gather"),
  GATHER_ELEMENTS("GatherElements"),
  SCATTER_ELEMENTS("ScatterElements"),
  DROPOUT("Dropout"),
  /**
   * Attention of heads side by side: query, key and value {@code [B, S, h·d]}, two inputs that are
   * absent here, and what is added to the scores {@code [B, h or 1, S, S]}; attributes {@code
   * num_heads} and {@code scale}. Without dropout and without a gradient.
   */
  MULTI_HEAD_ATTENTION("com.microsoft", "MultiHeadAttention"),

  // Products of bytes, as an export in int8 has them
  /** x as uint8, its scale and zero point: the range of x and 0 in 255 steps. */
  DYNAMIC_QUANTIZE_LINEAR("DynamicQuantizeLinear"),
  /** (A − zero point) · (B − zero point) in int32; B's zero point one for each of its columns. */
  MATMUL_INTEGER("MatMulInteger"),
  /** (x − zero point) · scale; both scalars, or vectors along attribute {@code axis}. */
  DEQUANTIZE_LINEAR("DequantizeLinear"),

  // Gradients of the above that have a form of their own
  GELU_GRAD("com.microsoft", "GeluGrad"),
  SOFTMAX_GRAD("com.microsoft", "SoftmaxGrad_13"),
  LOG_SOFTMAX_GRAD("com.microsoft", "LogSoftmaxGrad_13"),
  LAYER_NORMALIZATION_GRAD("com.microsoft", "LayerNormalizationGrad"),
  GATHER_GRAD("com.microsoft", "GatherGrad", new Operand("shape", 0)),
  GATHER_ELEMENTS_GRAD("com.microsoft", "GatherElementsGrad", new Operand("shape", 1)),
  DROPOUT_GRAD("com.microsoft", "DropoutGrad"),
  /** {@code [..., S, S]} back to its places in zeros {@code [..., S, 2S]}. */
  RELATIVE_SHIFT_GRAD("dev.filtrate", "RelativeShiftGrad"),

  // The optimizer
  ADAM_OPTIMIZER("com.microsoft", "AdamOptimizer"),

  // Kernels of this project for CPUs, which only lowering writes
  /**
   * op(A) · op(B) for float32 A {@code [..., rows, inner]} and B {@code [inner, columns]}, whose
   * numbers are rounded to bfloat16; sums are float32. Where transA swaps, A has two axes.
   */
  MATMUL_BFLOAT16("dev.filtrate", "MatMulBFloat16"),
  /** What GATHER_GRAD computes along the first axis, in the order of the indices. */
  ADD_ROWS("dev.filtrate", "AddRows", new Operand("shape", 0)),
  /** What GELU computes. */
  GELU_ONEDNN("dev.filtrate", "Gelu"),
  /** What GELU_GRAD computes. */
  GELU_GRAD_ONEDNN("dev.filtrate", "GeluGrad");

  /** An attribute that the schema takes as a tensor, and the position of that input. */
  public record Operand(String attribute, int position) {}

  private final String domain;
  private final String onnx;
  private final List<Operand> operands;

  OpType(String onnx, Operand... operands) {
    this("", onnx, operands);
  }

  OpType(String domain, String onnx, Operand... operands) {
    this.domain = domain;
    this.onnx = onnx;
    this.operands = List.of(operands);
  }

  /** The operator set: empty for ONNX's own, {@code com.microsoft} for ONNX Runtime's. */
  public String domain() {
    return domain;
  }

  /** The name in its operator set. */
  public String onnx() {
    return onnx;
  }

  /** Attributes that become inputs when a graph is written, by rising position. */
  public List<Operand> operands() {
    return operands;
  }

  /** The operator of a name; throws {@link IllegalArgumentException} where there is none. */
  public static OpType of(String domain, String onnx) {
    String d = domain.equals("ai.onnx") ? "" : domain;
    for (OpType op : values()) {
      if (op.domain.equals(d) && op.onnx.equals(onnx)) {
        return op;
      }
    }
    throw new IllegalArgumentException(
        "operator " + (d.isEmpty() ? "" : d + ".") + onnx + " is not supported");
  }

  @Override
  public String toString() {
    return onnx;
  }
}
