package dev.filtrate.runtime;

import dev.filtrate.autodiff.ReverseMode;
import dev.filtrate.base.Randomness;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.AdamW;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Target;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Two dense layers with dropout before each, fitted to {@code target}; the first layer's bias is
 * frozen.
 */
record TinyModel(int in, int hidden, int out, double dropout, Target target) {
  static final AdamW ADAM = AdamW.with(0.01, OptionalDouble.of(1));
  static final String FROZEN = "first.bias";

  static TinyModel small() {
    return new TinyModel(8, 16, 4, 0.3, Target.ORT);
  }

  private Value predict(Ops op, boolean training) {
    Value x = op.builder().input("x", DType.FLOAT, Shape.of(Dim.named("batch"), Dim.of(in)));
    Value dropped = training ? op.dropout(x, dropout) : x;
    Value h = op.gelu(op.in("first").linear(dropped, hidden));
    return op.in("second").linear(training ? op.dropout(h, dropout) : h, out);
  }

  /** Loss, and the gradients of all parameters but the frozen one. */
  Graph gradients() {
    GraphBuilder g = new GraphBuilder();
    Ops op = g.ops();
    Value y = predict(op, true);
    Value difference = op.sub(y, g.input("target", DType.FLOAT, y.shape()));
    Value loss = op.meanAll(op.mul(difference, difference));
    List<Value> trained = g.parameters().stream().filter(p -> !p.name().equals(FROZEN)).toList();
    Value scale = g.input("gradient_scale", DType.FLOAT, Shape.SCALAR);
    Map<String, Value> outputs = new LinkedHashMap<>(Map.of("loss", loss));
    ReverseMode.gradients(g, loss, scale, trained)
        .forEach((p, gradient) -> outputs.put("grad/" + p.name(), gradient));
    return g.build("gradients", outputs);
  }

  Graph update() {
    Graph gradients = gradients();
    List<Value> trained =
        gradients.parameters().stream().filter(p -> !p.name().equals(FROZEN)).toList();
    return ADAM.graph("update", trained);
  }

  Graph inference() {
    GraphBuilder g = new GraphBuilder();
    return g.build("inference", Map.of("y", predict(g.ops(), false)));
  }

  byte[] onnx(Graph graph) {
    return OnnxCodec.encode(Lowering.toOnnx(graph, target, DeviceKind.CPU));
  }

  Map<String, Tensor> initial(long seed) {
    Map<String, Tensor> values = new LinkedHashMap<>();
    for (Value p : gradients().parameters()) {
      values.put(p.name(), normal(seed, p.name(), p.shape().fixed()));
    }
    return values;
  }

  /** A batch of a step: {@code x}, {@code target} and the scale of its gradients. */
  Map<String, Tensor> batch(long seed, int size, float scale) {
    return Map.of(
        "x", normal(seed, "x", size, in),
        "target", normal(seed, "target", size, out),
        "gradient_scale", Tensor.scalar(scale));
  }

  static Tensor normal(long seed, String purpose, long... dims) {
    float[] values = new float[(int) Tensor.count(dims)];
    Randomness.of(seed, purpose).fillNormal(values, 1);
    return Tensor.ofFloats(dims, values);
  }

  TrainingSession open(Map<String, Tensor> initial, RuntimeOptions options) {
    return TrainingSession.open(onnx(gradients()), onnx(update()), initial, options);
  }
}
