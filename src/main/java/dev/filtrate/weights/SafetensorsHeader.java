package dev.filtrate.weights;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The JSON in front of a safetensors file: which bytes of the data behind it are which tensor. As
 * in the format's own library, the tensors lie back to back and fill the data exactly.
 *
 * @param tensors by name, in the order of their data
 * @param metadata what the file says about itself
 */
record SafetensorsHeader(Map<String, Entry> tensors, Map<String, String> metadata) {
  /** The format's limit, far over any real header. */
  static final long LONGEST = 100_000_000;

  static final String METADATA = "__metadata__";

  /** The format's names of the element types, in the order that its library writes them. */
  private static final Map<String, DType> TYPES = new LinkedHashMap<>();

  static {
    TYPES.put("I64", DType.INT64);
    TYPES.put("F64", DType.DOUBLE);
    TYPES.put("F32", DType.FLOAT);
    TYPES.put("I32", DType.INT32);
    TYPES.put("BF16", DType.BFLOAT16);
    TYPES.put("F16", DType.FLOAT16);
    TYPES.put("I8", DType.INT8);
    TYPES.put("U8", DType.UINT8);
    TYPES.put("BOOL", DType.BOOL);
  }

  private static final List<DType> ORDER = List.copyOf(TYPES.values());
  private static final List<String> NAMES = List.copyOf(TYPES.keySet());

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  /** A tensor: bytes {@code begin} (inclusive) to {@code end} (exclusive) of the data. */
  record Entry(DType type, Shape shape, long begin, long end) {
    long[] dims() {
      return shape.fixed();
    }
  }

  /**
   * Where a type stands in a file: wide types first, so that every tensor is aligned. Throws {@link
   * IllegalArgumentException} for a type that the format has not.
   */
  static int rank(DType type) {
    int rank = ORDER.indexOf(type);
    Check.argument(rank >= 0, "safetensors has no element type %s", type);
    return rank;
  }

