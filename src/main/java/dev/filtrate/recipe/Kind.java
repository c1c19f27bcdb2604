package dev.filtrate.recipe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.hub.HubCache;
import dev.filtrate.hub.HubSettings;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a key of a recipe may hold: how it is read, how a message names it, and how editors are
 * told.
 *
 * @param description completes "expected …, got …"
 * @param schema the same as JSON schema
 * @param reader of values
 */
public record Kind<T>(String description, ObjectNode schema, Reader<T> reader) {
  /** Reads a value, or returns null when it is not of the kind. */
  @FunctionalInterface
  interface Reader<T> {
    @Nullable T read(Yaml value);
  }

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Any scalar is a text, whatever else YAML takes it for. */
  private static final String SCALAR = "{'type': ['string', 'number', 'boolean']}";

  private static final String STRING = "{'type': 'string'}";

  private static final Pattern WHOLE = Pattern.compile("[+-]?[0-9][0-9_]*");

  /** Any text. */
  static final Kind<String> TEXT = scalar("a text", text -> text);

  /** A text of at least one character. */
  static final Kind<String> WORD = scalar("a text", text -> text.isBlank() ? null : text);

  /** {@code true} or {@code false}. */
  static final Kind<Boolean> FLAG =
      scalar(
              "true or false",
              text ->
                  switch (text.toLowerCase(Locale.ROOT)) {
                    case "true" -> Boolean.TRUE;
                    case "false" -> Boolean.FALSE;
                    default -> null;
                  })
          .told("{'type': 'boolean'}");

  /** A whole number of 64 bits. */
  static final Kind<Long> SEED = scalar("a whole number", Kind::whole).told("{'type': 'integer'}");

  /** A path, relative to where it was written. */
  static final Kind<Path> INPUT_PATH =
      new Kind<>("a path", json(STRING), value -> path(value, value.origin().folder()));

  /** A model's folder or a file of it, or the name of a model that was fetched from a hub. */
  static final Kind<Path> MODEL_PATH = new Kind<>("a path", json(STRING), Kind::modelPath);

  /** A path, relative to the working directory. */
  static final Kind<Path> OUTPUT_PATH =
      new Kind<>("a path", json(STRING), value -> path(value, Path.of("")));

  /** A model's config: a block of its keys, which are not ours to check, or a JSON file. */
  static final Kind<ObjectNode> MODEL_CONFIG =
      new Kind<>(
          "a block of keys or the path of a config.json",
          json("{'type': ['object', 'string']}"),
          Kind::modelConfig);

  /** A kind that is read from a scalar's text. */
  static <T> Kind<T> scalar(String description, Function<String, @Nullable T> reader) {
    return new Kind<>(
        description,
        json(SCALAR),
        value -> value instanceof Yaml.Scalar s && !s.isNull() ? reader.apply(s.text()) : null);
  }

  /** The same with a schema of its own; single quotes stand for double ones. */
  Kind<T> told(String schema) {
    return new Kind<>(description, json(schema), reader);
  }

  private static ObjectNode json(String text) {
    try {
      return (ObjectNode) JSON.readTree(text.replace('\'', '"'));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(text, e);
    }
  }

  /** A whole number of at least {@code least}. */
  static Kind<Integer> wholeFrom(int least) {
    return scalar(
            "a whole number of at least " + least,
            text -> {
              Long number = whole(text);
              return number != null && number >= least && number <= Integer.MAX_VALUE
                  ? number.intValue()
                  : null;
            })
        .told("{'type': 'integer', 'minimum': %d}".formatted(least));
  }

  /** A finite number within a range that {@code description} names. */
  static Kind<Double> number(String description, Predicate<Double> range) {
    return scalar(
            description,
            text -> {
              try {
                double number = Double.parseDouble(text);
                boolean spelled =
                    Character.isDigit(text.charAt(text.length() - 1)); // not "1d", "NaN"
                return spelled && Double.isFinite(number) && range.test(number) ? number : null;
              } catch (NumberFormatException e) {
                return null;
              }
            })
        .told("{'type': 'number'}");
  }

