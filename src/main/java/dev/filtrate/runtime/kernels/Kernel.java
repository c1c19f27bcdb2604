package dev.filtrate.runtime.kernels;

import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.function.IntConsumer;

/** What a node of a session's graph computes. One kernel of the process runs at a time. */
interface Kernel {
  /** Computes the outputs of one run. */
  void compute(Call call);

  /** Frees what the node keeps. */
  default void close() {}

  /** Runs tasks 0 to {@code count} - 1, side by side where it can. */
  interface Workers {
    void run(int count, IntConsumer task);
  }

  /** A run as the kernel sees it: tensors on the host. */
  interface Call extends Workers {
    /** The sizes of an input. */
    long[] dims(int input);

    /** Where an input's numbers are. */
    long address(int input);

    /** The numbers of an input of int64. */
    LongBuffer longs(int input);

    /** Numbers of float32. */
    FloatBuffer floats(long address, long count);

    /** Where the numbers of the output go, whose sizes are these. */
    long output(long... dims);
  }

  /** A node as the graph has it. */
  interface Node {
    /** An integer attribute, 0 or 1. */
    boolean flag(String attribute);

    /** Whether an input is the same at every run. */
    boolean isConstant(int input);
  }
}
