package dev.filtrate.onnx;

import com.google.errorprone.annotations.FormatMethod;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.proto.OnnxProto.AttributeProto;
import dev.filtrate.onnx.proto.OnnxProto.GraphProto;
import dev.filtrate.onnx.proto.OnnxProto.ModelProto;
import dev.filtrate.onnx.proto.OnnxProto.NodeProto;
import dev.filtrate.onnx.proto.OnnxProto.OperatorSetIdProto;
import dev.filtrate.onnx.proto.OnnxProto.StringStringEntryProto;
import dev.filtrate.onnx.proto.OnnxProto.TensorProto;
import dev.filtrate.onnx.proto.OnnxProto.TensorShapeProto.Dimension;
import dev.filtrate.onnx.proto.OnnxProto.TypeProto;
import dev.filtrate.onnx.proto.OnnxProto.ValueInfoProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A graph from messages. Whatever does not fit is a {@link UserError} that names the place. */
final class OnnxReader {
  private final String source;
  private final @Nullable Path folder;
  private final ModelProto proto;

  /** Declared types of values that nodes deliver. */
  private final Map<String, Value> declared = new HashMap<>();

  /** What is there to be read, so far. */
  private final Map<String, Value> defined = new HashMap<>();

  private final Map<String, Tensor> values = new LinkedHashMap<>();

  OnnxReader(String source, @Nullable Path folder, ModelProto proto) {
    this.source = source;
    this.folder = folder;
    this.proto = proto;
  }

  OnnxModel model() {
    checkOpsets();
    Map<String, String> metadata = new LinkedHashMap<>();
    proto.getMetadataPropsList().forEach(p -> metadata.put(p.getKey(), p.getValue()));
    int parametersAmongInputs = count(metadata.remove(OnnxCodec.PARAMETER_COUNT));
    return new OnnxModel(graph(parametersAmongInputs), values, metadata);
  }

  private void checkOpsets() {
    for (OperatorSetIdProto set : proto.getOpsetImportList()) {
      String domain = set.getDomain();
      if (domain.isEmpty() || domain.equals("ai.onnx")) {
        require(
            set.getVersion() == OnnxCodec.OPSET,
            "opset ai.onnx: expected %d, got %d; export the model again at that opset",
            OnnxCodec.OPSET,
            set.getVersion());
      }
    }
  }

  private int count(@Nullable String text) {
    int inputs = proto.getGraph().getInputCount();
    if (text == null) {
      return 0;
    }
    require(
        text.matches("\\d{1,9}") && Integer.parseInt(text) <= inputs,
        "metadata property '%s': expected a number up to %d, got '%s'",
        OnnxCodec.PARAMETER_COUNT,
        inputs,
        text);
    return Integer.parseInt(text);
  }

  private Graph graph(int parametersAmongInputs) {
    GraphProto g = proto.getGraph();
    List<Value> parameters = new ArrayList<>();
    g.getInitializerList().forEach(t -> parameters.add(initializer(t)));
    List<Value> inputs = new ArrayList<>();
    int dataInputs = g.getInputCount() - parametersAmongInputs;
    for (int i = 0; i < g.getInputCount(); i++) {
      Value v = value(g.getInput(i));
      if (!v.equals(defined.get(v.name()))) { // older files list initializers as inputs, too
        (i < dataInputs ? inputs : parameters).add(define(v));
      }
    }
    g.getValueInfoList().forEach(v -> declare(value(v)));
    g.getOutputList().forEach(v -> declare(value(v)));
    List<Node> nodes = g.getNodeList().stream().map(this::node).toList();
    List<Value> outputs = g.getOutputList().stream().map(v -> output(v.getName())).toList();
    return new Graph(g.getName(), inputs, parameters, nodes, outputs);
  }

  private void declare(Value v) {
    declared.put(v.name(), v);
  }

  private Value define(Value v) {
    require(defined.put(v.name(), v) == null, "the value '%s' is defined twice", v.name());
    return v;
  }

  private Value output(String name) {
    Value v = defined.get(name);
    if (v == null) {
      throw error("the output '%s' is delivered by no node", name);
    }
    return v;
  }

  private Value value(ValueInfoProto info) {
    String name = info.getName();
    require(
        info.getType().getValueCase() == TypeProto.ValueCase.TENSOR_TYPE
            && info.getType().getTensorType().hasShape(),
        "the value '%s': expected a tensor with a shape; run shape inference on the model",
        name);
    List<Dim> dims = new ArrayList<>();
    for (Dimension d : info.getType().getTensorType().getShape().getDimList()) {
      dims.add(
          switch (d.getValueCase()) {
            case DIM_VALUE -> Dim.of(d.getDimValue());
            case DIM_PARAM -> parsed(name, d.getDimParam());
            case VALUE_NOT_SET -> throw error("the value '%s' has an axis without a size", name);
          });
    }
    return new Value(
        name, type(name, info.getType().getTensorType().getElemType()), new Shape(dims));
  }

  private Dim parsed(String name, String text) {
    try {
      return Dim.parse(text);
    } catch (IllegalArgumentException e) {
      throw error("the value '%s': '%s' is not the name of a size", name, text);
    }
  }

  private DType type(String name, int number) {
    try {
      return DType.ofOnnx(number);
    } catch (IllegalArgumentException e) {
      throw error("the value '%s': %s", name, e.getMessage());
    }
  }

