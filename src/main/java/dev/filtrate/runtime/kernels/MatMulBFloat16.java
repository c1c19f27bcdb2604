package dev.filtrate.runtime.kernels;

import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.kernels.Product.Buffer;
import dev.filtrate.runtime.kernels.Product.Sizes;
import java.util.Arrays;

/**
 * {@code op(A)·op(B)} for A {@code [..., rows, inner]} and B {@code [inner, columns]}, both as
 * stored before transA and transB swap their axes. A constant B is rounded once.
 */
final class MatMulBFloat16 implements Kernel {
  private static final int THREADS = Runtime.getRuntime().availableProcessors();

  /** Those of a model for a hundred lengths of texts. */
  private static final Prepared<Sizes, Product> PRODUCTS =
      new Prepared<>(1024, sizes -> new Product(sizes, THREADS));

  private static final Buffer SCRATCH = new Buffer();

  private final boolean transA;
  private final boolean transB;
  private final boolean constant;
  private final Buffer packed = new Buffer();
  private boolean isPacked;

  MatMulBFloat16(Node node) {
    this.transA = node.flag("transA");
    this.transB = node.flag("transB");
    this.constant = node.isConstant(1);
  }

  @Override
  public void compute(Call call) {
    long[] a = call.dims(0);
    long[] b = call.dims(1);
    int last = a.length - 1;
    long inner = a[transA ? last - 1 : last];
    long[] dims = a.clone();
    dims[last - 1] = a[transA ? last : last - 1];
    dims[last] = b[transB ? 0 : 1];
    long y = call.output(dims);
    long rows = Tensor.count(Arrays.copyOf(dims, last));
    if (rows == 0) {
      return;
    }
    Product product = PRODUCTS.of(new Sizes(rows, inner, dims[last], transA, transB, constant));
    if (constant && !isPacked) {
      product.pack(call.address(1), packed, SCRATCH, call);
      isPacked = true;
    }
    product.run(call.address(0), call.address(1), y, packed, SCRATCH, call);
  }

  @Override
  public void close() {
    packed.close();
  }
}
