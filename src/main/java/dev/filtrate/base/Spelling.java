package dev.filtrate.base;

import java.util.Collection;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Finds what a mistyped word may have meant. */
public final class Spelling {
  private Spelling() {}

  /**
   * The known word that is nearest to {@code word}, or null when none is near: at most one edit
   * (insertion, deletion, replacement, swap of neighbours) per three characters, case and the
   * difference between {@code _} and {@code -} not counted. The first of equally near ones wins.
   */
  public static @Nullable String nearest(String word, Collection<String> known) {
    String plain = plain(word);
    String best = null;
    int bestDistance = Math.max(1, plain.length() / 3) + 1;
    for (String candidate : known) {
      int distance = distance(plain, plain(candidate));
      if (distance < bestDistance) {
        best = candidate;
        bestDistance = distance;
      }
    }
    return best;
  }

  /** The words {@code "; did you mean 'x'?"}, or nothing when no known word is near. */
  public static String suggestion(String word, Collection<String> known) {
    String nearest = nearest(word, known);
    return nearest == null ? "" : "; did you mean '" + nearest + "'?";
  }

  private static String plain(String word) {
    return word.toLowerCase(Locale.ROOT).replace('-', '_');
  }

  /** Optimal string alignment distance. */
  private static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      d[i][0] = i;
    }
    for (int j = 0; j <= b.length(); j++) {
      d[0][j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      for (int j = 1; j <= b.length(); j++) {
        int replaced = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        d[i][j] = Math.min(replaced, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
        boolean swapped =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        if (swapped) {
          d[i][j] = Math.min(d[i][j], 1 + d[i - 2][j - 2]);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
