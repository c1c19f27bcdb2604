package dev.filtrate.hub;

/** Hears how far a download is. */
public interface FetchListener {
  /**
   * A file begins.
   *
   * @param number of the file, from 1
   * @param files how many there are
   */
  void begin(String file, int number, int files);

  /** Bytes came; {@code size} is what the hub announced. */
  void progress(String file, long done, long size);

  /** Something that people should know. */
  void note(String text);
}
