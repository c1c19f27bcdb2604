package dev.filtrate.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.filtrate.base.Check;
import dev.filtrate.base.Version;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.proto.OnnxProto.AttributeProto;
import dev.filtrate.onnx.proto.OnnxProto.AttributeProto.AttributeType;
import dev.filtrate.onnx.proto.OnnxProto.GraphProto;
import dev.filtrate.onnx.proto.OnnxProto.ModelProto;
import dev.filtrate.onnx.proto.OnnxProto.NodeProto;
import dev.filtrate.onnx.proto.OnnxProto.OperatorSetIdProto;
import dev.filtrate.onnx.proto.OnnxProto.StringStringEntryProto;
import dev.filtrate.onnx.proto.OnnxProto.TensorProto;
import dev.filtrate.onnx.proto.OnnxProto.TensorShapeProto;
import dev.filtrate.onnx.proto.OnnxProto.TypeProto;
import dev.filtrate.onnx.proto.OnnxProto.ValueInfoProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Messages from a graph. Every list keeps the graph's order, so the bytes are reproducible. */
final class OnnxWriter {
  /** Where a tensor in a data file may start: what every system can map. */
  private static final long PAGE = 4096;

  private final Graph graph;
  private final Parameters parameters;
  private final Map<String, String> metadata;
  private final String dataFile;
  private long offset;

  OnnxWriter(Graph graph, Parameters parameters, Map<String, String> metadata, String dataFile) {
    this.graph = graph;
    this.parameters = parameters;
    this.metadata = metadata;
    this.dataFile = dataFile;
  }

