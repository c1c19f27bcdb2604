package dev.filtrate.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.errorprone.annotations.MustBeClosed;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/** A Parquet file whose rows are read as text cells, as those of other files are. */
final class ParquetFile implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Takes rows. */
  @FunctionalInterface
  interface CellSink {
    /** Takes a row, counted from 1; a missing value is null, a list is JSON text. */
    void row(int row, @Nullable String[] cells);
  }

  private final Path file;
  private final ParquetFileReader reader;
  private final MessageType schema;

  private ParquetFile(Path file, ParquetFileReader reader) {
    this.file = file;
    this.reader = reader;
    this.schema = reader.getFileMetaData().getSchema();
  }

  /** Opens a file; a missing or a damaged one is a {@link UserError}. */
  @MustBeClosed
  static ParquetFile open(Path file) {
    Check.user(Files.exists(file), "%s: no such file", file);
    Check.user(!Files.isDirectory(file), "%s: expected a file, found a folder", file);
    ParquetReadOptions options =
        new ParquetReadOptions.Builder(new PlainParquetConfiguration())
            .withCodecFactory(new ParquetPages())
            .build();
    try {
      return new ParquetFile(file, ParquetFileReader.open(new LocalInputFile(file), options));
    } catch (IOException | RuntimeException e) { // the library's errors are of both kinds
      throw unreadable(file, e);
    }
  }

  /** The names of the columns, in the file's order. */
  List<String> columns() {
    return schema.getFields().stream().map(Type::getName).toList();
  }

  /** Those of them that hold texts, numbers or lists, not records of their own. */
  List<String> plainColumns() {
    return schema.getFields().stream()
        .filter(
            type ->
                type.isPrimitive()
                    || type.getLogicalTypeAnnotation() instanceof ListLogicalTypeAnnotation)
        .map(Type::getName)
        .toList();
  }

  /**
   * The names that Hugging Face's {@code datasets} gave the numbers of a column of classes; none
   * where the file was not written by it.
   */
  List<String> classNames(String column) {
    String written = reader.getFileMetaData().getKeyValueMetaData().get("huggingface");
    List<String> names = new ArrayList<>();
    if (written != null) {
      try {
        JsonNode feature = JSON.readTree(written).path("info").path("features").path(column);
        JsonNode classes = feature.has("names") ? feature : feature.path("feature");
        classes.path("names").forEach(name -> names.add(name.asText()));
      } catch (JsonProcessingException e) {
        return List.of(); // somebody else's metadata: the numbers stay
      }
    }
    return names;
  }

  /** Hands every row to the sink; a column that the file does not have is a {@link UserError}. */
  void read(List<String> columns, CellSink sink) {
    List<Type> wanted = new ArrayList<>();
    for (String column : columns) {
      Check.user(
          schema.containsField(column),
          "%s: no column '%s'; known: %s",
          file,
          column,
          String.join(", ", columns()));
      Check.user(
          plainColumns().contains(column),
          "%s: column '%s': expected texts, numbers or lists, found records",
          file,
          column);
      wanted.add(schema.getType(column));
    }
    MessageType part = new MessageType("wanted", wanted.stream().distinct().toList());
    MessageColumnIO io = new ColumnIOFactory().getColumnIO(part);
    reader.setRequestedSchema(part);
    int row = 1;
    try {
      for (PageReadStore pages; (pages = reader.readNextRowGroup()) != null; ) {
        RecordReader<Group> records = io.getRecordReader(pages, new GroupRecordConverter(part));
        for (long i = 0; i < pages.getRowCount(); i++) {
          sink.row(row, cells(records.read(), wanted));
          row++;
        }
      }
    } catch (UserError e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw unreadable(file, e);
    }
  }

  private static @Nullable String[] cells(Group group, List<Type> wanted) {
    @Nullable String[] cells = new @Nullable String[wanted.size()];
    for (int i = 0; i < cells.length; i++) {
      JsonNode value = value(group, wanted.get(i));
      cells[i] = value == null ? null : value.isValueNode() ? value.asText() : value.toString();
    }
    return cells;
  }

  /** A column's value: text, a number, true or false, a list of them; null where there is none. */
  private static @Nullable JsonNode value(Group group, Type type) {
    String name = type.getName();
    if (group.getFieldRepetitionCount(name) == 0) {
      return null;
    }
    if (type.isPrimitive() && !type.isRepetition(Type.Repetition.REPEATED)) {
      return scalar(group, type);
    }
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    boolean wrapped = !type.isPrimitive(); // else a repeated value, as old writers have it
    Group items = wrapped ? group.getGroup(name, 0) : group;
    int field = wrapped ? 0 : group.getType().getFieldIndex(name);
    for (int i = 0; i < items.getFieldRepetitionCount(field); i++) {
      Type item = items.getType().getType(field);
      JsonNode value =
          item.isPrimitive()
              ? JsonNodeFactory.instance.textNode(items.getValueToString(field, i))
              : value(items.getGroup(field, i), item.asGroupType().getType(0));
      list.add(value == null ? JsonNodeFactory.instance.nullNode() : value);
    }
    return list;
  }

  private static JsonNode scalar(Group group, Type type) {
    String name = type.getName();
    JsonNodeFactory json = JsonNodeFactory.instance;
    LogicalTypeAnnotation meaning = type.getLogicalTypeAnnotation();
    if (meaning instanceof DecimalLogicalTypeAnnotation decimal) {
      return json.textNode(decimal(group, type, decimal.getScale()));
    }
    return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case BOOLEAN -> json.booleanNode(group.getBoolean(name, 0));
      case INT32 -> json.numberNode(group.getInteger(name, 0));
      case INT64 -> json.numberNode(group.getLong(name, 0));
      case FLOAT -> number(group.getFloat(name, 0), Float.toString(group.getFloat(name, 0)));
      case DOUBLE -> number(group.getDouble(name, 0), Double.toString(group.getDouble(name, 0)));
      case BINARY, FIXED_LEN_BYTE_ARRAY, INT96 ->
          json.textNode(group.getBinary(name, 0).toStringUsingUTF8());
    };
  }

  private static String decimal(Group group, Type type, int scale) {
    String name = type.getName();
    BigInteger unscaled =
        switch (type.asPrimitiveType().getPrimitiveTypeName()) {
          case INT32 -> BigInteger.valueOf(group.getInteger(name, 0));
          case INT64 -> BigInteger.valueOf(group.getLong(name, 0));
          default -> new BigInteger(group.getBinary(name, 0).getBytes());
        };
    return new BigDecimal(unscaled, scale).toPlainString();
  }

  /** A whole number without a fraction, as classes that were once floats are written. */
  private static JsonNode number(double value, String text) {
    boolean whole = value == Math.rint(value) && Math.abs(value) < 1e15;
    return JsonNodeFactory.instance.textNode(whole ? Long.toString((long) value) : text);
  }

  private static UserError unreadable(Path file, Exception e) {
    String message = String.valueOf(e.getMessage());
    if (e instanceof IOException io && !message.contains("compression")) {
      return AtomicFiles.cannotRead(file, io);
    }
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String why = String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
    return new UserError(file + ": not readable as Parquet: " + why, e);
  }

  @Override
  public void close() {
    try {
      reader.close();
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }
}
