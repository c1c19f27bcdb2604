package dev.filtrate.runtime.kernels;

import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.runtime.kernels.Kernels.Definition;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.SizeTPointer;
import org.bytedeco.onnxruntime.OrtApi;
import org.bytedeco.onnxruntime.OrtCustomOp;
import org.bytedeco.onnxruntime.OrtCustomOpDomain;
import org.bytedeco.onnxruntime.OrtKernelContext;
import org.bytedeco.onnxruntime.OrtKernelInfo;
import org.bytedeco.onnxruntime.OrtStatus;
import org.bytedeco.onnxruntime.OrtTensorTypeAndShapeInfo;
import org.bytedeco.onnxruntime.OrtValue;
import org.bytedeco.onnxruntime.SessionOptions;
import org.bytedeco.onnxruntime.global.onnxruntime;
import org.jspecify.annotations.Nullable;

/**
 * {@link Kernels} as ONNX Runtime's custom operators: it calls back through JavaCPP to ask what an
 * operator is like, to make a node's kernel and to run it. There is one set of callbacks, for all
 * operators and sessions.
 */
final class CustomOperators {
  /** Made for the first session that wants it, never freed. */
  private static @Nullable CustomOperators only;

  private final OrtApi api = onnxruntime.GetApi();
  private final OrtCustomOpDomain domain;
  private final Map<Long, Operator> operators = new HashMap<>();
  private final Map<Long, Kernel> kernels = new HashMap<>();
  private final Tasks tasks = new Tasks();
  private long created;

  /** What the runtime calls. */
  @SuppressWarnings("unused") // kept for it
  private final List<Pointer> callbacks = new ArrayList<>();

  /** An operator: its name as the runtime reads it. */
  private record Operator(BytePointer name, Definition definition) {}

  static synchronized CustomOperators only() {
    CustomOperators made = only;
    if (made == null) {
      made = new CustomOperators();
      only = made;
    }
    return made;
  }

  private CustomOperators() {
    Name name = keep(new Name());
    Provider provider = keep(new Provider());
    Inputs inputs = keep(new Inputs());
    Outputs outputs = keep(new Outputs());
    InputType inputType = keep(new InputType());
    OutputType outputType = keep(new OutputType());
    InputKind inputKind = keep(new InputKind());
    OutputKind outputKind = keep(new OutputKind());
    InputPlace inputPlace = keep(new InputPlace());
    Create create = keep(new Create());
    Compute compute = keep(new Compute());
    Destroy destroy = keep(new Destroy());
    keep(tasks);
    try (PointerScope scope = new PointerScope()) {
      PointerPointer<Pointer> made = new PointerPointer<>(1);
      String domainName = OpType.MATMUL_BFLOAT16.domain();
      check(api.CreateCustomOpDomain(new BytePointer(domainName), made));
      this.domain = new OrtCustomOpDomain(made.get());
      Kernels.ALL.forEach(
          (type, definition) -> {
            OrtCustomOp operator = keep(new OrtCustomOp());
            Pointer.memset(operator, 0, operator.sizeof());
            operator
                .version(onnxruntime.ORT_API_VERSION)
                .GetName(name)
                .GetExecutionProviderType(provider)
                .GetInputTypeCount(inputs)
                .GetOutputTypeCount(outputs)
                .GetInputType(inputType)
                .GetOutputType(outputType)
                .GetInputCharacteristic(inputKind)
                .GetOutputCharacteristic(outputKind)
                .GetInputMemoryType(inputPlace)
                .CreateKernelV2(create)
                .KernelComputeV2(compute)
                .KernelDestroy(destroy);
            BytePointer text = keep(new BytePointer(type.onnx()));
            operators.put(operator.address(), new Operator(text, definition));
            check(api.CustomOpDomain_Add(domain, operator));
          });
    }
  }

  /** Not the innermost scope's: the runtime's. */
  private <P extends Pointer> P keep(P callback) {
    callback.retainReference();
    callbacks.add(callback);
    return callback;
  }

