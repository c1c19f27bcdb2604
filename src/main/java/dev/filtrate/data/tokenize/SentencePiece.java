package dev.filtrate.data.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.tokenize.proto.SentencePieceProto.ModelProto;
import dev.filtrate.data.tokenize.proto.SentencePieceProto.NormalizerSpec;
import dev.filtrate.data.tokenize.proto.SentencePieceProto.TrainerSpec;
import dev.filtrate.data.tokenize.proto.SentencePieceProto.TrainerSpec.ModelType;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * DeBERTa-v2's tokenizer out of its SentencePiece model: a unigram language model over pieces (Kudo
 * 2018), where a space is part of the piece that it precedes and a character without a piece
 * becomes its bytes. What Hugging Face's converter for DeBERTa-v2 makes of the same file, with two
 * differences that bring the ids to those of SentencePiece itself: bytes are fallen back on where
 * the model has them, and spaces at the ends are taken away after characters were mapped, not
 * before, since the map makes spaces of other characters.
 */
final class SentencePiece {
  /** Stands for a space in pieces. */
  private static final String SPACE = "\u2581";

  private final Path file;
  private final ModelProto model;
  private final JsonNode config;
  private final Map<String, Integer> ids = new HashMap<>();

  /** Special and user-defined tokens by id; whether they are special. */
  private final Map<Integer, Added> added = new TreeMap<>();

  private record Added(String token, boolean special) {}

  private SentencePiece(Path file, ModelProto model, JsonNode config) {
    this.file = file;
    this.model = model;
    this.config = config;
  }

  /**
   * Reads a model.
   *
   * @param file where it is from, for errors
   * @param content the file
   * @param config {@code tokenizer_config.json}, for case and the special tokens; may be empty
   * @param addedTokens {@code added_tokens.json}: ids of tokens that the model does not have; may
   *     be empty
   */
  static SentencePiece read(Path file, byte[] content, JsonNode config, JsonNode addedTokens) {
    ModelProto model;
    try {
      model = ModelProto.parseFrom(content);
    } catch (InvalidProtocolBufferException e) {
      throw new UserError(
          "%s: is no SentencePiece model, or a damaged one; copy the file again".formatted(file),
          e);
    }
    SentencePiece made = new SentencePiece(file, model, config);
    made.check();
    made.collect(addedTokens);
    return made;
  }

  private void check() {
    TrainerSpec trainer = model.getTrainerSpec();
    Check.user(
        model.getPiecesCount() > 0,
        "%s: is no SentencePiece model, or a damaged one: it has no pieces; copy the file again",
        file);
    Check.user(
        trainer.getModelType() == ModelType.UNIGRAM,
        "%s: expected a unigram model, found one of type %s; put the tokenizer.json that belongs to"
            + " it beside it",
        file,
        trainer.getModelType().name().toLowerCase(Locale.ROOT));
    Check.user(
        !trainer.getTreatWhitespaceAsSuffix() && model.getNormalizerSpec().getEscapeWhitespaces(),
        "%s: expected pieces that begin with their space, as DeBERTa's do; put the tokenizer.json"
            + " that belongs to the model beside it",
        file);
    Check.user(unknown() >= 0, "%s: has no piece for what is unknown", file);
  }

  private int unknown() {
    for (int i = 0; i < model.getPiecesCount(); i++) {
      if (model.getPieces(i).getType() == ModelProto.SentencePiece.Type.UNKNOWN) {
        return i;
      }
    }
    return -1;
  }

  private void collect(JsonNode addedTokens) {
    for (int i = 0; i < model.getPiecesCount(); i++) {
      ModelProto.SentencePiece piece = model.getPieces(i);
      ids.put(piece.getPiece(), i);
      if (piece.getType() == ModelProto.SentencePiece.Type.CONTROL
          || piece.getType() == ModelProto.SentencePiece.Type.USER_DEFINED) {
        added.put(
            i,
            new Added(piece.getPiece(), piece.getType() == ModelProto.SentencePiece.Type.CONTROL));
      }
    }
    addedTokens.properties().stream()
        .sorted(Comparator.comparingInt(token -> token.getValue().asInt(-1)))
        .forEach(token -> add(token.getKey(), token.getValue().asInt(-1), false));
    for (String role : SpecialTokens.BERT.keySet()) {
      String token = token(role);
      add(token, ids.getOrDefault(token, next()), true);
    }
  }

