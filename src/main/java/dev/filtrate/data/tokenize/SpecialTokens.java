package dev.filtrate.data.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The special tokens of the BERT, DeBERTa and RoBERTa families: their roles, their spelling, and
 * the parts of a {@code tokenizer.json} that are about them.
 */
final class SpecialTokens {
  /** Roles, and how BERT and DeBERTa spell them. */
  static final Map<String, String> BERT = spelled("[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]");

  /** The same roles as RoBERTa spells them. */
  static final Map<String, String> ROBERTA = spelled("<unk>", "</s>", "<pad>", "<s>", "<mask>");

  private SpecialTokens() {}

  private static Map<String, String> spelled(
      String unknown, String separator, String padding, String classification, String mask) {
    Map<String, String> roles = new LinkedHashMap<>();
    roles.put("unk_token", unknown);
    roles.put("sep_token", separator);
    roles.put("pad_token", padding);
    roles.put("cls_token", classification);
    roles.put("mask_token", mask);
    return Collections.unmodifiableMap(roles);
  }

  /** How a config spells the token of a role; the usual way where it says nothing. */
  static String of(JsonNode config, String role, Map<String, String> usual) {
    String text = said(config, role);
    return text.isEmpty() ? usual.getOrDefault(role, "") : text;
  }

  /** How a config spells the token of a role; empty where it says nothing. */
  static String said(JsonNode config, String role) {
    JsonNode named = config.path(role);
    return named.isObject() ? named.path("content").asText("") : named.asText("");
  }

  /** Adds an entry of {@code added_tokens}. */
  static ObjectNode add(ArrayNode added, int id, String token, boolean special) {
    return added
        .addObject()
        .put("id", id)
        .put("content", token)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", special);
  }

  /**
   * Fills in a post-processor: {@code [CLS] A [SEP]}, or {@code [CLS] A [SEP] B [SEP]} with type 1
   * from B on.
   */
  static void frame(ObjectNode processor, String cls, int clsId, String sep, int sepId) {
    processor.put("type", "TemplateProcessing");
    ArrayNode single = processor.putArray("single");
    ArrayNode pair = processor.putArray("pair");
    for (ArrayNode template : new ArrayNode[] {single, pair}) {
      piece(template, "SpecialToken", cls, 0);
      piece(template, "Sequence", "A", 0);
      piece(template, "SpecialToken", sep, 0);
    }
    piece(pair, "Sequence", "B", 1);
    piece(pair, "SpecialToken", sep, 1);
    ObjectNode special = processor.putObject("special_tokens");
    special(special, cls, clsId);
    special(special, sep, sepId);
  }

  private static void piece(ArrayNode template, String kind, String id, int type) {
    template.addObject().putObject(kind).put("id", id).put("type_id", type);
  }

  private static void special(ObjectNode tokens, String token, int id) {
    ObjectNode entry = tokens.putObject(token);
    entry.put("id", token);
    entry.putArray("ids").add(id);
    entry.putArray("tokens").add(token);
  }
}
