/**
 * From the representation to what a runtime loads, and back. Two passes over graphs and a codec:
 * {@link dev.filtrate.onnx.Lowering} replaces operators that a target does not run, or not well, by
 * chains of others; {@link dev.filtrate.onnx.Operands} turns static shapes, axes and bounds into
 * the int64 tensors that ONNX wants; {@link dev.filtrate.onnx.OnnxCodec} writes the result as an
 * ONNX model, one to one, and reads it back as the same graph. Where the weights are known, {@link
 * dev.filtrate.onnx.QuantizedWeights} stores them in bytes, for exports and for a frozen teacher.
 *
 * <p>For ONNX Runtime's own training API, {@link dev.filtrate.onnx.TrainingModels} and {@link
 * dev.filtrate.onnx.TrainingCheckpoint} write what a graph cannot express, and the parameters.
 *
 * <p>Decisions: opset 17 and IR version 8, {@code com.microsoft} version 1 only where it is used.
 * Every value is typed in the file, sizes that are known only when running under their text form.
 * Which kernel or chain an operator gets is one table, by target and device, as measured; for CPUs
 * some kernels are this project's own ({@code runtime.kernels}), in graphs that stay here. Where
 * there are no kernels in 16 bits, what is rounded to them computes in float32. Protobuf and
 * flatbuffers stay here; no runtime is known here.
 */
@NullMarked
package dev.filtrate.onnx;

import org.jspecify.annotations.NullMarked;
