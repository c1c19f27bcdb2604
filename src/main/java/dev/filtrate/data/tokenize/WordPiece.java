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
  private static final int LONGEST_WORD = 100;

  private final Path file;
  private final Map<String, Integer> vocabulary = new LinkedHashMap<>();
  private final JsonNode config;

  private WordPiece(Path file, JsonNode config) {
    this.file = file;
    this.config = config;
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
    for (String role : SpecialTokens.BERT.keySet()) {
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
    boolean lowerCase = TokenizerFiles.flag(file, config, "do_lower_case", true);
    ObjectNode normalizer = root.putObject("normalizer");
    normalizer.put("type", "BertNormalizer");
    normalizer.put("clean_text", true);
    normalizer.put(
        "handle_chinese_chars", TokenizerFiles.flag(file, config, "tokenize_chinese_chars", true));
    if (config.hasNonNull("strip_accents")) {
      normalizer.put(
          "strip_accents", TokenizerFiles.flag(file, config, "strip_accents", lowerCase));
    } else {
      normalizer.putNull("strip_accents"); // follows lowercase
    }
    normalizer.put("lowercase", lowerCase);
    root.putObject("pre_tokenizer").put("type", "BertPreTokenizer");
    SpecialTokens.frame(
        root.putObject("post_processor"),
        token("cls_token"),
        id("cls_token"),
        token("sep_token"),
        id("sep_token"));
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
    for (String role : SpecialTokens.BERT.keySet()) {
      Integer id = vocabulary.get(token(role));
      if (id != null) {
        byId.put(id, token(role));
      }
    }
    byId.forEach((id, token) -> SpecialTokens.add(added, id, token, true));
  }

  private String token(String role) {
    return SpecialTokens.of(config, role, SpecialTokens.BERT);
  }

  private int id(String role) {
    return vocabulary.getOrDefault(token(role), 0); // read() made sure of it
  }
}