  ModelProto model() {
    ModelProto.Builder model =
        ModelProto.newBuilder()
            .setIrVersion(OnnxCodec.IR_VERSION)
            .setProducerName("filtrate")
            .setProducerVersion(Version.current())
            .setGraph(graph())
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OnnxCodec.OPSET));
    graph.nodes().stream()
        .map(n -> n.op().domain())
        .filter(d -> !d.isEmpty())
        .distinct()
        .sorted()
        .forEach(
            d -> model.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(d).setVersion(1)));
    Check.argument(
        !metadata.containsKey(OnnxCodec.PARAMETER_COUNT),
        "the metadata property '%s' is the codec's own",
        OnnxCodec.PARAMETER_COUNT);
    OnnxCodec.sorted(metadata).forEach((k, v) -> model.addMetadataProps(entry(k, v)));
    if (parameters.style() == Parameters.Style.INPUTS && !graph.parameters().isEmpty()) {
      model.addMetadataProps(
          entry(OnnxCodec.PARAMETER_COUNT, Integer.toString(graph.parameters().size())));
    }
    return model.build();
  }

  private GraphProto graph() {
    GraphProto.Builder proto = GraphProto.newBuilder().setName(graph.name());
    graph.inputs().forEach(v -> proto.addInput(info(v)));
    if (parameters.style() == Parameters.Style.INPUTS) {
      graph.parameters().forEach(v -> proto.addInput(info(v)));
    } else {
      graph.parameters().forEach(v -> proto.addInitializer(initializer(v)));
    }
    graph.nodes().forEach(n -> proto.addNode(node(n)));
    graph.outputs().forEach(v -> proto.addOutput(info(v)));
    Set<Value> outputs = new HashSet<>(graph.outputs());
    graph.nodes().stream()
        .flatMap(n -> n.outputs().stream())
        .filter(v -> !outputs.contains(v) && !v.equals(Value.NONE))
        .forEach(v -> proto.addValueInfo(info(v)));
    return proto.build();
  }

  static ValueInfoProto info(Value v) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (Dim d : v.shape().dims()) {
      TensorShapeProto.Dimension.Builder dim = shape.addDimBuilder();
      if (d.isFixed()) {
        dim.setDimValue(d.fixed());
      } else {
        dim.setDimParam(d.toString());
      }
    }
    TypeProto.Tensor type =
        TypeProto.Tensor.newBuilder().setElemType(v.type().onnx()).setShape(shape).build();
    return ValueInfoProto.newBuilder()
        .setName(v.name())
        .setType(TypeProto.newBuilder().setTensorType(type))
        .build();
  }

  private TensorProto initializer(Value p) {
    Tensor value = parameters.values().get(p.name());
    if (parameters.style() == Parameters.Style.EMBEDDED && value != null) {
      return tensor(value).setName(p.name()).build();
    }
    TensorProto.Builder proto =
        TensorProto.newBuilder()
            .setName(p.name())
            .setDataType(p.type().onnx())
            .setDataLocation(TensorProto.DataLocation.EXTERNAL);
    p.shape().dims().forEach(d -> proto.addDims(d.fixed()));
    long length = p.shape().elements().fixed() * p.type().bytes();
    boolean beside = parameters.style() == Parameters.Style.BESIDE;
    Map<String, String> place = new LinkedHashMap<>();
    place.put("location", beside ? dataFile : OnnxCodec.HANDED_OVER);
    place.put("offset", Long.toString(beside ? offset : 0));
    place.put("length", Long.toString(length));
    place.forEach((k, v) -> proto.addExternalData(entry(k, v)));
    offset = aligned(offset + length);
    return proto.build();
  }

  private static long aligned(long offset) {
    return (offset + PAGE - 1) / PAGE * PAGE;
  }

  /**
   * Writes the data of a graph's parameters in their order, at the offsets that the model states.
   */
  static void writeData(FileChannel channel, Graph graph, Map<String, Tensor> values)
      throws IOException {
    for (Value p : graph.parameters()) {
      Tensor value = values.get(p.name());
      if (value != null) {
        channel.position(aligned(channel.position()));
        ByteBuffer bytes = value.bytes();
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
      }
    }
  }

  private static TensorProto.Builder tensor(Tensor value) {
    TensorProto.Builder proto =
        TensorProto.newBuilder()
            .setDataType(value.type().onnx())
            .setRawData(UnsafeByteOperations.unsafeWrap(value.bytes()));
    for (long d : value.dims()) {
      proto.addDims(d);
    }
    return proto;
  }

  private static NodeProto node(Node n) {
    NodeProto.Builder proto =
        NodeProto.newBuilder()
            .setName(n.output().name())
            .setOpType(n.op().onnx())
            .setDomain(n.op().domain());
    n.inputs().forEach(v -> proto.addInput(v.name()));
    n.outputs().forEach(v -> proto.addOutput(v.name()));
    for (OpType.Operand operand : n.op().operands()) {
      Check.argument(
          !n.attributes().containsKey(operand.attribute()),
          "%s: %s is still an attribute; Operands.asInputs makes an input of it",
          n.output().name(),
          operand.attribute());
    }
    n.attributes().forEach((name, a) -> proto.addAttribute(attribute(n, name, a)));
    return proto.build();
  }

  private static AttributeProto attribute(Node n, String name, Attr a) {
    AttributeProto.Builder proto = AttributeProto.newBuilder().setName(name);
    if (a instanceof Attr.Int i) {
      return proto.setType(AttributeType.INT).setI(i.value()).build();
    }
    if (a instanceof Attr.Real r) {
      return proto.setType(AttributeType.FLOAT).setF(r.value()).build();
    }
    if (a instanceof Attr.Text t) {
      ByteString utf8 = ByteString.copyFromUtf8(t.value());
      return proto.setType(AttributeType.STRING).setS(utf8).build();
    }
    if (a instanceof Attr.Ints ints) {
      return proto.setType(AttributeType.INTS).addAllInts(ints.values()).build();
    }
    if (a instanceof Attr.Content c) {
      return proto.setType(AttributeType.TENSOR).setT(tensor(c.value())).build();
    }
    throw new IllegalArgumentException(
        "%s: the attribute %s=%s has no form in ONNX".formatted(n.output().name(), name, a));
  }

  static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
