package dev.filtrate.data.tokenize;

/**
 * A pair of texts as a model takes it, or a part of the second text with all of the first: ids,
 * types, and which characters of the second text a token is made of.
 */
public final class Window {
  private final long[] ids;
  private final long[] types;
  private final int[] starts;
  private final int[] ends;

  Window(long[] ids, long[] types, int[] starts, int[] ends) {
    this.ids = ids;
    this.types = types;
    this.starts = starts;
    this.ends = ends;
  }

  /** The number of tokens, special ones included. */
  public int length() {
    return ids.length;
  }

  /** Adds the ids and types to others. */
  public void addTo(Encoded.Builder encoded) {
    encoded.add(ids, types);
  }

  /** Where a token begins in the second text, in code points; -1 for all other tokens. */
  public int start(int token) {
    return starts[token];
  }

  /** Where a token ends in the second text, in code points; -1 for all other tokens. */
  public int end(int token) {
    return ends[token];
  }
}
