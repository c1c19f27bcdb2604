package dev.filtrate.data.tokenize;

import dev.filtrate.base.Check;
import java.util.Arrays;

/** Token ids and token types of many texts, one after the other in two arrays. */
public final class Encoded {
  private final int[] ids;
  private final byte[] types;
  private final int[] starts;

  private Encoded(int[] ids, byte[] types, int[] starts) {
    this.ids = ids;
    this.types = types;
    this.starts = starts;
  }

  /** The number of texts (or pairs). */
  public int size() {
    return starts.length - 1;
  }

  /** The number of tokens of a text, special tokens included. */
  public int length(int text) {
    return starts[text + 1] - starts[text];
  }

  /** The number of tokens of all texts. */
  public int tokens() {
    return starts[size()];
  }

  /** The id of a token. */
  public int id(int text, int position) {
    return ids[starts[text] + position];
  }

  /** The type of a token: 0 in the first text, 1 in the second (where the tokenizer says so). */
  public int type(int text, int position) {
    return types[starts[text] + position];
  }

  /** A copy of the ids of a text. */
  public int[] ids(int text) {
    return Arrays.copyOfRange(ids, starts[text], starts[text + 1]);
  }

  /** A copy of the types of a text. */
  public int[] types(int text) {
    int[] copy = new int[length(text)];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = types[starts[text] + i];
    }
    return copy;
  }

  /** Collects texts. */
  public static final class Builder {
    private final boolean exact;
    private int[] starts;
    private int[] ids;
    private byte[] types;
    private int size;

    /** A builder for any number of texts. */
    public Builder() {
      this(64, false);
    }

    /** A builder for so many texts. */
    public Builder(int texts) {
      this(texts, true);
    }

    private Builder(int texts, boolean exact) {
      this.exact = exact;
      starts = new int[texts + 1];
      ids = new int[16 * texts + 16];
      types = new byte[ids.length];
    }

    /** Adds a text's tokens; both arrays have the same length. */
    public Builder add(long[] textIds, long[] textTypes) {
      Check.state(!exact || size < starts.length - 1, "all %d texts were added", size);
      if (size == starts.length - 1) {
        starts = Arrays.copyOf(starts, 2 * starts.length);
      }
      Check.argument(textIds.length == textTypes.length, "a type per token");
      int start = starts[size];
      int end = start + textIds.length;
      if (end > ids.length) {
        int room = Math.max(end, Math.addExact(ids.length, ids.length / 2));
        ids = Arrays.copyOf(ids, room);
        types = Arrays.copyOf(types, room);
      }
      for (int i = 0; i < textIds.length; i++) {
        ids[start + i] = Math.toIntExact(textIds[i]);
        types[start + i] = (byte) textTypes[i];
      }
      starts[++size] = end;
      return this;
    }

    /** All texts; as many must have been added as were announced, if any were. */
    public Encoded build() {
      Check.state(!exact || size == starts.length - 1, "%d of %d texts", size, starts.length - 1);
      int total = starts[size];
      return new Encoded(
          Arrays.copyOf(ids, total), Arrays.copyOf(types, total), Arrays.copyOf(starts, size + 1));
    }
  }
}
