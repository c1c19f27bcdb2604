package dev.filtrate.recipe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A YAML value that knows where it was written, so that every complaint about it can say so. */
sealed interface Yaml {
  /** Where it was written. */
  Origin origin();

  /** How it reads in a message. */
  String shown();

  /** The same value as a JSON tree. */
  JsonNode toJson();

  /**
   * Where a value was written.
   *
   * @param where as messages show it: {@code sst2.yaml:4}, {@code --set seed}, {@code --seed}
   * @param line its line in the recipe file; flags and settings come after all lines
   * @param folder what relative paths are relative to
   */
  record Origin(String where, int line, Path folder) {
    /** The origin of something that was given on the command line. */
    static Origin given(String where) {
      return new Origin(where, Integer.MAX_VALUE, Path.of(""));
    }

    /** The whole file, or the command line: where what is missing would stand. */
    Origin whole() {
      return new Origin(where.replaceFirst(":\\d+$", ""), 0, folder);
    }
  }

  /** A scalar: its text and the kind of token that YAML takes it for. */
  record Scalar(String text, JsonToken token, Origin origin) implements Yaml {
    boolean isNull() {
      return token == JsonToken.VALUE_NULL;
    }

    @Override
    public String shown() {
      return isNull() ? "nothing" : token == JsonToken.VALUE_STRING ? '"' + text + '"' : text;
    }

    @Override
    public JsonNode toJson() {
      JsonNodeFactory json = JsonNodeFactory.instance;
      try {
        return switch (token) {
          case VALUE_NULL -> json.nullNode();
          case VALUE_TRUE -> json.booleanNode(true);
          case VALUE_FALSE -> json.booleanNode(false);
          case VALUE_NUMBER_INT -> integer(json, new BigInteger(text.replace("_", "")));
          case VALUE_NUMBER_FLOAT -> json.numberNode(new BigDecimal(text).doubleValue());
          default -> json.textNode(text);
        };
      } catch (NumberFormatException e) { // YAML's rarer spellings of numbers, such as 0x10
        return json.textNode(text);
      }
    }

    private static JsonNode integer(JsonNodeFactory json, BigInteger value) {
      if (value.bitLength() < Integer.SIZE) {
        return json.numberNode(value.intValue());
      }
      return value.bitLength() < Long.SIZE
          ? json.numberNode(value.longValue())
          : json.numberNode(value);
    }
  }

  /** A list. */
  record Sequence(List<Yaml> items, Origin origin) implements Yaml {
    @Override
    public String shown() {
      return "a list";
    }

    @Override
    public JsonNode toJson() {
      ArrayNode array = JsonNodeFactory.instance.arrayNode();
      items.forEach(item -> array.add(item.toJson()));
      return array;
    }
  }

  /** Keys and values in the order of the file; changed only by {@link #put}. */
  record Mapping(Map<String, Yaml> entries, Origin origin) implements Yaml {
    @Override
    public String shown() {
      return "a block of keys";
    }

    @Override
    public JsonNode toJson() {
      ObjectNode object = JsonNodeFactory.instance.objectNode();
      entries.forEach((key, value) -> object.set(key, value.toJson()));
      return object;
    }

    /** Sets a dotted key; blocks on the way are made where there are none. */
    void put(String dottedKey, Yaml value) {
      int dot = dottedKey.indexOf('.');
      if (dot < 0) {
        entries.put(dottedKey, value);
        return;
      }
      String head = dottedKey.substring(0, dot);
      Mapping block =
          entries.get(head) instanceof Mapping m
              ? m
              : new Mapping(new LinkedHashMap<>(), origin.whole());
      entries.put(head, block);
      block.put(dottedKey.substring(dot + 1), value);
    }
  }

