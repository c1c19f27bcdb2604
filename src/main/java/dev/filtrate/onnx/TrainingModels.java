package dev.filtrate.onnx;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.Version;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import dev.filtrate.model.AdamW;
import dev.filtrate.onnx.proto.OnnxProto.AttributeProto;
import dev.filtrate.onnx.proto.OnnxProto.AttributeProto.AttributeType;
import dev.filtrate.onnx.proto.OnnxProto.GraphProto;
import dev.filtrate.onnx.proto.OnnxProto.ModelProto;
import dev.filtrate.onnx.proto.OnnxProto.NodeProto;
import dev.filtrate.onnx.proto.OnnxProto.OperatorSetIdProto;
import dev.filtrate.onnx.proto.OnnxProto.TypeProto;
import dev.filtrate.onnx.proto.OnnxProto.ValueInfoProto;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Models in the form of ONNX Runtime's training API, as far as it is none that a {@link Graph} has:
 * operators that change what they read, and sequences of tensors. Names are those that the API
 * looks for.
 */
public final class TrainingModels {
  /** Suffix of a parameter's gradient. */
  public static final String GRADIENT = "_grad";

  private static final String MICROSOFT = "com.microsoft";
  private static final String RESET = "lazy_reset_grad";
  private static final Shape ONE = Shape.of(1);

  private TrainingModels() {}

  /**
   * Writes a model of forward and backward whose gradients are added up in buffers that the API
   * keeps: {@code <p>_grad.accumulation.buffer} becomes the gradient, or grows by it, as {@code
   * lazy_reset_grad} says.
   *
   * @param graph in ONNX's form, with parameters p whose gradients are outputs {@code <p>_grad};
   *     the other outputs stay outputs
   */
  public static void writeTraining(Path file, Graph graph, Map<String, String> metadata) {
    ModelProto.Builder model = model(graph, metadata);
    GraphProto.Builder proto = model.getGraphBuilder().clearOutput();
    graph.outputs().stream()
        .filter(v -> !isGradient(graph, v))
        .forEach(v -> proto.addOutput(OnnxWriter.info(v)));
    for (Value p : graph.parameters()) {
      graph.output(p.name() + GRADIENT).ifPresent(gradient -> accumulate(proto, gradient));
    }
    proto.addInput(OnnxWriter.info(new Value(RESET, DType.BOOL, ONE)));
    write(file, withMicrosoft(model));
  }

  /**
   * Writes a model of forward alone, with parameters as inputs, from which the API makes models for
   * inference.
   *
   * @param graph in ONNX's form
   */
  public static void writeEval(Path file, Graph graph, Map<String, String> metadata) {
    write(file, model(graph, metadata).build());
  }

  /**
   * Without the codec's own property: where the API makes another model of it, that would not hold.
   */
  private static ModelProto.Builder model(Graph graph, Map<String, String> metadata) {
    ModelProto model = new OnnxWriter(graph, Parameters.inputs(), metadata, "").model();
    return model.toBuilder()
        .clearMetadataProps()
        .addAllMetadataProps(
            model.getMetadataPropsList().stream()
                .filter(p -> !p.getKey().equals(OnnxCodec.PARAMETER_COUNT))
                .toList());
  }

  private static boolean isGradient(Graph graph, Value output) {
    return graph.parameters().stream().anyMatch(p -> output.name().equals(p.name() + GRADIENT));
  }

  private static void accumulate(GraphProto.Builder proto, Value gradient) {
    Value buffer = gradient.named(gradient.name() + ".accumulation.buffer");
    Value done = new Value(gradient.name() + ".accumulation.out", DType.BOOL, ONE);
    proto.addValueInfo(OnnxWriter.info(gradient));
    proto.addInput(OnnxWriter.info(buffer));
    proto.addNode(
        NodeProto.newBuilder()
            .setName(done.name())
            .setDomain(MICROSOFT)
            .setOpType("InPlaceAccumulatorV2")
            .addAllInput(List.of(buffer.name(), gradient.name(), RESET))
            .addOutput(done.name()));
    proto.addOutput(OnnxWriter.info(done));
  }

