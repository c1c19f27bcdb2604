package dev.filtrate.onnx;

import com.google.flatbuffers.FlatBufferBuilder;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes a checkpoint as ONNX Runtime's training API loads it: a flatbuffer of the schema {@code
 * ort_training_checkpoint.fbs}, whose tables and fields are named here as they are there. It holds
 * parameters and properties; moments are not in it, so that training starts with new ones.
 */
public final class TrainingCheckpoint {
  /** What the runtime reads since 1.18; it refuses every other number. */
  private static final int VERSION = 2;

  private static final String IDENTIFIER = "ODTC";

  /** Room for names, sizes and tables, for each tensor or property and for the whole. */
  private static final int ROOM = 1 << 10;

  /** Where numbers start: what a double needs. */
  private static final int ALIGNMENT = 8;

  private final FlatBufferBuilder builder;

  private TrainingCheckpoint(int size) {
    builder = new FlatBufferBuilder(size);
  }

  /**
   * Writes a checkpoint.
   *
   * @param trained the parameters that get gradients, by name
   * @param frozen the other ones
   * @param properties texts, whole numbers ({@link Long}) and {@link Float}s, by name
   * @throws dev.filtrate.base.UserError where they are more than the 2 GiB of a flatbuffer
   */
  public static void write(
      Path file,
      Map<String, Tensor> trained,
      Map<String, Tensor> frozen,
      Map<String, ? extends Comparable<?>> properties) {
    long size = ROOM + size(trained) + size(frozen);
    for (Map.Entry<String, ? extends Comparable<?>> property : properties.entrySet()) {
      size += ROOM + 3L * (property.getKey().length() + property.getValue().toString().length());
    }
    Check.user(
        size <= Integer.MAX_VALUE,
        "%s: %d bytes of parameters do not fit into a checkpoint of ONNX Runtime's training API,"
            + " which ends at 2 GiB; export a smaller student",
        file,
        size);
    TrainingCheckpoint checkpoint = new TrainingCheckpoint((int) size);
    FlatBufferBuilder b = checkpoint.builder;
    int moduleState = checkpoint.moduleState(trained, frozen);
    int propertyBag = checkpoint.propertyBag(new TreeMap<>(properties));
    b.finish(checkpoint.checkpoint(moduleState, propertyBag), IDENTIFIER);
    ByteBuffer bytes = b.dataBuffer();
    AtomicFiles.write(
        file,
        channel -> {
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }

  private static long size(Map<String, Tensor> tensors) {
    long size = 0;
    for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
      size += ROOM + 3L * tensor.getKey().length() + tensor.getValue().bytes().remaining();
    }
    return size;
  }

  /** {@code Checkpoint {version, module_state, optimizer_groups, property_bag}}. */
  private int checkpoint(int moduleState, int propertyBag) {
    builder.startTable(4);
    builder.addInt(0, VERSION, 0);
    builder.addOffset(1, moduleState, 0);
    builder.addOffset(3, propertyBag, 0);
    return builder.endTable();
  }

  /**
   * {@code ModuleState {requires_grad_params, frozen_params, is_nominal_state, has_external_data}};
   * both flags keep their default, false.
   */
  private int moduleState(Map<String, Tensor> trained, Map<String, Tensor> frozen) {
    int requiresGradParams = tensors(trained);
    int frozenParams = tensors(frozen);
    builder.startTable(4);
    builder.addOffset(0, requiresGradParams, 0);
    builder.addOffset(1, frozenParams, 0);
    return builder.endTable();
  }

  private int tensors(Map<String, Tensor> tensors) {
    List<Integer> offsets = new ArrayList<>();
    new TreeMap<>(tensors).forEach((name, tensor) -> offsets.add(tensor(name, tensor)));
    return vector(offsets);
  }

  /** {@code Tensor {name, doc_string, dims, data_type, raw_data, …}}. */
  private int tensor(String name, Tensor tensor) {
    int nameText = builder.createString(name);
    int dims = dims(tensor.dims());
    ByteBuffer data = tensor.bytes();
    // The builder's own vector of bytes takes no alignment.
    builder.createUnintializedVector(1, data.remaining(), ALIGNMENT).put(data);
    int rawData = builder.endVector();
    builder.startTable(7);
    builder.addOffset(0, nameText, 0);
    builder.addOffset(2, dims, 0);
    builder.addInt(3, tensor.type().onnx(), 0);
    builder.addOffset(4, rawData, 0);
    return builder.endTable();
  }

  private int dims(long[] dims) {
    builder.startVector(Long.BYTES, dims.length, Long.BYTES);
    for (int i = dims.length - 1; i >= 0; i--) { // buffers are built from their end
      builder.addLong(dims[i]);
    }
    return builder.endVector();
  }

  /** {@code PropertyBag {ints, floats, strings}}, each of them a list of {@code {name, value}}. */
  private int propertyBag(Map<String, ? extends Comparable<?>> properties) {
    List<Integer> ints = new ArrayList<>();
    List<Integer> floats = new ArrayList<>();
    List<Integer> strings = new ArrayList<>();
    properties.forEach(
        (name, value) -> {
          if (value instanceof Long whole) {
            ints.add(property(name, () -> builder.addLong(1, whole, 0)));
          } else if (value instanceof Float real) {
            floats.add(property(name, () -> builder.addFloat(1, real, 0)));
          } else {
            int text = builder.createString(value.toString());
            strings.add(property(name, () -> builder.addOffset(1, text, 0)));
          }
        });
    int intProperties = vector(ints);
    int floatProperties = vector(floats);
    int stringProperties = vector(strings);
    builder.startTable(3);
    builder.addOffset(0, intProperties, 0);
    builder.addOffset(1, floatProperties, 0);
    builder.addOffset(2, stringProperties, 0);
    return builder.endTable();
  }

  private int property(String name, Runnable value) {
    int nameText = builder.createString(name);
    builder.startTable(2);
    builder.addOffset(0, nameText, 0);
    value.run();
    return builder.endTable();
  }

  private int vector(List<Integer> offsets) {
    return builder.createVectorOfTables(offsets.stream().mapToInt(Integer::intValue).toArray());
  }
}