  /** Reads a file whose top is a block of keys. */
  static Mapping read(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new UserError(file + ": not a text in UTF-8; expected a recipe in YAML", e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
    return top(text, file.toString(), fileFolder(file));
  }

  /** Reads a text whose top is a block of keys, as if it were the file {@code name}. */
  static Mapping top(String text, String name, Path folder) {
    Yaml value = new Reader(name, folder, false).read(text);
    if (value == null || (value instanceof Scalar s && s.isNull())) {
      return new Mapping(new LinkedHashMap<>(), new Origin(name, 1, folder));
    }
    if (value instanceof Mapping mapping) {
      return mapping;
    }
    throw UserError.of(
        "%s: expected a block of keys such as 'seed: 42', got %s",
        value.origin().where(), value.shown());
  }

  /** Reads the value of a {@code --set}: a scalar, a list or a block in YAML's short form. */
  static Yaml value(String text, String where) {
    Yaml value = new Reader(where, Path.of(""), true).read(text);
    return value == null ? new Scalar("", JsonToken.VALUE_NULL, Origin.given(where)) : value;
  }

  private static Path fileFolder(Path file) {
    Path parent = file.toAbsolutePath().getParent();
    return parent == null ? Path.of("") : parent;
  }

  /** From Jackson's tokens to values. */
  final class Reader {
    private static final Pattern PROBLEM =
        Pattern.compile("(?s).*?([^\\n]+)\\n in 'reader', line (\\d+), column \\d+:[^\\n]*");

    private final String name;
    private final Path folder;
    private final boolean given;

    Reader(String name, Path folder, boolean given) {
      this.name = name;
      this.folder = folder;
      this.given = given;
    }

    @Nullable Yaml read(String text) {
      try (YAMLParser parser = new YAMLFactory().createParser(text)) {
        JsonToken first = parser.nextToken();
        if (first == null) {
          return null;
        }
        Yaml value = value(parser, first, origin(parser));
        if (parser.nextToken() != null) {
          throw UserError.of("%s: a second document starts here; keep one", origin(parser).where());
        }
        return value;
      } catch (JsonProcessingException e) {
        throw syntax(e);
      } catch (IOException e) {
        throw new UserError(name + ": cannot be read: " + e.getMessage(), e);
      }
    }

    private Yaml value(YAMLParser parser, JsonToken token, Origin origin) throws IOException {
      if (parser.isCurrentAlias()) {
        throw UserError.of(
            "%s: the alias '*%s' is not followed; write the value out",
            origin.where(), parser.getText());
      }
      return switch (token) {
        case START_OBJECT -> mapping(parser, origin);
        case START_ARRAY -> {
          List<Yaml> items = new ArrayList<>();
          for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
            items.add(value(parser, t, origin(parser)));
          }
          yield new Sequence(items, origin);
        }
        default -> new Scalar(parser.getText(), token, origin);
      };
    }

    private Mapping mapping(YAMLParser parser, Origin origin) throws IOException {
      Map<String, Yaml> entries = new LinkedHashMap<>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        Origin place = origin(parser);
        if (entries.containsKey(key)) {
          throw UserError.of("%s: key '%s' is there twice; keep one", place.where(), key);
        }
        entries.put(key, value(parser, parser.nextToken(), place)); // the key's line
      }
      return new Mapping(entries, origin);
    }

    private Origin origin(YAMLParser parser) {
      int line = parser.currentTokenLocation().getLineNr();
      return given ? Origin.given(name) : new Origin(name + ":" + line, line, folder);
    }

    private UserError syntax(JsonProcessingException e) {
      String message = e.getOriginalMessage();
      String where = name;
      String problem = message.lines().findFirst().orElse("unreadable");
      Matcher matcher = PROBLEM.matcher(message);
      for (int from = 0; matcher.find(from); from = matcher.end()) { // the last one is the place
        problem = matcher.group(1).strip();
        where = given ? name : name + ":" + matcher.group(2);
        if (matcher.end() >= message.length()) {
          break;
        }
      }
      return new UserError(where + ": not readable as YAML: " + problem, e);
    }
  }
}