  /** A number of at least 0. */
  static Kind<Double> notNegative() {
    return number("a number of at least 0", x -> x >= 0).told("{'type': 'number', 'minimum': 0}");
  }

  /** A number above 0. */
  static Kind<Double> positive() {
    return number("a number above 0", x -> x > 0).told("{'type': 'number', 'exclusiveMinimum': 0}");
  }

  /** A number from 0 up to, but not, 1. */
  static Kind<Double> fraction() {
    return number("a number from 0 up to but not including 1", x -> x >= 0 && x < 1)
        .told("{'type': 'number', 'minimum': 0, 'exclusiveMaximum': 1}");
  }

  /** One of the constants of an enum, spelled in lower case. */
  static <E extends Enum<E>> Kind<E> choice(Class<E> type) {
    List<E> constants = List.of(type.getEnumConstants());
    List<String> names = constants.stream().map(Kind::spelling).toList();
    return scalar(
            "one of " + String.join(", ", names),
            text -> {
              int i = names.indexOf(text.toLowerCase(Locale.ROOT));
              return i < 0 ? null : constants.get(i);
            })
        .told(oneOf(names));
  }

  /** The schema of a word out of these. */
  static String oneOf(List<String> names) {
    return "{'enum': ['" + String.join("', '", names) + "']}";
  }

  /** How recipes spell an enum's constant. */
  public static String spelling(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /**
   * A list of at least one, written as a list, as a single item or as items with commas between.
   */
  static <T> Kind<List<T>> listOf(Kind<T> item) {
    ObjectNode schema = JSON.createObjectNode();
    schema
        .putArray("anyOf")
        .add(item.schema())
        .add(JSON.createObjectNode().put("type", "array").set("items", item.schema()))
        .add(json("{'type': 'string', 'pattern': ','}"));
    return new Kind<>(
        "a list, each " + item.description(),
        schema,
        value -> {
          List<T> items = new ArrayList<>();
          for (Yaml part : parts(value)) {
            T read = item.reader().read(part);
            if (read == null) {
              return null;
            }
            items.add(read);
          }
          return items.isEmpty() ? null : List.copyOf(items);
        });
  }

  private static List<Yaml> parts(Yaml value) {
    if (value instanceof Yaml.Sequence sequence) {
      return sequence.items();
    }
    if (value instanceof Yaml.Scalar s && s.text().contains(",")) {
      return Arrays.stream(s.text().split(",", -1))
          .<Yaml>map(part -> new Yaml.Scalar(part.strip(), s.token(), s.origin()))
          .toList();
    }
    return List.of(value);
  }

  private static @Nullable Long whole(String text) {
    try {
      return WHOLE.matcher(text).matches() ? Long.valueOf(text.replace("_", "")) : null;
    } catch (NumberFormatException e) { // more than 64 bits
      return null;
    }
  }

  private static @Nullable ObjectNode modelConfig(Yaml value) {
    if (value instanceof Yaml.Mapping block) {
      return (ObjectNode) block.toJson();
    }
    Path file = path(value, value.origin().folder());
    try {
      return file != null && JSON.readTree(file.toFile()) instanceof ObjectNode json ? json : null;
    } catch (IOException e) {
      return null;
    }
  }

  private static @Nullable Path modelPath(Yaml value) {
    Path path = path(value, value.origin().folder());
    return path != null && value instanceof Yaml.Scalar name
        ? HubCache.find(name.text(), path, HubSettings.cacheOfEnvironment())
        : path;
  }

  private static @Nullable Path path(Yaml value, Path folder) {
    if (!(value instanceof Yaml.Scalar s) || s.isNull() || s.text().isBlank()) {
      return null;
    }
    try {
      return folder.toAbsolutePath().resolve(s.text()).normalize();
    } catch (InvalidPathException e) {
      return null;
    }
  }
}