  /**
   * Writes AdamW over sequences of all parameters, gradients and moments, which are changed in
   * place. The operator has one decay for all of them, biases and norms too, so that it must be 0
   * to be the {@link AdamW} of this project.
   */
  public static void writeOptimizer(Path file, AdamW adam, Map<String, String> metadata) {
    Check.argument(adam.weightDecay() == 0, "the training API has no decay that spares biases");
    GraphProto.Builder graph = GraphProto.newBuilder().setName("optimizer");
    graph.addInput(OnnxWriter.info(new Value("learning_rate", DType.FLOAT, ONE)));
    graph.addInput(OnnxWriter.info(new Value("step", DType.INT64, ONE)));
    graph.addInput(sequence("params"));
    graph.addInput(sequence("gradients"));
    graph.addInput(sequence("first_order_moments"));
    graph.addInput(sequence("second_order_moments"));
    String gradients = "gradients";
    if (adam.maxGradNorm().isPresent()) {
      gradients = "clipped_gradients";
      graph.addValueInfo(sequence(gradients));
      graph.addNode(
          NodeProto.newBuilder()
              .setName(gradients)
              .setDomain(MICROSOFT)
              .setOpType("InplaceClipGradNorm")
              .addInput("gradients")
              .addOutput(gradients)
              .addAttribute(real("max_norm", adam.maxGradNorm().getAsDouble())));
    }
    Value updated = new Value("updated_flag", DType.BOOL, ONE);
    graph.addNode(
        NodeProto.newBuilder()
            .setName(updated.name())
            .setDomain(MICROSOFT)
            .setOpType("AdamWOptimizer")
            .addInput("learning_rate")
            .addInput("step")
            .addInput("params")
            .addInput(gradients)
            .addInput("first_order_moments")
            .addInput("second_order_moments")
            .addOutput(updated.name())
            .addAttribute(real("alpha", adam.beta1()))
            .addAttribute(real("beta", adam.beta2()))
            .addAttribute(real("epsilon", adam.epsilon()))
            .addAttribute(real("weight_decay", adam.weightDecay()))
            .addAttribute(whole("correct_bias", 1))
            .addAttribute(whole("adam_mode", 0))); // PyTorch's
    graph.addOutput(OnnxWriter.info(updated));
    ModelProto.Builder model =
        ModelProto.newBuilder()
            .setIrVersion(OnnxCodec.IR_VERSION)
            .setProducerName("filtrate")
            .setProducerVersion(Version.current())
            .setGraph(graph)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OnnxCodec.OPSET));
    OnnxCodec.sorted(metadata).forEach((k, v) -> model.addMetadataProps(OnnxWriter.entry(k, v)));
    write(file, withMicrosoft(model));
  }

  private static ValueInfoProto sequence(String name) {
    TypeProto.Tensor floats = TypeProto.Tensor.newBuilder().setElemType(DType.FLOAT.onnx()).build();
    TypeProto.Sequence type =
        TypeProto.Sequence.newBuilder()
            .setElemType(TypeProto.newBuilder().setTensorType(floats))
            .build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setSequenceType(type))
        .build();
  }

  private static AttributeProto real(String name, double value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.FLOAT)
        .setF((float) value)
        .build();
  }

  private static AttributeProto whole(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  private static ModelProto withMicrosoft(ModelProto.Builder model) {
    if (model.getOpsetImportList().stream().noneMatch(o -> o.getDomain().equals(MICROSOFT))) {
      model.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(MICROSOFT).setVersion(1));
    }
    return model.build();
  }

  private static void write(Path file, ModelProto model) {
    AtomicFiles.writeStream(file, model::writeTo);
  }
}
