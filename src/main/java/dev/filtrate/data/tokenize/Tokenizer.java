package dev.filtrate.data.tokenize;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.util.PairList;
import com.google.errorprone.annotations.MustBeClosed;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Example;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Text to ids, as the Hugging Face tokenizers library does it, special tokens included. Holds
 * native memory: close it.
 */
public final class Tokenizer implements AutoCloseable {
  static {
    // Before DJL's first use: no usage report, no search for another native library.
    System.setProperty("ai.djl.offline", "true");
  }

  /** A length that no text has: texts are not cut. */
  public static final int UNLIMITED = Integer.MAX_VALUE;

  private static final int CHUNK = 2048;

  private final HuggingFaceTokenizer library;
  private final Path path;
  private final TokenizerFiles files;
  private final int maxLength;

  private Tokenizer(HuggingFaceTokenizer library, Path path, TokenizerFiles files, int maxLength) {
    this.library = library;
    this.path = path;
    this.files = files;
    this.maxLength = maxLength;
  }

  /**
   * Reads a tokenizer from a folder with {@code tokenizer.json}, {@code spm.model}, {@code
   * vocab.txt}, or {@code vocab.json} and {@code merges.txt}, or from one of these files; {@code
   * tokenizer_config.json} beside it is heeded. Whatever is wrong with the files is a {@link
   * UserError}.
   *
   * @param maxLength texts are cut to so many tokens, special tokens included; of a pair the longer
   *     text loses tokens first
   */
  @MustBeClosed
  public static Tokenizer read(Path path, int maxLength) {
    Check.user(maxLength >= 4, "max_length: expected at least 4 tokens, got %d", maxLength);
    TokenizerFiles files = TokenizerFiles.read(path);
    return new Tokenizer(open(files, path, maxLength, "LONGEST_FIRST", 0), path, files, maxLength);
  }

  private static HuggingFaceTokenizer open(
      TokenizerFiles files, Path path, int maxLength, String truncation, int stride) {
    Map<String, String> options =
        Map.of(
            "addSpecialTokens",
            "true",
            "truncation",
            truncation,
            "padding",
            "DO_NOT_PAD",
            "stride",
            Integer.toString(stride),
            "maxLength",
            Integer.toString(maxLength),
            "modelMaxLength",
            Integer.toString(maxLength));
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(files.json()), options);
    } catch (IOException | RuntimeException e) {
      throw new UserError(
          "%s: the tokenizers library cannot load it: %s".formatted(path, e.getMessage()), e);
    } catch (LinkageError e) {
      throw new UserError(
          "the native tokenizers library cannot be loaded: %s; it is unpacked into the folder that"
                  .formatted(e.getMessage())
              + " DJL_CACHE_DIR names (default: .djl.ai in the home folder), which must be"
              + " writable",
          e);
    }
  }

  /**
   * This tokenizer for questions about texts: a text that is too long is cut into windows.
   *
   * @param stride how many tokens two neighbours share; less than {@link #maxLength}
   */
  @MustBeClosed
  public WindowTokenizer windows(int stride) {
    int least = stride + specialTokensOfPair() + 2;
    Check.user(
        maxLength >= least,
        "doc_stride: windows of %d tokens that share %d have no room for a question; expected a"
            + " doc_stride of at most %d, or a max_seq_length of at least %d",
        maxLength,
        stride,
        maxLength - (least - stride),
        least);
    return new WindowTokenizer(open(files, path, maxLength, "ONLY_SECOND", stride), this, stride);
  }

  /**
   * The length that a tokenizer's {@code tokenizer_config.json} says its model takes ({@code
   * model_max_length}), if it says one that is meant.
   *
   * @param path as for {@link #read}
   */
  public static OptionalInt modelMaxLength(Path path) {
    return TokenizerFiles.modelMaxLength(path);
  }

  /** Encodes texts, or pairs where the examples have a second text. */
  public Encoded encode(List<Example> examples) {
    Encoded.Builder encoded = new Encoded.Builder(examples.size());
    for (int start = 0; start < examples.size(); start += CHUNK) {
      List<Example> chunk = examples.subList(start, Math.min(start + CHUNK, examples.size()));
      for (Encoding text : encodeChunk(chunk)) {
        encoded.add(text.getIds(), text.getTypeIds());
      }
    }
    return encoded.build();
  }

  private Encoding[] encodeChunk(List<Example> examples) {
    if (examples.get(0).sentence2() == null) {
      return library.batchEncode(examples.stream().map(Example::sentence1).toList());
    }
    PairList<String, String> pairs = new PairList<>(examples.size());
    for (Example e : examples) {
      String sentence2 = e.sentence2();
      Check.argument(sentence2 != null, "all examples are pairs, or none is");
      pairs.add(e.sentence1(), sentence2);
    }
    return library.batchEncode(pairs);
  }

  /**
   * The ids of texts, cut to {@link #maxLength}.
   *
   * @param specialTokens whether those that a model expects around a text are among them
   */
  public List<long[]> ids(List<String> texts, boolean specialTokens) {
    List<long[]> ids = new ArrayList<>(texts.size());
    for (int start = 0; start < texts.size(); start += CHUNK) {
      List<String> chunk = texts.subList(start, Math.min(start + CHUNK, texts.size()));
      for (Encoding text : library.batchEncode(chunk, specialTokens, false)) {
        ids.add(text.getIds());
      }
    }
    return ids;
  }

  /** The number of tokens of texts, special ones not counted. */
  int[] lengths(List<String> texts) {
    return ids(texts, false).stream().mapToInt(ids -> ids.length).toArray();
  }

  /** How many tokens a pair has besides those of its texts. */
  int specialTokensOfPair() {
    return library.encode("", "", true, false).getIds().length;
  }

  /** The text of ids, without special tokens. */
  public String decode(long... ids) {
    return library.decode(ids, true);
  }

  /** Texts are cut to so many tokens. */
  public int maxLength() {
    return maxLength;
  }

  /** One more than the highest id: the least {@code vocab_size} of a model that takes these ids. */
  public int vocabularySize() {
    return files.size();
  }

  /** The id that fills up shorter texts; 0 where the tokenizer names none. */
  public int padId() {
    String token = files.special("pad_token");
    return token == null ? 0 : Math.max(0, files.id(token));
  }

  /** The id of what the vocabulary does not have; -1 where the tokenizer names none. */
  public int unknownId() {
    String token = files.special("unk_token");
    return token == null ? -1 : files.id(token);
  }

  /**
   * Writes {@code tokenizer.json}, {@code tokenizer_config.json}, {@code special_tokens_map.json}
   * and what else belongs to this tokenizer ({@code vocab.txt}, a SentencePiece model, …) into a
   * folder that exists.
   */
  public void write(Path folder) {
    files.write(folder, maxLength);
  }

  /** The SHA-256 of {@code tokenizer.json} as {@link #write} writes it, in hexadecimal. */
  public String sha256() {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(files.json()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }

  @Override
  public void close() {
    library.close();
  }
}
