package dev.filtrate.data.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Check;
import dev.filtrate.data.TextFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * BERT's tokenizer out of its vocabulary: clean the text and, if asked, take case and accents away;
 * part it at spaces and punctuation; cut every word into the longest known pieces, where a piece
 * that continues a word begins with {@code ##} (Devlin et al. 2019, section 3).
 */
final class WordPiece {
  /** Roles of special tokens and their usual spelling. */
  static final Map<String, String> SPECIAL_TOKENS = specialTokens();

  private static final int LONGEST_WORD = 100;

  private final Path file;
  private final Map<String, Integer> vocabulary = new LinkedHashMap<>();
  private final JsonNode config;

  private WordPiece(Path file, JsonNode config) {
    this.file = file;
    this.config = config;
  }

  private static Map<String, String> specialTokens() {
    Map<String, String> roles = new LinkedHashMap<>();
    roles.put("unk_token", "[UNK]");
    roles.put("sep_token", "[SEP]");
    roles.put("pad_token", "[PAD]");
    roles.put("cls_token", "[CLS]");
    roles.put("mask_token", "[MASK]");
    return roles;
  }

  /**
   * Reads a vocabulary, a token per line, ids from 0.
   *
   * @param config {@code tokenizer_config.json}, for case and the special tokens; may be empty
   */
  static WordPiece read(Path file, JsonNode config) {
    WordPiece made = new WordPiece(file, config);
    TextFile.lines(
        TextFile.read(file, StandardCharsets.UTF_8),
        (line, token) -> made.vocabulary.put(token, line - 1));
    for (String role : SPECIAL_TOKENS.keySet()) {
      Check.user(
          role.equals("mask_token") || made.vocabulary.containsKey(made.token(role)),
          "%s: holds no %s %s; expected a WordPiece vocabulary, a token per line",
          file,
          role,
          made.token(role));
    }
    return made;
  }

  /** The content of {@code tokenizer.json}. */
  ObjectNode tokenizer(JsonMapper json) {
    ObjectNode root = json.createObjectNode();
    root.put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    addedTokens(root.putArray("added_tokens"));
    boolean lowerCase = flag("do_lower_case", true);
    ObjectNode normalizer = root.putObject("normalizer");
    normalizer.put("type", "BertNormalizer");
    normalizer.put("clean_text", true);
    normalizer.put("handle_chinese_chars", flag("tokenize_chinese_chars", true));
    if (config.hasNonNull("strip_accents")) {
      normalizer.put("strip_accents", flag("strip_accents", lowerCase));
    } else {
      normalizer.putNull("strip_accents"); // follows lowercase
    }
    normalizer.put("lowercase", lowerCase);
    root.putObject("pre_tokenizer").put("type", "BertPreTokenizer");
    postProcessor(root.putObject("post_processor"));
    ObjectNode decoder = root.putObject("decoder");
    decoder.put("type", "WordPiece").put("prefix", "##").put("cleanup", true);
    ObjectNode model = root.putObject("model");
    model.put("type", "WordPiece");
    model.put("unk_token", token("unk_token"));
    model.put("continuing_subword_prefix", "##");
    model.put("max_input_chars_per_word", LONGEST_WORD);
    ObjectNode ids = model.putObject("vocab");
    vocabulary.forEach(ids::put);
    return root;
  }

  /** The vocabulary of a {@code tokenizer.json} as the lines of a {@code vocab.txt}. */
  static String lines(ObjectNode tokenizer) {
    Map<Integer, String> byId = new HashMap<>();
    int size = 0;
    for (Map.Entry<String, JsonNode> e : tokenizer.path("model").path("vocab").properties()) {
      byId.put(e.getValue().asInt(), e.getKey());
      size = Math.max(size, e.getValue().asInt() + 1);
    }
    StringBuilder text = new StringBuilder();
    for (int id = 0; id < size; id++) { // an id without a token keeps its line
      text.append(byId.getOrDefault(id, "")).append('\n');
    }
    return text.toString();
  }

  private void addedTokens(ArrayNode added) {
    Map<Integer, String> byId = new TreeMap<>();
    for (String role : SPECIAL_TOKENS.keySet()) {
      Integer id = vocabulary.get(token(role));
      if (id != null) {
        byId.put(id, token(role));
      }
    }
    byId.forEach(
        (id, token) ->
            added
                .addObject()
                .put("id", id)
                .put("content", token)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", true));
  }

  /** {@code [CLS] A [SEP]}, or {@code [CLS] A [SEP] B [SEP]} with type 1 from B on. */
  private void postProcessor(ObjectNode processor) {
    processor.put("type", "TemplateProcessing");
    ArrayNode single = processor.putArray("single");
    ArrayNode pair = processor.putArray("pair");
    for (ArrayNode template : new ArrayNode[] {single, pair}) {
      piece(template, "SpecialToken", token("cls_token"), 0);
      piece(template, "Sequence", "A", 0);
      piece(template, "SpecialToken", token("sep_token"), 0);
    }
    piece(pair, "Sequence", "B", 1);
    piece(pair, "SpecialToken", token("sep_token"), 1);
    ObjectNode special = processor.putObject("special_tokens");
    for (String role : new String[] {"cls_token", "sep_token"}) {
      String token = token(role);
      ObjectNode entry = special.putObject(token);
      entry.put("id", token);
      entry.putArray("ids").add(vocabulary.get(token));
      entry.putArray("tokens").add(token);
    }
  }

  private static void piece(ArrayNode template, String kind, String id, int type) {
    template.addObject().putObject(kind).put("id", id).put("type_id", type);
  }

  private boolean flag(String key, boolean otherwise) {
    JsonNode value = config.path(key);
    Check.user(
        value.isMissingNode() || value.isNull() || value.isBoolean(),
        "%s: key '%s': expected true or false, got %s",
        file.resolveSibling(TokenizerFiles.CONFIG),
        key,
        value);
    return value.asBoolean(otherwise);
  }

  private String token(String role) {
    JsonNode named = config.path(role);
    String text = named.isObject() ? named.path("content").asText("") : named.asText("");
    return text.isEmpty() || named.isNull() ? SPECIAL_TOKENS.getOrDefault(role, "") : text;
  }
}
