package dev.filtrate.data.tokenize;

import dev.filtrate.base.Check;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Learns a WordPiece vocabulary from texts, for models from scratch: characters first, then again
 * and again the pair of neighbouring pieces that is most frequent becomes one (byte-pair encoding,
 * Sennrich et al. 2016, which is how Hugging Face's trainer makes WordPiece vocabularies too).
 * Texts are read as BERT's uncased tokenizer reads them. The same texts give the same vocabulary.
 */
public final class Vocabulary {
  /** In the order that BERT's configs expect: padding is 0. */
  private static final List<String> SPECIAL = List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]");

  private static final Pattern WORD =
      Pattern.compile("[\\p{P}\\p{Punct}]|[^\\s\\p{Z}\\p{P}\\p{Punct}]+");

  /** Accents, and characters that nobody sees. */
  private static final Pattern DROPPED = Pattern.compile("[\\p{Mn}\\p{C}&&[^\\s]]+");

  private static final int LONGEST_WORD = 100;

  /** Rarer characters are left out: they become [UNK]. */
  private static final int MOST_CHARACTERS = 1000;

  /** Pieces that occur less often are not worth a row of the embeddings. */
  private static final int RAREST = 2;

  private record Pair(String left, String right) {
    String joined() {
      return left + right.substring(2);
    }
  }

  /** A pair and how often it was seen when it was queued. */
  private record Candidate(Pair pair, int count) {}

  private static final Comparator<Candidate> FIRST =
      Comparator.comparingInt(Candidate::count)
          .reversed()
          .thenComparing(c -> c.pair().left())
          .thenComparing(c -> c.pair().right());

  private final Set<String> pieces = new LinkedHashSet<>(SPECIAL);
  private final List<List<String>> words = new ArrayList<>();
  private final List<Integer> counts = new ArrayList<>();
  private final Map<Pair, Integer> frequencies = new HashMap<>();
  private final Map<Pair, Set<Integer>> places = new HashMap<>();

  private Vocabulary() {}

  /**
   * The tokens in the order of their ids: the special ones, characters, then pieces, the most
   * frequent first; at most {@code size} of them.
   */
  public static List<String> learn(Iterable<String> texts, int size) {
    Check.argument(size > SPECIAL.size(), "a vocabulary of %d", size);
    Vocabulary made = new Vocabulary();
    made.begin(frequencies(texts), size);
    made.grow(size);
    return List.copyOf(made.pieces);
  }

  private static Map<String, Integer> frequencies(Iterable<String> texts) {
    Map<String, Integer> frequencies = new TreeMap<>();
    for (String text : texts) {
      String plain = Normalizer.normalize(text.toLowerCase(Locale.ROOT), Normalizer.Form.NFD);
      WORD.matcher(DROPPED.matcher(plain).replaceAll(""))
          .results()
          .map(found -> found.group())
          .filter(word -> word.length() <= LONGEST_WORD)
          .flatMap(word -> apart(word).stream())
          .forEach(word -> frequencies.merge(word, 1, Integer::sum));
    }
    return frequencies;
  }

  /** Chinese characters are words of their own, as BERT has it. */
  private static List<String> apart(String word) {
    List<String> words = new ArrayList<>();
    StringBuilder current = new StringBuilder();
    word.codePoints()
        .forEach(
            c -> {
              if (Character.isIdeographic(c)) {
                if (!current.isEmpty()) {
                  words.add(current.toString());
                  current.setLength(0);
                }
                words.add(Character.toString(c));
              } else {
                current.appendCodePoint(c);
              }
            });
    if (!current.isEmpty()) {
      words.add(current.toString());
    }
    return words;
  }

  /** Takes in the characters, and the words that are made of them. */
  private void begin(Map<String, Integer> frequencies, int size) {
    Map<String, Integer> characters = new TreeMap<>();
    frequencies.forEach(
        (word, count) -> cut(word).forEach(c -> characters.merge(c, count, Integer::sum)));
    characters.entrySet().stream()
        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
        .limit(Math.min(MOST_CHARACTERS, size - pieces.size()))
        .map(Map.Entry::getKey)
        .forEach(pieces::add);
    frequencies.forEach(
        (word, count) -> {
          List<String> parts = cut(word);
          if (parts.size() > 1 && pieces.containsAll(parts)) {
            words.add(parts);
            counts.add(count);
          }
        });
  }

  private static List<String> cut(String word) {
    List<String> parts = new ArrayList<>();
    word.codePoints()
        .forEach(c -> parts.add((parts.isEmpty() ? "" : "##") + Character.toString(c)));
    return parts;
  }

  private void grow(int size) {
    for (int word = 0; word < words.size(); word++) {
      count(word, 1);
    }
    PriorityQueue<Candidate> queue = new PriorityQueue<>(FIRST);
    frequencies.forEach((pair, count) -> queue.add(new Candidate(pair, count)));
    while (pieces.size() < size && !queue.isEmpty()) {
      Candidate best = queue.remove();
      int now = frequencies.getOrDefault(best.pair, 0);
      if (now < RAREST) {
        continue;
      }
      if (now < best.count) { // it has become rarer since
        queue.add(new Candidate(best.pair, now));
        continue;
      }
      pieces.add(best.pair.joined());
      Set<Pair> changed = new HashSet<>();
      for (int word : List.copyOf(places.getOrDefault(best.pair, Set.of()))) {
        count(word, -1);
        join(words.get(word), best.pair);
        count(word, 1);
        changed.addAll(pairs(words.get(word)));
      }
      changed.forEach(pair -> queue.add(new Candidate(pair, frequencies.getOrDefault(pair, 0))));
    }
  }

  /** Adds the pairs of a word to the counts, or takes them out. */
  private void count(int word, int sign) {
    for (Pair pair : pairs(words.get(word))) {
      frequencies.merge(pair, sign * counts.get(word), Integer::sum);
      Set<Integer> where = places.computeIfAbsent(pair, p -> new HashSet<>());
      if (sign > 0) {
        where.add(word);
      } else {
        where.remove(word);
      }
    }
  }

  private static List<Pair> pairs(List<String> parts) {
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i + 1 < parts.size(); i++) {
      pairs.add(new Pair(parts.get(i), parts.get(i + 1)));
    }
    return pairs;
  }

  private static void join(List<String> parts, Pair pair) {
    for (int i = 0; i + 1 < parts.size(); i++) {
      if (parts.get(i).equals(pair.left) && parts.get(i + 1).equals(pair.right)) {
        parts.set(i, pair.joined());
        parts.remove(i + 1);
      }
    }
  }
}
