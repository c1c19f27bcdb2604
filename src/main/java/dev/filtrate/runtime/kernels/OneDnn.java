package dev.filtrate.runtime.kernels;

import dev.filtrate.base.Check;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * oneDNN's C interface as far as the kernels need it: memory with a layout, and steps that read and
 * write such memory. A step runs on the thread that calls it, and different steps may run side by
 * side.
 */
final class OneDnn {
  /** Rows that a layout of weights is chosen for; it serves any number of them. */
  private static final long TYPICAL_ROWS = 128;

  private static @Nullable dnnl_engine engine;

  private OneDnn() {}

  /** Whether oneDNN has fast code for this processor (AVX2 or more). */
  static boolean hasVectors() {
    return supports(dnnl.dnnl_cpu_isa_avx2);
  }

  /** Whether this processor has instructions that multiply bfloat16 (AVX512-BF16, AMX). */
  static boolean multipliesBFloat16() {
    return supports(dnnl.dnnl_cpu_isa_avx512_core_bf16);
  }

  private static boolean supports(int isa) {
    return (dnnl.dnnl_get_effective_cpu_isa() & isa) == isa;
  }

  private static synchronized dnnl_engine engine() {
    dnnl_engine made = engine;
    if (made == null) {
      made = new dnnl_engine(made(p -> dnnl.dnnl_engine_create(p, dnnl.dnnl_cpu, 0)));
      engine = made;
    }
    return made;
  }

  private interface Maker {
    int make(PointerPointer<Pointer> result);
  }

  /** What a function of the C interface creates; it is freed by its counterpart alone. */
  private static Pointer made(Maker maker) {
    try (PointerScope scope = new PointerScope()) {
      PointerPointer<Pointer> result = new PointerPointer<>(1);
      check(maker.make(result));
      return result.get();
    }
  }

  private static void check(int status) {
    Check.state(status == dnnl.dnnl_success, "oneDNN failed with status %d", status);
  }

  /** A layout of numbers, and from {@link #at} on an address where they are. */
  static final class Memory implements AutoCloseable {
    private final dnnl_memory_desc layout;
    private final dnnl_memory memory;

    private Memory(dnnl_memory_desc layout) {
      this.layout = layout;
      this.memory =
          new dnnl_memory(made(p -> dnnl.dnnl_memory_create(p, layout, engine(), new Address(0))));
    }

    /** float32 {@code [rows, columns]} with these distances between neighbours, in elements. */
    static Memory floats(long rows, long columns, long rowStride, long columnStride) {
      return new Memory(matrix(dnnl.dnnl_f32, rows, columns, rowStride, columnStride));
    }

    /** So many float32, one after the other. */
    static Memory floats(long count) {
      return floats(1, count, count, 1);
    }

    /** bfloat16 {@code [rows, columns]}, a row after the other. */
    static Memory bfloat16(long rows, long columns) {
      return new Memory(matrix(dnnl.dnnl_bf16, rows, columns, columns, 1));
    }

    /** bfloat16 {@code [rows, columns]} as oneDNN likes a second factor best. */
    static Memory packed(long rows, long columns) {
      long[] dims = {rows, columns};
      Pointer any =
          made(
              p ->
                  dnnl.dnnl_memory_desc_create_with_tag(
                      p, 2, dims, dnnl.dnnl_bf16, dnnl.dnnl_format_tag_any));
      dnnl_memory_desc a = matrix(dnnl.dnnl_bf16, TYPICAL_ROWS, rows, rows, 1);
      dnnl_memory_desc y = matrix(dnnl.dnnl_f32, TYPICAL_ROWS, columns, columns, 1);
      dnnl_primitive_desc product = Step.product(a, new dnnl_memory_desc(any), y);
      dnnl_memory_desc chosen =
          dnnl.dnnl_primitive_desc_query_md(product, dnnl.dnnl_query_weights_md, 0);
      Pointer copy = made(p -> dnnl.dnnl_memory_desc_clone(p, chosen));
      dnnl.dnnl_primitive_desc_destroy(product);
      for (dnnl_memory_desc used : new dnnl_memory_desc[] {new dnnl_memory_desc(any), a, y}) {
        dnnl.dnnl_memory_desc_destroy(used);
      }
      return new Memory(new dnnl_memory_desc(copy));
    }

    private static dnnl_memory_desc matrix(
        int type, long rows, long columns, long rowStride, long columnStride) {
      long[] dims = {rows, columns};
      long[] strides = {rowStride, columnStride};
      return new dnnl_memory_desc(
          made(p -> dnnl.dnnl_memory_desc_create_with_strides(p, 2, dims, type, strides)));
    }

    long bytes() {
      return dnnl.dnnl_memory_desc_get_size(layout);
    }

    /** Says where the numbers are. */
    void at(long address) {
      check(dnnl.dnnl_memory_set_data_handle(memory, new Address(address)));
    }

    @Override
    public void close() {
      dnnl.dnnl_memory_destroy(memory);
      dnnl.dnnl_memory_desc_destroy(layout);
    }
  }

  /** A primitive with the memory that it works on. */
  static final class Step implements AutoCloseable {
    private final dnnl_primitive primitive;
    private final Memory scratchpad;
    private final dnnl_exec_arg_t arguments;
    private final int count;
    private final dnnl_stream stream;

