package dev.filtrate.train.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/** Settings and losses of a case, {@code trajectory.json}; every key that is asked for must be. */
record CaseJson(ObjectNode json, String where) {
  static CaseJson read(Path file) {
    Check.user(Files.exists(file), "%s: no such file; expected a reference case's settings", file);
    try {
      JsonNode json = new ObjectMapper().readTree(file.toFile());
      if (json instanceof ObjectNode object) {
        return new CaseJson(object, file.toString());
      }
      throw new UserError(file + ": expected a JSON object with a case's settings and losses");
    } catch (JsonProcessingException e) {
      throw new UserError(file + ": not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  /** An object within. */
  CaseJson object(String key) {
    JsonNode node = get(key, "an object", JsonNode::isObject, n -> n);
    return new CaseJson((ObjectNode) node, where + ": '" + key + "'");
  }

  double number(String key) {
    return get(key, "a number", JsonNode::isNumber, JsonNode::doubleValue);
  }

  double positive(String key) {
    return get(
        key, "a number over 0", n -> n.isNumber() && n.doubleValue() > 0, JsonNode::doubleValue);
  }

  double notNegative(String key) {
    return get(
        key,
        "a number of at least 0",
        n -> n.isNumber() && n.doubleValue() >= 0,
        JsonNode::doubleValue);
  }

  int count(String key) {
    return get(
        key, "an integer of at least 0", n -> n.isInt() && n.intValue() >= 0, JsonNode::intValue);
  }

  boolean flag(String key) {
    return get(key, "true or false", JsonNode::isBoolean, JsonNode::booleanValue);
  }

  boolean isNull(String key) {
    return !json.hasNonNull(key);
  }

  /** A string that must be one of these. */
  String oneOf(String key, String... known) {
    return get(
        key,
        "one of " + List.of(known),
        n -> n.isTextual() && List.of(known).contains(n.textValue()),
        JsonNode::textValue);
  }

  /** Numbers, at least one. */
  List<Double> numbers(String key) {
    List<Double> numbers = new ArrayList<>();
    for (JsonNode n : array(key)) {
      Check.user(n.isNumber(), "%s: '%s': expected numbers, found %s", where, key, n);
      numbers.add(n.doubleValue());
    }
    return numbers;
  }

  /** Objects, at least one. */
  List<CaseJson> objects(String key) {
    List<CaseJson> objects = new ArrayList<>();
    for (JsonNode n : array(key)) {
      String place = "%s: '%s', step %d".formatted(where, key, objects.size());
      if (!(n instanceof ObjectNode object)) {
        throw UserError.of("%s: expected an object, found %s", place, n);
      }
      objects.add(new CaseJson(object, place));
    }
    return objects;
  }

  private JsonNode array(String key) {
    return get(key, "a list that is not empty", n -> n.isArray() && !n.isEmpty(), n -> n);
  }

  private <T> T get(String key, String kind, Predicate<JsonNode> fits, Function<JsonNode, T> read) {
    JsonNode node = json.get(key);
    if (node == null || !fits.test(node)) {
      throw UserError.of(
          "%s: '%s': expected %s, found %s", where, key, kind, node == null ? "nothing" : node);
    }
    return read.apply(node);
  }
}
