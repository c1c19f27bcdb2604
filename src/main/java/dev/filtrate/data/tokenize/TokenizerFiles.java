package dev.filtrate.data.tokenize;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.TextFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files of a tokenizer: read from a folder (or one file of it), completed, written beside a
 * model.
 */
final class TokenizerFiles {
  static final String TOKENIZER = "tokenizer.json";
  static final String CONFIG = "tokenizer_config.json";
  static final String SPECIAL = "special_tokens_map.json";
  static final String VOCABULARY = "vocab.txt";
  static final String SENTENCE_PIECE = "spm.model";
  static final String BPE_VOCABULARY = "vocab.json";
  static final String BPE_MERGES = "merges.txt";
  static final String ADDED = "added_tokens.json";

  /** Files of other tokenizers that are handed on as they are. */
  private static final List<String> OTHERS =
      List.of(SENTENCE_PIECE, "spiece.model", BPE_VOCABULARY, BPE_MERGES, ADDED);

  /** Room for the special tokens of a pair and a token. */
  static final int SHORTEST = 4;

  /** Where there is no limit, Hugging Face writes a number above this. */
  private static final double UNLIMITED = 1e6;

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final ObjectNode tokenizer;
  private final ObjectNode config;
  private final Map<String, byte[]> others;

  private TokenizerFiles(ObjectNode tokenizer, ObjectNode config, Map<String, byte[]> others) {
    this.tokenizer = tokenizer;
    this.config = config;
    this.others = others;
  }

  /**
   * Reads a folder, a {@code tokenizer.json}, a {@code vocab.txt}, a {@code vocab.json} with its
   * {@code merges.txt}, or an {@code spm.model}.
   */
  static TokenizerFiles read(Path path) {
    Check.user(Files.exists(path), "%s: no such file or folder; expected a tokenizer", path);
    Path parent = path.toAbsolutePath().getParent();
    Path home = Files.isDirectory(path) || parent == null ? path : parent;
    ObjectNode given = readIfThere(home.resolve(CONFIG));
    ObjectNode config = given == null ? JSON.createObjectNode() : given;
    Map<String, byte[]> others = others(home);
    Path file = Files.isDirectory(path) ? named(path) : path;
    String name = String.valueOf(file.getFileName());
    ObjectNode tokenizer;
    if (name.endsWith(".txt")) {
      tokenizer = WordPiece.read(file, config).tokenizer(JSON);
    } else if (name.endsWith(".model")) {
      byte[] content = bytes(file);
      ObjectNode added = readIfThere(home.resolve(ADDED));
      tokenizer =
          SentencePiece.read(file, content, config, added == null ? JSON.createObjectNode() : added)
              .tokenizer(JSON);
      others.put(SENTENCE_PIECE, content);
    } else if (name.equals(BPE_VOCABULARY)) {
      tokenizer = ByteLevelBpe.read(file, readObject(file), config).tokenizer(JSON);
    } else {
      tokenizer = readObject(file);
      complete(file, tokenizer);
    }
    return new TokenizerFiles(tokenizer, config, others);
  }

  /** The file of a folder that a tokenizer is made of. */
  private static Path named(Path folder) {
    List<String> names = List.of(TOKENIZER, SENTENCE_PIECE, VOCABULARY, BPE_VOCABULARY);
    for (String name : names) {
      if (Files.exists(folder.resolve(name))) {
        return folder.resolve(name);
      }
    }
    throw UserError.of(
        "%s: holds no tokenizer; expected %s, %s, %s, or %s with %s",
        folder, TOKENIZER, SENTENCE_PIECE, VOCABULARY, BPE_VOCABULARY, BPE_MERGES);
  }

  /** What the config beside a tokenizer says of its model's length; see {@link Tokenizer}. */
  static OptionalInt modelMaxLength(Path path) {
    Path parent = path.toAbsolutePath().getParent();
    Path home = Files.isDirectory(path) || parent == null ? path : parent;
    ObjectNode config = readIfThere(home.resolve(CONFIG));
    double length = config == null ? 0 : config.path("model_max_length").asDouble(0);
    return length >= SHORTEST && length < UNLIMITED
        ? OptionalInt.of((int) length)
        : OptionalInt.empty();
  }

  /**
   * A key of the config that is true or false.
   *
   * @param file the tokenizer's, beside which the config is
   */
  static boolean flag(Path file, JsonNode config, String key, boolean otherwise) {
    JsonNode value = config.path(key);
    Check.user(
        value.isMissingNode() || value.isNull() || value.isBoolean(),
        "%s: key '%s': expected true or false, got %s",
        file.resolveSibling(CONFIG),
        key,
        value);
    return value.asBoolean(otherwise);
  }

  /** The tokenizer as the library reads it. */
  byte[] json() {
    try {
      return JSON.writeValueAsBytes(tokenizer);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a JSON tree that was read can be written", e);
    }
  }

