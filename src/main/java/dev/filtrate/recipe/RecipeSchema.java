package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.UserError;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The JSON schema of a recipe (draft 7, which editors know), made of the keys that the reader asks
 * for: their kinds and their defaults. Null means "not said" everywhere, as in a resolved recipe.
 */
public final class RecipeSchema {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Recipes that together make the reader ask for every key. */
  private static final String[] SAMPLES = {"task: {task_name: squad_v2}", ""};

  private RecipeSchema() {}

  /** Every full key, blocks included, such as {@code distill} and {@code distill.kl_alpha}. */
  public static Set<String> keys() {
    return new LinkedHashSet<>(known().keySet());
  }

  /** What a key may hold, as messages say it: {@code a number of at least 0}; a block's keys. */
  public static String kind(String key) {
    Config.Known known = known().get(key);
    Kind<?> kind = known == null ? null : known.kind();
    return kind == null ? "a block of keys" : kind.description();
  }

  /**
   * The schema.
   *
   * @param descriptions by full key, or by what follows its last dot
   */
  public static ObjectNode of(Map<String, String> descriptions) {
    ObjectNode root = block("A recipe of Filtrate");
    root.put("$schema", "http://json-schema.org/draft-07/schema#");
    known()
        .forEach(
            (full, known) -> {
              ObjectNode properties = root;
              String[] path = full.split("\\.");
              for (int i = 0; i < path.length - 1; i++) {
                properties = (ObjectNode) properties.path("properties").path(path[i]);
              }
              String key = path[path.length - 1];
              String said = descriptions.get(full);
              ((ObjectNode) properties.path("properties"))
                  .set(key, node(known, said == null ? descriptions.get(key) : said));
            });
    return root;
  }

  private static Map<String, Config.Known> known() {
    Map<String, Config.Known> known = new LinkedHashMap<>();
    for (String sample : SAMPLES) {
      Config config = Config.of(Yaml.top(sample, "sample", Path.of("")));
      try {
        RecipeReader.read(config, "sample", Use.PLAN);
      } catch (UserError e) {
        // it lacks what a recipe must say; every key was asked for nonetheless
      }
      config.known().forEach(known::putIfAbsent);
    }
    return known;
  }

  private static ObjectNode node(Config.Known known, @Nullable String description) {
    Kind<?> kind = known.kind();
    if (kind == null) {
      ObjectNode block = block(description);
      orNull(block);
      return block;
    }
    ObjectNode node = JSON.createObjectNode();
    if (description != null) {
      node.put("description", description);
    }
    node.setAll(kind.schema().deepCopy());
    orNull(node);
    Object fallback = known.fallback();
    if (fallback != null && !(fallback instanceof Path) && !(fallback instanceof String)) {
      node.set("default", fallback(fallback));
    }
    return node;
  }

  /** Values that recipes spell as a word know their spelling. */
  private static JsonNode fallback(Object value) {
    try {
      return Keys.node(value);
    } catch (IllegalArgumentException e) {
      return JSON.getNodeFactory().textNode(value.toString());
    }
  }

  private static ObjectNode block(@Nullable String description) {
    ObjectNode block = JSON.createObjectNode();
    if (description != null) {
      block.put("description", description);
    }
    block.put("type", "object").put("additionalProperties", false).putObject("properties");
    return block;
  }

  private static void orNull(ObjectNode node) {
    if (node.get("type") instanceof ArrayNode types) {
      types.add("null");
    } else if (node.has("type")) {
      String type = node.get("type").asText();
      node.putArray("type").add(type).add("null");
    } else if (node.get("enum") instanceof ArrayNode constants) {
      constants.addNull();
    } else if (node.get("anyOf") instanceof ArrayNode kinds) {
      kinds.addObject().put("type", "null");
    }
  }
}