  /** The first id that is free: the library leaves no gaps. */
  private int next() {
    int last = added.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1);
    return Math.max(model.getPiecesCount(), last + 1);
  }

  private void add(String token, int id, boolean special) {
    Integer known = ids.putIfAbsent(token, id);
    boolean free = id == next();
    Check.user(
        known == null ? free : known == id,
        "%s: gives \"%s\" the id %d; expected ids that follow the %d pieces of %s without a gap",
        file.resolveSibling(TokenizerFiles.ADDED),
        token,
        id,
        model.getPiecesCount(),
        file.getFileName());
    added.put(id, new Added(token, special));
  }

  /** The content of {@code tokenizer.json}. */
  ObjectNode tokenizer(JsonMapper json) {
    ObjectNode root = json.createObjectNode();
    root.put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    ArrayNode tokens = root.putArray("added_tokens");
    added.forEach((id, entry) -> SpecialTokens.add(tokens, id, entry.token, entry.special));
    normalizer(root.putObject("normalizer").put("type", "Sequence").putArray("normalizers"));
    ObjectNode pre = root.putObject("pre_tokenizer").put("type", "Sequence");
    ArrayNode steps = pre.putArray("pretokenizers");
    if (TokenizerFiles.flag(file, config, "split_by_punct", false)) {
      steps.addObject().put("type", "Punctuation").put("behavior", "Isolated");
    }
    metaspace(steps.addObject());
    SpecialTokens.frame(
        root.putObject("post_processor"),
        token("cls_token"),
        id("cls_token"),
        token("sep_token"),
        id("sep_token"));
    ObjectNode decoder = root.putObject("decoder").put("type", "Sequence");
    ArrayNode decoders = decoder.putArray("decoders");
    decoders.addObject().put("type", "ByteFallback");
    metaspace(decoders.addObject());
    unigram(root.putObject("model"));
    return root;
  }

  private void normalizer(ArrayNode steps) {
    NormalizerSpec spec = model.getNormalizerSpec();
    if (TokenizerFiles.flag(file, config, "do_lower_case", false)) {
      steps.addObject().put("type", "Lowercase");
    }
    if (!spec.getPrecompiledCharsmap().isEmpty()) {
      byte[] map = spec.getPrecompiledCharsmap().toByteArray();
      steps
          .addObject()
          .put("type", "Precompiled")
          .put("precompiled_charsmap", Base64.getEncoder().encodeToString(map));
    }
    if (spec.getRemoveExtraWhitespaces()) {
      replace(steps, "^ +| +$", "");
      replace(steps, " {2,}", " ");
    }
  }

  private static void replace(ArrayNode steps, String regex, String content) {
    ObjectNode step = steps.addObject().put("type", "Replace");
    step.putObject("pattern").put("Regex", regex);
    step.put("content", content);
  }

  private void metaspace(ObjectNode step) {
    boolean prefix = model.getNormalizerSpec().getAddDummyPrefix();
    step.put("type", "Metaspace")
        .put("replacement", SPACE)
        .put("prepend_scheme", prefix ? "always" : "never")
        .put("split", true);
  }

  private void unigram(ObjectNode unigram) {
    unigram.put("type", "Unigram");
    unigram.put("unk_id", unknown());
    ArrayNode vocabulary = unigram.putArray("vocab");
    for (ModelProto.SentencePiece piece : model.getPiecesList()) {
      vocabulary.addArray().add(piece.getPiece()).add((double) piece.getScore());
    }
    unigram.put("byte_fallback", model.getTrainerSpec().getByteFallback());
  }

  /**
   * The token of a role; what is unknown is the model's own piece unless the config says another.
   */
  private String token(String role) {
    String token = SpecialTokens.of(config, role, SpecialTokens.BERT);
    boolean own = role.equals("unk_token") && !ids.containsKey(token);
    return own ? model.getPieces(unknown()).getPiece() : token;
  }

  private int id(String role) {
    return ids.getOrDefault(token(role), unknown()); // collect() made sure of it
  }
}
