package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** An object of JSON while it is written, its values spelt as recipes spell them. */
public final class Keys {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final ObjectNode object = JSON.objectNode();

  /** What has been put, in that order. */
  public ObjectNode object() {
    return object;
  }

  /** Puts a value, or null where there is none. */
  public Keys put(String key, @Nullable Object value) {
    object.set(key, node(value));
    return this;
  }

  /** A value as recipes write it. */
  static JsonNode node(@Nullable Object value) {
    if (value instanceof Collection<?> items) {
      var array = JSON.arrayNode();
      items.forEach(item -> array.add(node(item)));
      return array;
    }
    if (value instanceof OptionalInt i) {
      return i.isEmpty() ? JSON.nullNode() : JSON.numberNode(i.getAsInt());
    }
    if (value instanceof OptionalDouble d) {
      return d.isEmpty() ? JSON.nullNode() : node(d.getAsDouble());
    }
    if (value instanceof Double d) {
      return number(d);
    }
    if (value instanceof Integer i) {
      return JSON.numberNode(i);
    }
    if (value instanceof Long l) {
      return JSON.numberNode(l);
    }
    if (value instanceof Boolean b) {
      return JSON.booleanNode(b);
    }
    if (value instanceof Enum<?> e) {
      return JSON.textNode(Kind.spelling(e));
    }
    if (value instanceof JsonNode json) {
      return json;
    }
    if (value instanceof String || value instanceof Path) {
      return JSON.textNode(value.toString());
    }
    if (value == null) {
      return JSON.nullNode();
    }
    throw new IllegalArgumentException("a recipe cannot hold a " + value.getClass());
  }

  /** 20 rather than 20.0. */
  private static JsonNode number(double d) {
    boolean whole = d == Math.rint(d) && Math.abs(d) < 1e15;
    return whole ? JSON.numberNode((long) d) : JSON.numberNode(d);
  }

  /** The keys whose values differ from those of {@code base}. */
  static ObjectNode difference(ObjectNode full, ObjectNode base) {
    ObjectNode difference = JSON.objectNode();
    for (Map.Entry<String, JsonNode> entry : full.properties()) {
      if (!entry.getValue().equals(base.get(entry.getKey()))) {
        difference.set(entry.getKey(), entry.getValue());
      }
    }
    return difference;
  }
}
