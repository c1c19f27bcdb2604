package dev.filtrate.data.tokenize;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.util.PairList;
import dev.filtrate.base.Check;
import java.util.ArrayList;
import java.util.List;

/**
 * Pairs of texts to windows: all of the first text with as much of the second as fits, then the
 * next part of the second, which begins with the last {@code stride} tokens of the one before.
 * Holds native memory: close it.
 */
public final class WindowTokenizer implements AutoCloseable {
  private static final int CHUNK = 512;

  private final HuggingFaceTokenizer library;
  private final Tokenizer whole;
  private final int stride;

  WindowTokenizer(HuggingFaceTokenizer library, Tokenizer whole, int stride) {
    this.library = library;
    this.whole = whole;
    this.stride = stride;
  }

  /** A first text must have fewer tokens, so that there is room for more of the second. */
  public int room() {
    return whole.maxLength() - whole.specialTokensOfPair() - stride;
  }

  /** Takes the windows of a pair. */
  @FunctionalInterface
  public interface Sink {
    /** Takes the windows of pair {@code index}; none if its first text leaves no room for more. */
    void windows(int index, List<Window> windows);
  }

  /** Encodes pairs, in their order. */
  public void encode(List<String> first, List<String> second, Sink sink) {
    Check.argument(first.size() == second.size(), "%d and %d", first.size(), second.size());
    int[] lengths = whole.lengths(first);
    int room = room();
    for (int begin = 0; begin < first.size(); begin += CHUNK) {
      int end = Math.min(first.size(), begin + CHUNK);
      PairList<String, String> fitting = new PairList<>();
      for (int i = begin; i < end; i++) {
        if (lengths[i] < room) {
          fitting.add(first.get(i), second.get(i));
        }
      }
      Encoding[] encoded =
          fitting.isEmpty() ? new Encoding[0] : library.batchEncode(fitting, true, true);
      int next = 0;
      for (int i = begin; i < end; i++) {
        sink.windows(i, lengths[i] < room ? windows(encoded[next++]) : List.of());
      }
    }
  }

  private static List<Window> windows(Encoding encoding) {
    List<Window> windows = new ArrayList<>();
    windows.add(window(encoding));
    for (Encoding more : encoding.getOverflowing()) {
      windows.add(window(more));
    }
    return windows;
  }

  private static Window window(Encoding encoding) {
    long[] ids = encoding.getIds();
    long[] sequences = encoding.getSequenceIds();
    CharSpan[] spans = encoding.getCharTokenSpans();
    int[] starts = new int[ids.length];
    int[] ends = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      boolean second = sequences[i] == 1 && spans[i] != null;
      starts[i] = second ? spans[i].getStart() : -1;
      ends[i] = second ? spans[i].getEnd() : -1;
    }
    return new Window(ids, encoding.getTypeIds(), starts, ends);
  }

  @Override
  public void close() {
    library.close();
  }
}
