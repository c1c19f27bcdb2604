package dev.filtrate.onnx;

import dev.filtrate.graph.Node;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import java.util.List;

/** Several operators in place of one. */
@FunctionalInterface
interface Chain {
  /** Emits the chain; delivers one value for each output of {@code n}, of its type and shape. */
  List<Value> emit(Ops op, Node n);
}
