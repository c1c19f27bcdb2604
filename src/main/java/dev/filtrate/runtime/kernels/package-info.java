/**
 * Operators of this project's own for CPUs, where ONNX Runtime's kernels leave speed lying:
 * products of matrices in bfloat16, which it has none for, and Gelu with its gradient. oneDNN
 * computes them (ONNX Runtime's binding brings it along), in tasks on the threads of the session
 * that asks.
 *
 * <p>They are custom operators of the domain {@code dev.filtrate}: a graph has them where {@link
 * dev.filtrate.onnx.Lowering} chose them for a device, and only graphs that run here do, never an
 * export. oneDNN must not start threads beside the session's: {@code OMP_NUM_THREADS=1} sees to
 * that (the launcher sets it), and without it nothing here is used.
 */
@NullMarked
package dev.filtrate.runtime.kernels;

import org.jspecify.annotations.NullMarked;