  void addTo(SessionOptions options) {
    check(api.AddCustomOpDomain(options.asOrtSessionOptions(), domain));
  }

  private void check(@Nullable OrtStatus status) {
    if (status != null && !status.isNull()) {
      String message = api.GetErrorMessage().call(status).getString();
      api.ReleaseStatus(status);
      throw new IllegalStateException(message);
    }
  }

  private Operator operator(OrtCustomOp operator) {
    return Objects.requireNonNull(operators.get(operator.address()));
  }

  private synchronized long create(OrtCustomOp operator, OrtKernelInfo info) {
    try (PointerScope scope = new PointerScope()) {
      kernels.put(++created, operator(operator).definition().kernel().apply(new NodeOf(info)));
      return created;
    }
  }

  private synchronized void compute(long number, OrtKernelContext context) {
    try (PointerScope scope = new PointerScope()) {
      Objects.requireNonNull(kernels.get(number)).compute(new CallOf(context));
    }
  }

  private synchronized void destroy(long number) {
    Objects.requireNonNull(kernels.remove(number)).close();
  }

  /** Runs something for the runtime, which takes errors as a status. */
  private @Nullable OrtStatus status(Runnable what) {
    try {
      what.run();
      return null;
    } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
      try (PointerScope scope = new PointerScope()) {
        return api.CreateStatus().call(onnxruntime.ORT_FAIL, new BytePointer(String.valueOf(e)));
      }
    }
  }

  private final class NodeOf implements Kernel.Node {
    private final OrtKernelInfo info;

    NodeOf(OrtKernelInfo info) {
      this.info = info;
    }

    @Override
    public boolean flag(String attribute) {
      long[] value = new long[1];
      check(api.KernelInfoGetAttribute_int64(info, new BytePointer(attribute), value));
      return value[0] != 0;
    }

    @Override
    public boolean isConstant(int input) {
      IntPointer constant = new IntPointer(1);
      PointerPointer<Pointer> value = new PointerPointer<>(1);
      check(api.KernelInfoGetConstantInput_tensor(info, input, constant, value));
      return constant.get() != 0;
    }
  }

  private final class CallOf implements Kernel.Call {
    private final OrtKernelContext context;
    private final PointerPointer<Pointer> result = new PointerPointer<>(1);

    CallOf(OrtKernelContext context) {
      this.context = context;
    }

    private OrtValue input(int i) {
      check(api.KernelContext_GetInput(context, i, result));
      return new OrtValue(result.get());
    }

    @Override
    public long[] dims(int input) {
      check(api.GetTensorTypeAndShape(input(input), result));
      OrtTensorTypeAndShapeInfo info = new OrtTensorTypeAndShapeInfo(result.get());
      try {
        SizeTPointer rank = new SizeTPointer(1);
        check(api.GetDimensionsCount(info, rank));
        long[] dims = new long[Math.toIntExact(rank.get())];
        check(api.GetDimensions(info, dims, dims.length));
        return dims;
      } finally {
        api.ReleaseTensorTypeAndShapeInfo(info);
      }
    }

    @Override
    public long address(int input) {
      return address(input(input));
    }

    @Override
    public long output(long... dims) {
      check(api.KernelContext_GetOutput(context, 0, new LongPointer(dims), dims.length, result));
      return address(new OrtValue(result.get()));
    }

    @Override
    public LongBuffer longs(int input) {
      long count = Tensor.count(dims(input));
      return count == 0
          ? LongBuffer.allocate(0)
          : new LongPointer(new Address(address(input))).capacity(count).asBuffer();
    }

    @Override
    public FloatBuffer floats(long address, long count) {
      return count == 0
          ? FloatBuffer.allocate(0)
          : new FloatPointer(new Address(address)).capacity(count).asBuffer();
    }

    private long address(OrtValue value) {
      check(api.GetTensorMutableData(value, result));
      Pointer data = result.get();
      return data == null ? 0 : data.address(); // of a tensor without elements
    }

    @Override
    public void run(int count, IntConsumer task) {
      if (count == 1) { // which needs no other thread
        task.accept(0);
      } else {
        tasks.run(context, count, task);
      }
    }
  }

  private final class Create
      extends OrtCustomOp.CreateKernelV2_OrtCustomOp_OrtApi_OrtKernelInfo_PointerPointer {
    @Override
    @SuppressWarnings("rawtypes") // as JavaCPP declares it
    public @Nullable OrtStatus call(
        OrtCustomOp operator, OrtApi itself, OrtKernelInfo info, PointerPointer kernel) {
      // the number of the kernel, which the runtime keeps as a pointer
      return status(() -> kernel.put(0, new Address(create(operator, info))));
    }
  }

  private final class Compute extends OrtCustomOp.KernelComputeV2_Pointer_OrtKernelContext {
    @Override
    public @Nullable OrtStatus call(Pointer kernel, OrtKernelContext context) {
      return status(() -> compute(kernel.address(), context));
    }
  }

  private final class Destroy extends OrtCustomOp.KernelDestroy_Pointer {
    @Override
    public void call(Pointer kernel) {
      destroy(kernel.address());
    }
  }

  /** The tasks of the kernel that runs, one at a time for each of the session's threads. */
  private final class Tasks extends OrtApi.Fn_Pointer_long {
    private volatile IntConsumer task = i -> {};
    private volatile @Nullable RuntimeException failure;

    void run(OrtKernelContext context, int count, IntConsumer wanted) {
      task = wanted;
      failure = null;
      check(api.KernelContext_ParallelFor(context, this, count, 0, null));
      RuntimeException failed = failure;
      if (failed != null) {
        throw failed;
      }
    }

    @Override
    public void call(Pointer data, long i) {
      try {
        task.accept((int) i);
      } catch (RuntimeException e) {
        failure = e;
      }
    }
  }

  private final class Name extends OrtCustomOp.GetName_OrtCustomOp {
    @Override
    public BytePointer call(OrtCustomOp operator) {
      return operator(operator).name();
    }
  }

  private static final class Provider extends OrtCustomOp.GetExecutionProviderType_OrtCustomOp {
    @Override
    public @Nullable BytePointer call(OrtCustomOp operator) {
      return null; // the CPU
    }
  }

  private final class Inputs extends OrtCustomOp.GetInputTypeCount_OrtCustomOp {
    @Override
    public long call(OrtCustomOp operator) {
      return operator(operator).definition().inputs().size();
    }
  }

  private static final class Outputs extends OrtCustomOp.GetOutputTypeCount_OrtCustomOp {
    @Override
    public long call(OrtCustomOp operator) {
      return 1;
    }
  }

  private final class InputType extends OrtCustomOp.GetInputType_OrtCustomOp_long {
    @Override
    public int call(OrtCustomOp operator, long i) {
      return operator(operator).definition().inputs().get((int) i).onnx();
    }
  }

  private static final class OutputType extends OrtCustomOp.GetOutputType_OrtCustomOp_long {
    @Override
    public int call(OrtCustomOp operator, long i) {
      return onnxruntime.ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    }
  }

  private static final class InputKind extends OrtCustomOp.GetInputCharacteristic_OrtCustomOp_long {
    @Override
    public int call(OrtCustomOp operator, long i) {
      return onnxruntime.INPUT_OUTPUT_REQUIRED;
    }
  }

  private static final class OutputKind
      extends OrtCustomOp.GetOutputCharacteristic_OrtCustomOp_long {
    @Override
    public int call(OrtCustomOp operator, long i) {
      return onnxruntime.INPUT_OUTPUT_REQUIRED;
    }
  }

  private static final class InputPlace extends OrtCustomOp.GetInputMemoryType_OrtCustomOp_long {
    @Override
    public int call(OrtCustomOp operator, long i) {
      return onnxruntime.OrtMemTypeDefault;
    }
  }
}
