package dev.filtrate.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.UserError;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Reads a Hugging Face config: its default where a key is absent or null, an error of place
 * otherwise.
 */
record ConfigReader(ObjectNode json, String where) {
  int integer(String key, int otherwise) {
    return get(key, otherwise, "an integer", JsonNode::isIntegralNumber, JsonNode::intValue);
  }

  /** An integer that must be at least {@code least}. */
  int atLeast(int least, String key, int otherwise) {
    int value = integer(key, otherwise);
    if (value < least) {
      throw new UserError(
          "%s: '%s': expected an integer of at least %d, found %d"
              .formatted(where, key, least, value));
    }
    return value;
  }

  double real(String key, double otherwise) {
    return get(key, otherwise, "a number", JsonNode::isNumber, JsonNode::doubleValue);
  }

  /** A probability below 1. */
  double ratio(String key, double otherwise) {
    double value = real(key, otherwise);
    if (value < 0 || value >= 1) {
      throw new UserError(
          "%s: '%s': expected a number in [0, 1), found %s".formatted(where, key, value));
    }
    return value;
  }

  boolean flag(String key, boolean otherwise) {
    return get(key, otherwise, "true or false", JsonNode::isBoolean, JsonNode::booleanValue);
  }

  String text(String key, String otherwise) {
    return get(key, otherwise, "a string", JsonNode::isTextual, JsonNode::textValue);
  }

  Activation activation(String key, String otherwise) {
    return Activation.of(text(key, otherwise), where + ": '" + key + "'");
  }

  /** Refuses a value that this project does not implement. */
  void only(String key, boolean supported, Object expected) {
    if (!supported) {
      throw new UserError(
          "%s: '%s': %s is not supported; expected %s"
              .formatted(where, key, json.get(key), expected));
    }
  }

  private <T> T get(
      String key, T otherwise, String kind, Predicate<JsonNode> fits, Function<JsonNode, T> read) {
    JsonNode node = json.get(key);
    if (node == null || node.isNull()) {
      return otherwise;
    }
    if (!fits.test(node)) {
      throw new UserError("%s: '%s': expected %s, found %s".formatted(where, key, kind, node));
    }
    return read.apply(node);
  }
}
