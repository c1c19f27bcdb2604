package dev.filtrate.train;

import dev.filtrate.graph.Graph;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.QuantizedWeights;
import dev.filtrate.onnx.Target;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.runtime.OnnxRuntime;

/** How a frozen model computes. */
enum FrozenDtype {
  /** As it was trained, or in the run's mixed precision. */
  FLOAT32,
  /**
   * In products of bytes, with a scale for each column of a weight and one for each product's other
   * factor, whose range is that of the whole batch: about two digits, and a text's outputs depend a
   * little on the texts beside it.
   */
  INT8;

  /** A model in this form. */
  WeightedGraph applyTo(WeightedGraph model, Engine engine) {
    return switch (this) {
      case FLOAT32 -> model.with(engine.precision().applyTo(model.graph()));
      case INT8 -> {
        Graph standard = Lowering.lower(model.graph(), Target.PORTABLE, DeviceKind.CPU);
        boolean reduceRange = !OnnxRuntime.addsProductsOfBytesExactly();
        yield QuantizedWeights.apply(model.with(standard), true, reduceRange);
      }
    };
  }
}