  /** The bytes as written: JSON, padded with spaces to a multiple of 8. */
  byte[] encode() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator out = JSON.createGenerator(bytes)) {
      out.writeStartObject();
      out.writeObjectFieldStart(METADATA);
      for (Map.Entry<String, String> e : metadata.entrySet()) {
        out.writeStringField(e.getKey(), e.getValue());
      }
      out.writeEndObject();
      for (Map.Entry<String, Entry> e : tensors.entrySet()) {
        Entry t = e.getValue();
        out.writeObjectFieldStart(e.getKey());
        out.writeStringField("dtype", NAMES.get(rank(t.type())));
        out.writeFieldName("shape");
        long[] dims = t.dims();
        out.writeArray(dims, 0, dims.length);
        out.writeFieldName("data_offsets");
        out.writeArray(new long[] {t.begin(), t.end()}, 0, 2);
        out.writeEndObject();
      }
      out.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory failed", e);
    }
    while (bytes.size() % 8 != 0) {
      bytes.write(' ');
    }
    return bytes.toByteArray();
  }

  /** Reads and checks a header; {@code dataBytes} is what the file holds behind it. */
  static SafetensorsHeader decode(Path file, byte[] json, long dataBytes) {
    Map<String, Entry> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    try (JsonParser parser = JSON.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw notSafetensors(file, "its header is not a JSON object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        JsonNode value = JSON.readTree(parser);
        if (name.equals(METADATA)) {
          value.properties().forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
        } else if (tensors.put(name, entry(file, name, value, dataBytes)) != null) {
          throw damaged(file, name, "expected once, found twice");
        }
      }
      if (parser.nextToken() != null) {
        throw notSafetensors(file, "its header goes on after the JSON object");
      }
    } catch (JsonProcessingException e) {
      throw notSafetensors(
          file, "its header is not JSON, see byte " + (8 + e.getLocation().getByteOffset()));
    } catch (IOException e) { // bytes that are no text in any encoding
      throw notSafetensors(file, "its header is not JSON");
    }
    return new SafetensorsHeader(inDataOrder(file, tensors, dataBytes), metadata);
  }

  private static Entry entry(Path file, String name, JsonNode json, long dataBytes) {
    String dtype = json.path("dtype").asText("");
    DType type = TYPES.get(dtype);
    if (type == null) {
      String found = dtype.isEmpty() ? "none" : "'" + dtype + "'";
      throw damaged(
          file, name, "expected a dtype of " + String.join(", ", NAMES) + ", found " + found);
    }
    long[] dims = wholeNumbers(json.get("shape"));
    if (dims == null) {
      throw damaged(
          file, name, "expected a shape of whole numbers, found " + show(json.path("shape")));
    }
    long[] offsets = wholeNumbers(json.get("data_offsets"));
    if (offsets == null || offsets.length != 2 || offsets[0] > offsets[1]) {
      throw damaged(
          file,
          name,
          "expected data_offsets [begin, end], found " + show(json.path("data_offsets")));
    }
    if (offsets[1] > dataBytes) {
      throw damaged(
          file,
          name,
          "expected data up to byte %d, found a file with %d bytes of data (cut short?)"
              .formatted(offsets[1], dataBytes));
    }
    Entry entry = new Entry(type, Shape.of(dims), offsets[0], offsets[1]);
    long expected = bytes(type, dims);
    if (expected != entry.end() - entry.begin()) {
      throw damaged(
          file,
          name,
          "%s %s: expected %s bytes, found data_offsets %s, which are %d"
              .formatted(
                  type,
                  Arrays.toString(dims),
                  expected < 0 ? "2^63 or more" : expected,
                  Arrays.toString(offsets),
                  entry.end() - entry.begin()));
    }
    if (expected > Integer.MAX_VALUE) {
      throw new UserError(
          "%s: tensor '%s': %s %s has %d bytes; a tensor of 2 GiB or more is not supported"
              .formatted(file, name, type, Arrays.toString(dims), expected));
    }
    return entry;
  }

  private static String show(JsonNode json) {
    return json.isMissingNode() ? "none" : json.toString();
  }

  /** The sizes' product times the width; -1 when it does not fit 63 bits. */
  private static long bytes(DType type, long[] dims) {
    try {
      return Math.multiplyExact(Tensor.count(dims), (long) type.bytes());
    } catch (ArithmeticException e) {
      return -1;
    }
  }

  /** The numbers of an array of integers from 0; null for anything else. */
  private static long @Nullable [] wholeNumbers(@Nullable JsonNode array) {
    if (array == null || !array.isArray()) {
      return null;
    }
    long[] numbers = new long[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      JsonNode number = array.get(i);
      if (!number.isIntegralNumber() || !number.canConvertToLong() || number.longValue() < 0) {
        return null;
      }
      numbers[i] = number.longValue();
    }
    return numbers;
  }

  private static Map<String, Entry> inDataOrder(
      Path file, Map<String, Entry> tensors, long dataBytes) {
    Map<String, Entry> ordered = new LinkedHashMap<>();
    tensors.entrySet().stream()
        .sorted(
            Comparator.<Map.Entry<String, Entry>>comparingLong(e -> e.getValue().begin())
                .thenComparingLong(e -> e.getValue().end()))
        .forEachOrdered(e -> ordered.put(e.getKey(), e.getValue()));
    long end = 0;
    for (Map.Entry<String, Entry> e : ordered.entrySet()) {
      if (e.getValue().begin() != end) {
        throw damaged(
            file,
            e.getKey(),
            "expected its data at byte %d, where the tensor before it ends, found %d (%s)"
                .formatted(
                    end, e.getValue().begin(), e.getValue().begin() < end ? "overlap" : "gap"));
      }
      end = e.getValue().end();
    }
    if (end != dataBytes) {
      throw new UserError(
          "%s: expected %d bytes of data behind the header, found %d; the file is damaged, fetch or write it again"
              .formatted(file, end, dataBytes));
    }
    return ordered;
  }

  static UserError notSafetensors(Path file, String reason) {
    return new UserError(file + ": not a safetensors file: " + reason);
  }

  private static UserError damaged(Path file, String tensor, String what) {
    return new UserError(
        "%s: tensor '%s': %s; the file is damaged, fetch or write it again"
            .formatted(file, tensor, what));
  }

  /** How a file begins whose place Git's large-file extension holds. */
  static boolean isLfsPointer(byte[] start) {
    return new String(start, StandardCharsets.ISO_8859_1).startsWith("version ");
  }
}
