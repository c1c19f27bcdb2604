package dev.filtrate.data.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Check;
import dev.filtrate.data.TextFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * RoBERTa's tokenizer out of its {@code vocab.json} and {@code merges.txt}: byte pair encoding
 * (Sennrich et al. 2016) of the text's bytes, each of which is written as a visible character, and
 * where a space belongs to the word after it (Radford et al. 2019, section 2.2).
 */
final class ByteLevelBpe {
  private final Path file;
  private final ObjectNode vocabulary;
  private final List<String> merges;
  private final JsonNode config;

  private ByteLevelBpe(Path file, ObjectNode vocabulary, List<String> merges, JsonNode config) {
    this.file = file;
    this.vocabulary = vocabulary;
    this.merges = merges;
    this.config = config;
  }

  /**
   * Takes a vocabulary and reads the merges beside it, two pieces a line, the first ones first.
   *
   * @param file the vocabulary's
   * @param vocabulary ids by piece
   * @param config {@code tokenizer_config.json}, for the special tokens; may be empty
   */
  static ByteLevelBpe read(Path file, ObjectNode vocabulary, JsonNode config) {
    Path beside = file.resolveSibling(TokenizerFiles.BPE_MERGES);
    Check.user(
        Files.isRegularFile(beside),
        "%s: no such file; expected the merges that belong to %s",
        beside,
        file.getFileName());
    for (Map.Entry<String, JsonNode> piece : vocabulary.properties()) {
      Check.user(
          piece.getValue().isInt() && piece.getValue().asInt() >= 0,
          "%s: piece '%s': expected an id, a whole number from 0, found %s",
          file,
          piece.getKey(),
          piece.getValue());
    }
    List<String> merges = new ArrayList<>();
    TextFile.lines(
        TextFile.read(beside, StandardCharsets.UTF_8),
        (line, merge) -> {
          boolean header = line == 1 && merge.startsWith("#version");
          if (!header && !merge.isEmpty()) {
            merges.add(checked(vocabulary, beside, line, merge));
          }
        });
    ByteLevelBpe made = new ByteLevelBpe(file, vocabulary, merges, config);
    for (String role : SpecialTokens.ROBERTA.keySet()) {
      Check.user(
          role.equals("mask_token") || vocabulary.has(made.token(role)),
          "%s: holds no %s %s; expected RoBERTa's vocabulary, ids by piece",
          file,
          role,
          made.token(role));
    }
    return made;
  }

  private static String checked(ObjectNode vocabulary, Path file, long line, String merge) {
    String[] pieces = merge.split(" ", -1);
    Check.user(
        pieces.length == 2,
        "%s:%d: expected two pieces with a space between them, found '%s'",
        file,
        line,
        merge);
    for (String piece : List.of(pieces[0], pieces[1], pieces[0] + pieces[1])) {
      Check.user(
          vocabulary.has(piece),
          "%s:%d: '%s' is not in %s; the two files must belong together",
          file,
          line,
          piece,
          TokenizerFiles.BPE_VOCABULARY);
    }
    return merge;
  }

  /** The content of {@code tokenizer.json}. */
  ObjectNode tokenizer(JsonMapper json) {
    boolean prefixed = TokenizerFiles.flag(file, config, "add_prefix_space", false);
    ObjectNode root = json.createObjectNode();
    root.put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    addedTokens(root.putArray("added_tokens"));
    root.putNull("normalizer");
    byteLevel(root.putObject("pre_tokenizer"), prefixed);
    ObjectNode frame = root.putObject("post_processor").put("type", "RobertaProcessing");
    frame.putArray("sep").add(token("sep_token")).add(id("sep_token"));
    frame.putArray("cls").add(token("cls_token")).add(id("cls_token"));
    frame.put("trim_offsets", true).put("add_prefix_space", prefixed);
    byteLevel(root.putObject("decoder"), true);
    ObjectNode model = root.putObject("model").put("type", "BPE");
    model.put("continuing_subword_prefix", "").put("end_of_word_suffix", "");
    model.set("vocab", vocabulary);
    ArrayNode order = model.putArray("merges");
    merges.forEach(order::add);
    return root;
  }

  private static void byteLevel(ObjectNode step, boolean prefixed) {
    step.put("type", "ByteLevel").put("add_prefix_space", prefixed).put("trim_offsets", true);
  }

  private void addedTokens(ArrayNode added) {
    Map<Integer, String> roles = new TreeMap<>();
    for (String role : SpecialTokens.ROBERTA.keySet()) {
      if (vocabulary.has(token(role))) {
        roles.put(id(role), role);
      }
    }
    // A mask stands for a word and its space, as the words around it have theirs.
    roles.forEach(
        (id, role) ->
            SpecialTokens.add(added, id, token(role), true)
                .put("lstrip", role.equals("mask_token")));
  }

  private String token(String role) {
    return SpecialTokens.of(config, role, SpecialTokens.ROBERTA);
  }

  private int id(String role) {
    return vocabulary.path(token(role)).asInt(); // read() made sure of it
  }
}
