package dev.filtrate.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.proto.OnnxProto.ModelProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * Graph to ONNX model and back, one to one: what is read equals what was written, and the same
 * graph always gives the same bytes. The graph is in ONNX's form, as {@link Operands#asInputs} and
 * {@link Lowering#toOnnx} deliver it.
 */
public final class OnnxCodec {
  /** The version of ONNX's own operator set, read and written. */
  public static final int OPSET = 17;

  /** The version of the file format that is written. */
  public static final int IR_VERSION = 8;

  /** How many of the last inputs are parameters; a metadata property of the file. */
  static final String PARAMETER_COUNT = "filtrate.parameters";

  /** Marks data that no file holds: the session's owner hands it over. */
  static final String HANDED_OVER = "handed-over-by-the-session";

  /** What of data a model may carry inside: protobuf ends at 2 GiB, and the graph needs room. */
  public static final long INSIDE = Integer.MAX_VALUE - (64L << 20);

  private OnnxCodec() {}

  /** The model's bytes, with parameters as inputs and no metadata. */
  public static byte[] encode(Graph graph) {
    return encode(graph, Parameters.inputs(), Map.of());
  }

  /**
   * The model's bytes.
   *
   * @param metadata properties of the file, by name
   * @throws IllegalArgumentException if the graph is not in ONNX's form, if data is missing or does
   *     not fit, or if it is to lie beside a file
   */
  public static byte[] encode(Graph graph, Parameters parameters, Map<String, String> metadata) {
    Check.argument(
        parameters.style() != Parameters.Style.BESIDE,
        "data beside a model needs a file: write it");
    checkValues(graph, parameters);
    Check.argument(
        parameters.style() != Parameters.Style.EMBEDDED || bytes(graph) <= INSIDE,
        "%s: %d bytes of parameters do not fit inside a model: write it to a file",
        graph.name(),
        bytes(graph));
    return new OnnxWriter(graph, parameters, metadata, "").model().toByteArray();
  }

  /**
   * Writes a model; embedded data beyond protobuf's 2 GiB goes beside it, into {@code <file>_data},
   * which is written first.
   *
   * @throws IllegalArgumentException as {@link #encode} does
   */
  public static void write(
      Path file, Graph graph, Parameters parameters, Map<String, String> metadata) {
    write(file, graph, parameters, metadata, INSIDE);
  }

  /**
   * The same with another limit.
   *
   * @param inside how many bytes of embedded data stay inside, at most {@value #INSIDE}
   */
  public static void write(
      Path file, Graph graph, Parameters parameters, Map<String, String> metadata, long inside) {
    checkValues(graph, parameters);
    boolean beside =
        parameters.style() == Parameters.Style.BESIDE
            || (parameters.style() == Parameters.Style.EMBEDDED && bytes(graph) > inside);
    Parameters written = beside ? Parameters.beside(parameters.values()) : parameters;
    String data = file.getFileName() + "_data";
    ModelProto model = new OnnxWriter(graph, written, metadata, data).model();
    if (beside) {
      AtomicFiles.write(
          file.resolveSibling(data), c -> OnnxWriter.writeData(c, graph, parameters.values()));
    }
    AtomicFiles.writeStream(file, model::writeTo);
  }

  private static void checkValues(Graph graph, Parameters parameters) {
    if (parameters.style() != Parameters.Style.EMBEDDED
        && parameters.style() != Parameters.Style.BESIDE) {
      return;
    }
    for (Value p : graph.parameters()) {
      Tensor value = parameters.values().get(p.name());
      Check.argument(
          value != null && value.type() == p.type() && value.shape().equals(p.shape()),
          "the data of parameter %s: got %s",
          p,
          value);
    }
  }

  private static long bytes(Graph graph) {
    return graph.parameters().stream()
        .mapToLong(p -> p.shape().elements().fixed() * p.type().bytes())
        .sum();
  }

  /**
   * Reads a model and the data beside it. Tensors are views of the mapped files.
   *
   * @throws UserError if the file is no ONNX model, or holds what this project does not support
   */
  public static OnnxModel read(Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      Check.user(
          channel.size() <= Integer.MAX_VALUE,
          "%s: %d bytes, but an ONNX model has at most 2 GiB; its data belongs beside it",
          file,
          channel.size());
      ByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
      Path folder = file.toAbsolutePath().getParent();
      return new OnnxReader(file.toString(), folder, parse(file.toString(), bytes)).model();
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  /**
   * Reads a model from its bytes; data beside a file is not looked for.
   *
   * @throws UserError as {@link #read} does
   */
  public static OnnxModel decode(byte[] bytes) {
    String source = "ONNX model";
    return new OnnxReader(source, null, parse(source, ByteBuffer.wrap(bytes))).model();
  }

  private static ModelProto parse(String source, ByteBuffer bytes) {
    try {
      CodedInputStream in = CodedInputStream.newInstance(bytes);
      in.enableAliasing(true); // large tensors stay where they are
      ModelProto model = ModelProto.parseFrom(in);
      Check.user(
          model.hasGraph() && model.getIrVersion() > 0,
          "%s: not an ONNX model: expected a graph and an IR version, found none; give a file that"
              + " an ONNX exporter wrote",
          source);
      return model;
    } catch (InvalidProtocolBufferException e) {
      throw new UserError(
          "%s: not an ONNX model, or cut off; give a whole file (%s)"
              .formatted(source, e.getMessage()),
          e);
    } catch (IOException e) {
      throw new UserError(source + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** Properties in a fixed order. */
  static Map<String, String> sorted(Map<String, String> properties) {
    return new TreeMap<>(properties);
  }
}