    private Step(dnnl_primitive_desc description, Object... arguments) {
      dnnl_memory_desc scratch =
          dnnl.dnnl_primitive_desc_query_md(description, dnnl.dnnl_query_scratchpad_md, 0);
      this.scratchpad =
          new Memory(new dnnl_memory_desc(made(p -> dnnl.dnnl_memory_desc_clone(p, scratch))));
      this.primitive = new dnnl_primitive(made(p -> dnnl.dnnl_primitive_create(p, description)));
      dnnl.dnnl_primitive_desc_destroy(description);
      this.stream =
          new dnnl_stream(
              made(p -> dnnl.dnnl_stream_create(p, engine(), dnnl.dnnl_stream_default_flags)));
      this.count = arguments.length / 2 + 1;
      this.arguments = new dnnl_exec_arg_t(count).retainReference();
      argument(0, dnnl.DNNL_ARG_SCRATCHPAD, scratchpad);
      for (int i = 1; i < count; i++) {
        argument(i, (Integer) arguments[2 * i - 2], (Memory) arguments[2 * i - 1]);
      }
    }

    private void argument(int i, int role, Memory memory) {
      arguments.getPointer(i).arg(role).memory(memory.memory);
    }

    /** Rounds numbers to the type of {@code to} and puts them into its layout. */
    static Step conversion(Memory from, Memory to) {
      dnnl_primitive_desc description =
          described(
              (p, attributes) ->
                  dnnl.dnnl_reorder_primitive_desc_create(
                      p, from.layout, engine(), to.layout, engine(), attributes));
      return new Step(description, dnnl.DNNL_ARG_FROM, from, dnnl.DNNL_ARG_TO, to);
    }

    /** {@code y = a·b}, summed in float32. */
    static Step product(Memory a, Memory b, Memory y) {
      return new Step(
          product(a.layout, b.layout, y.layout),
          dnnl.DNNL_ARG_SRC,
          a,
          dnnl.DNNL_ARG_WEIGHTS,
          b,
          dnnl.DNNL_ARG_DST,
          y);
    }

    /** {@code y = x·Φ(x)} with the error function. */
    static Step gelu(Memory x, Memory y) {
      return new Step(gelu(x.layout, y.layout), dnnl.DNNL_ARG_SRC, x, dnnl.DNNL_ARG_DST, y);
    }

    private static dnnl_primitive_desc gelu(dnnl_memory_desc x, dnnl_memory_desc y) {
      return described(
          (p, attributes) ->
              dnnl.dnnl_eltwise_forward_primitive_desc_create(
                  p,
                  engine(),
                  dnnl.dnnl_forward_training,
                  dnnl.dnnl_eltwise_gelu_erf,
                  x,
                  y,
                  0,
                  0,
                  attributes));
    }

    /** {@code dx = dy·(Φ(x) + x·φ(x))}. */
    static Step geluGradient(Memory dy, Memory x, Memory dx) {
      dnnl_primitive_desc forward = gelu(x.layout, x.layout);
      try {
        dnnl_primitive_desc description =
            described(
                (p, attributes) ->
                    dnnl.dnnl_eltwise_backward_primitive_desc_create(
                        p,
                        engine(),
                        dnnl.dnnl_eltwise_gelu_erf,
                        dx.layout,
                        dy.layout,
                        x.layout,
                        0,
                        0,
                        forward,
                        attributes));
        return new Step(
            description,
            dnnl.DNNL_ARG_DIFF_DST,
            dy,
            dnnl.DNNL_ARG_SRC,
            x,
            dnnl.DNNL_ARG_DIFF_SRC,
            dx);
      } finally {
        dnnl.dnnl_primitive_desc_destroy(forward);
      }
    }

    private static dnnl_primitive_desc product(
        dnnl_memory_desc a, dnnl_memory_desc b, dnnl_memory_desc y) {
      return described(
          (p, attributes) ->
              dnnl.dnnl_matmul_primitive_desc_create(p, engine(), a, b, null, y, attributes));
    }

    private interface Describer {
      int describe(PointerPointer<Pointer> result, dnnl_primitive_attr attributes);
    }

    /** With scratch memory that we give: oneDNN's own belongs to the thread that makes a step. */
    private static dnnl_primitive_desc described(Describer describer) {
      dnnl_primitive_attr attributes =
          new dnnl_primitive_attr(made(dnnl::dnnl_primitive_attr_create));
      try {
        check(
            dnnl.dnnl_primitive_attr_set_scratchpad_mode(
                attributes, dnnl.dnnl_scratchpad_mode_user));
        return new dnnl_primitive_desc(made(p -> describer.describe(p, attributes)));
      } finally {
        dnnl.dnnl_primitive_attr_destroy(attributes);
      }
    }

    /** What it needs to compute in: say where with {@link Memory#at}. */
    Memory scratchpad() {
      return scratchpad;
    }

    void run() {
      check(dnnl.dnnl_primitive_execute(primitive, stream, count, arguments));
    }

    @Override
    public void close() {
      dnnl.dnnl_primitive_destroy(primitive);
      dnnl.dnnl_stream_destroy(stream);
      scratchpad.close();
      arguments.releaseReference();
    }
  }
}