  private Node node(NodeProto n) {
    String what = n.getOpType() + " '" + (n.getName().isEmpty() ? "?" : n.getName()) + "'";
    OpType op;
    try {
      op = OpType.of(n.getDomain(), n.getOpType());
    } catch (IllegalArgumentException e) {
      throw error("%s", e.getMessage());
    }
    List<Value> inputs = n.getInputList().stream().map(name -> input(what, name)).toList();
    Map<String, Attr> attributes = new HashMap<>();
    n.getAttributeList().forEach(a -> attributes.put(a.getName(), attribute(what, a)));
    require(n.getOutputCount() > 0, "%s delivers nothing", what);
    List<Value> outputs = n.getOutputList().stream().map(this::delivered).toList();
    return new Node(op, inputs, outputs, attributes);
  }

  private Value input(String what, String name) {
    Value v = name.isEmpty() ? Value.NONE : defined.get(name);
    if (v == null) {
      throw error("%s reads '%s', which nothing before it delivers", what, name);
    }
    return v;
  }

  private Value delivered(String name) {
    if (name.isEmpty()) {
      return Value.NONE;
    }
    Value v = declared.get(name);
    if (v == null) {
      throw error("the value '%s' has no type; run shape inference on the model", name);
    }
    return define(v);
  }

  private Attr attribute(String what, AttributeProto a) {
    return switch (a.getType()) {
      case INT -> new Attr.Int(a.getI());
      case FLOAT -> new Attr.Real(a.getF());
      case STRING -> new Attr.Text(a.getS().toStringUtf8());
      case INTS -> new Attr.Ints(a.getIntsList());
      case TENSOR -> new Attr.Content(tensor(what + ": " + a.getName(), a.getT()));
      default -> throw error("%s: the attribute '%s' is of an unsupported kind", what, a.getName());
    };
  }

  private Value initializer(TensorProto t) {
    Value v =
        new Value(
            t.getName(),
            type(t.getName(), t.getDataType()),
            new Shape(t.getDimsList().stream().map(Dim::of).toList()));
    if (t.getDataLocation() != TensorProto.DataLocation.EXTERNAL) {
      values.put(v.name(), tensor(v.name(), t));
    } else if (folder != null) {
      Tensor beside = beside(v, folder, t);
      if (beside != null) {
        values.put(v.name(), beside);
      }
    }
    return define(v);
  }

  private @Nullable Tensor beside(Value v, Path within, TensorProto t) {
    Map<String, String> place = new HashMap<>();
    for (StringStringEntryProto e : t.getExternalDataList()) {
      place.put(e.getKey(), e.getValue());
    }
    String location = place.getOrDefault("location", "");
    if (location.equals(OnnxCodec.HANDED_OVER)) {
      return null;
    }
    Path file = within.resolve(location).normalize();
    require(
        !location.isEmpty() && file.startsWith(within.normalize()),
        "the data of '%s': expected a file beside the model, got '%s'",
        v.name(),
        location);
    long bytes = v.shape().elements().fixed() * v.type().bytes();
    try (FileChannel channel = FileChannel.open(file)) {
      long offset = Long.parseLong(place.getOrDefault("offset", "0"));
      require(
          bytes >= 0
              && bytes <= Integer.MAX_VALUE
              && bytes == Long.parseLong(place.getOrDefault("length", Long.toString(bytes)))
              && offset >= 0
              && offset + bytes <= channel.size(),
          "the data of '%s': expected %d bytes at %d of %s, which has %d; copy it again",
          v.name(),
          bytes,
          offset,
          location,
          channel.size());
      ByteBuffer mapped = channel.map(FileChannel.MapMode.READ_ONLY, offset, bytes);
      return Tensor.wrap(v.type(), v.shape().fixed(), mapped);
    } catch (NumberFormatException e) {
      throw error("the data of '%s': its place in %s is not a number", v.name(), location);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  private Tensor tensor(String what, TensorProto t) {
    DType type = type(what, t.getDataType());
    long[] dims = t.getDimsList().stream().mapToLong(Long::longValue).toArray();
    ByteBuffer bytes = t.getRawData().asReadOnlyByteBuffer();
    if (t.getRawData().isEmpty()) {
      bytes = typed(type, t);
    }
    try {
      return Tensor.wrap(type, dims, bytes);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw error("%s: %s", what, e.getMessage());
    }
  }

  /** The bytes of a tensor whose numbers are in a typed field, as some exporters write it. */
  private static ByteBuffer typed(DType type, TensorProto t) {
    ByteBuffer bytes =
        ByteBuffer.allocate(
                8
                    * (t.getFloatDataCount()
                        + t.getInt32DataCount()
                        + t.getInt64DataCount()
                        + t.getDoubleDataCount()))
            .order(java.nio.ByteOrder.LITTLE_ENDIAN);
    t.getFloatDataList().forEach(bytes::putFloat);
    t.getInt64DataList().forEach(bytes::putLong);
    t.getDoubleDataList().forEach(bytes::putDouble);
    for (int i : t.getInt32DataList()) { // narrow types are widened to int32 there
      switch (type.bytes()) {
        case 1 -> bytes.put((byte) i);
        case 2 -> bytes.putShort((short) i);
        default -> bytes.putInt(i);
      }
    }
    return bytes.flip();
  }

  @FormatMethod
  private void require(boolean condition, String format, @Nullable Object... arguments) {
    if (!condition) {
      throw error(format, arguments);
    }
  }

  @FormatMethod
  private UserError error(String format, @Nullable Object... arguments) {
    return new UserError(source + ": " + String.format(format, arguments));
  }
}
