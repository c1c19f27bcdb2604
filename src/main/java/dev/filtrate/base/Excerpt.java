package dev.filtrate.base;

import java.util.Collection;
import java.util.stream.Collectors;

/** What a message shows of a value that may be long: all of a short one, else its beginning. */
public final class Excerpt {
  private static final int CHARACTERS = 100;
  private static final int ITEMS = 20;

  private Excerpt() {}

  /** The text on one line, cut after 100 characters. */
  public static String of(String text) {
    int end = Math.min(CHARACTERS, text.length());
    boolean cut = end < text.length();
    if (cut && Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end).replaceAll("\\p{Cntrl}+", " ") + (cut ? "…" : "");
  }

  /** The items as a list shows itself, each cut; of more than 20 the first ones and the number. */
  public static String of(Collection<String> items) {
    String shown = items.stream().limit(ITEMS).map(Excerpt::of).collect(Collectors.joining(", "));
    return items.size() <= ITEMS
        ? "[" + shown + "]"
        : "[%s, … %,d in all]".formatted(shown, items.size());
  }
}
