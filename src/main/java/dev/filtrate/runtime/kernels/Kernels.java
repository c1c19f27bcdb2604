package dev.filtrate.runtime.kernels;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.OpType;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.onnxruntime.SessionOptions;

/** The operators, for the package around. */
public final class Kernels {
  private static final DType FLOAT = DType.FLOAT;
  private static final DType INT64 = DType.INT64;

  /** What the runtime must know of each. */
  static final Map<OpType, Definition> ALL =
      Map.of(
          OpType.MATMUL_BFLOAT16, new Definition(List.of(FLOAT, FLOAT), MatMulBFloat16::new),
          OpType.ADD_ROWS, new Definition(List.of(INT64, INT64, FLOAT), node -> new AddRows()),
          OpType.RELATIVE_SHIFT, new Definition(List.of(FLOAT), node -> RelativeShift.forward()),
          OpType.RELATIVE_SHIFT_GRAD,
              new Definition(List.of(FLOAT), node -> RelativeShift.backward()),
          OpType.GELU_ONEDNN, new Definition(List.of(FLOAT), node -> Gelu.forward()),
          OpType.GELU_GRAD_ONEDNN, new Definition(List.of(FLOAT, FLOAT), node -> Gelu.backward()));

  /**
   * An operator.
   *
   * @param inputs their types; the output is of float32
   * @param kernel makes that of a node
   */
  record Definition(List<DType> inputs, Function<Kernel.Node, Kernel> kernel) {}

  private Kernels() {}

  /** Whether graphs may use the operators here, and are better off with them. */
  public static boolean areAvailable() {
    try {
      return "1".equals(System.getenv("OMP_NUM_THREADS")) && OneDnn.hasVectors();
    } catch (LinkageError e) { // no oneDNN for this platform
      return false;
    }
  }

  /** Whether this processor has instructions that multiply bfloat16. */
  public static boolean multiplyBFloat16() {
    return areAvailable() && OneDnn.multipliesBFloat16();
  }

  /** Lets a session's graph use the operators. */
  public static void addTo(SessionOptions options) {
    CustomOperators.only().addTo(options);
  }
}
