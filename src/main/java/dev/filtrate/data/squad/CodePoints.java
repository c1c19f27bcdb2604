package dev.filtrate.data.squad;

/**
 * A text whose positions are code points. Outside the basic plane (emoji, rare scripts) one of them
 * is two of Java's {@code char}s.
 */
final class CodePoints {
  private final String text;
  private final int length;

  CodePoints(String text) {
    this.text = text;
    this.length = text.codePointCount(0, text.length());
  }

  /** How many there are. */
  int length() {
    return length;
  }

  /** The text from one position to before another; both must be within it. */
  String slice(int start, int end) {
    if (length == text.length()) {
      return text.substring(start, end);
    }
    int from = text.offsetByCodePoints(0, start);
    return text.substring(from, text.offsetByCodePoints(from, end - start));
  }

  /** Whether {@code part} stands at a position, which may lie outside. */
  boolean holds(String part, int start) {
    return start >= 0
        && start <= length
        && text.startsWith(
            part, length == text.length() ? start : text.offsetByCodePoints(0, start));
  }
}
