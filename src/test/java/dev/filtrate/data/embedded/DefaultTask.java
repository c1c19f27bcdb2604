package dev.filtrate.data.embedded;

import dev.filtrate.base.Randomness;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The files of {@code data/default}: reviews by {@link Reviews} in three parts without a common
 * sentence, and a WordPiece vocabulary of the training part.
 */
final class DefaultTask {
  private static final long SEED = 1;
  private static final Pattern WORD = Pattern.compile("[a-z]+");

  private DefaultTask() {}

  /** The text of every file, by its name. */
  static Map<String, String> files() {
    Map<String, String> files = new LinkedHashMap<>();
    Set<String> seen = new HashSet<>();
    files.put("test.tsv", part("test", 1000, seen));
    files.put("dev.tsv", part("dev", 1000, seen));
    files.put("train.tsv", part("train", 8000, seen));
    files.put("vocab.txt", vocabulary(files.getOrDefault("train.tsv", "")));
    return files;
  }

  /** So many reviews that were not seen before; every other one is good (label 1). */
  private static String part(String name, int size, Set<String> seen) {
    Reviews reviews = new Reviews(Randomness.of(SEED, "default/" + name));
    StringBuilder lines = new StringBuilder("sentence\tlabel\n");
    int label = 0;
    for (int made = 0; made < size; ) {
      String review = reviews.review(label == 1 ? 1 : -1);
      if (seen.add(review)) {
        lines.append(review).append('\t').append(label).append('\n');
        label = 1 - label;
        made++;
      }
    }
    return lines.toString();
  }

  /**
   * Special tokens; signs, digits, letters and endings, of which unknown words are put together;
   * the words, the frequent ones first.
   */
  private static String vocabulary(String text) {
    Set<String> tokens = new LinkedHashSet<>();
    tokens.addAll(Arrays.asList("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"));
    ".,!?'\"-:;()&%$/".chars().forEach(c -> tokens.add(Character.toString(c)));
    String letters = "0123456789abcdefghijklmnopqrstuvwxyz";
    letters.chars().forEach(c -> tokens.add(Character.toString(c)));
    letters.chars().forEach(c -> tokens.add("##" + Character.toString(c)));
    for (String ending : "s es ed ing ly er est ness ful less".split(" ")) {
      tokens.add("##" + ending);
    }
    Map<String, Integer> counts = new HashMap<>();
    WORD.matcher(text.toLowerCase(java.util.Locale.ROOT))
        .results()
        .map(MatchResult::group)
        .forEach(w -> counts.merge(w, 1, Integer::sum));
    counts.keySet().stream()
        .sorted(
            Comparator.comparing((String w) -> -counts.getOrDefault(w, 0))
                .thenComparing(Comparator.naturalOrder()))
        .forEach(tokens::add);
    return String.join("\n", tokens) + "\n";
  }
}