  /** The text of a special token by its role, such as {@code pad_token}; null where unknown. */
  @Nullable String special(String role) {
    String said = SpecialTokens.said(config, role);
    return Stream.of(
            said,
            SpecialTokens.BERT.getOrDefault(role, ""),
            SpecialTokens.ROBERTA.getOrDefault(role, ""))
        .filter(token -> !token.isEmpty() && (token.equals(said) || id(token) >= 0))
        .findFirst()
        .orElse(null);
  }

  /** The id of a token, or -1. */
  int id(String token) {
    for (JsonNode added : tokenizer.path("added_tokens")) {
      if (added.path("content").asText().equals(token)) {
        return added.path("id").asInt(-1);
      }
    }
    JsonNode vocabulary = tokenizer.path("model").path("vocab");
    if (vocabulary.isArray()) { // Unigram: pairs of token and score
      for (int i = 0; i < vocabulary.size(); i++) {
        if (vocabulary.get(i).path(0).asText().equals(token)) {
          return i;
        }
      }
      return -1;
    }
    return vocabulary.path(token).asInt(-1);
  }

  /** One more than the highest id. */
  int size() {
    JsonNode vocabulary = tokenizer.path("model").path("vocab");
    int highest = vocabulary.isArray() ? vocabulary.size() - 1 : -1;
    if (vocabulary.isObject()) {
      for (JsonNode id : vocabulary) {
        highest = Math.max(highest, id.asInt());
      }
    }
    for (JsonNode added : tokenizer.path("added_tokens")) {
      highest = Math.max(highest, added.path("id").asInt());
    }
    return highest + 1;
  }

  /** Writes all files into a folder that exists. */
  void write(Path folder, int maxLength) {
    Map<String, String> special = specialTokens();
    ObjectNode full = config.deepCopy();
    special.forEach((role, token) -> putIfAbsent(full, role, token));
    boolean wordPiece = "WordPiece".equals(tokenizer.path("model").path("type").asText());
    if (wordPiece) {
      JsonNode normalizer = tokenizer.path("normalizer");
      putIfAbsent(full, "do_lower_case", normalizer.path("lowercase").asBoolean(true));
      putIfAbsent(
          full, "tokenize_chinese_chars", normalizer.path("handle_chinese_chars").asBoolean(true));
    }
    putIfAbsent(full, "model_max_length", maxLength);
    // as DebertaV2Tokenizer, transformers 5 would drop the map of characters
    putIfAbsent(full, "tokenizer_class", wordPiece ? "BertTokenizer" : "PreTrainedTokenizerFast");
    ObjectNode map = JSON.createObjectNode();
    special.forEach(map::put);
    AtomicFiles.writeStream(folder.resolve(TOKENIZER), out -> out.write(json()));
    AtomicFiles.writeText(folder.resolve(CONFIG), full.toPrettyString() + "\n");
    AtomicFiles.writeText(folder.resolve(SPECIAL), map.toPrettyString() + "\n");
    if (wordPiece) {
      AtomicFiles.writeText(folder.resolve(VOCABULARY), WordPiece.lines(tokenizer));
    }
    others.forEach(
        (name, bytes) -> AtomicFiles.writeStream(folder.resolve(name), o -> o.write(bytes)));
  }

  private Map<String, String> specialTokens() {
    Map<String, String> found = new LinkedHashMap<>();
    for (String role : SpecialTokens.BERT.keySet()) {
      String token = special(role);
      if (token != null) {
        found.put(role, token);
      }
    }
    return found;
  }

  private static void putIfAbsent(ObjectNode node, String key, Object value) {
    if (!node.hasNonNull(key)) {
      node.set(key, JSON.valueToTree(value));
    }
  }

  private static void complete(Path file, ObjectNode tokenizer) {
    Check.user(
        tokenizer.path("model") instanceof ObjectNode,
        "%s: expected an object under 'model'; is it a Hugging Face tokenizer?",
        file);
    ObjectNode model = (ObjectNode) tokenizer.path("model");
    if (!model.has("type")) {
      String type =
          model.has("merges") ? "BPE" : model.path("vocab").isArray() ? "Unigram" : "WordPiece";
      model.put("type", type);
    }
    tokenizer.putNull("truncation");
    tokenizer.putNull("padding");
  }

  private static Map<String, byte[]> others(Path folder) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    for (String name : OTHERS) {
      Path file = folder.resolve(name);
      if (Files.isRegularFile(file)) {
        files.put(name, bytes(file));
      }
    }
    return files;
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  private static @Nullable ObjectNode readIfThere(Path file) {
    return Files.exists(file) ? readObject(file) : null;
  }

  private static ObjectNode readObject(Path file) {
    try {
      if (JSON.readTree(TextFile.read(file, StandardCharsets.UTF_8)) instanceof ObjectNode object) {
        return object;
      }
    } catch (JsonProcessingException e) {
      throw new UserError(
          "%s: is no JSON: %s"
              .formatted(file, e.getOriginalMessage().lines().findFirst().orElse("")),
          e);
    }
    throw UserError.of("%s: expected a JSON object", file);
  }
}
