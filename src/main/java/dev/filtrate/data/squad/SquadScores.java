package dev.filtrate.data.squad;

import dev.filtrate.base.Check;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;

/**
 * The scores of the official evaluation scripts of SQuAD 1.1 and 2.0, in percent: whether an answer
 * is one of the marked ones (exact), and the harmonic mean of precision and recall over words (F1),
 * each the best over the marked answers, after case, punctuation and articles were taken away.
 */
public final class SquadScores {
  /** The metric that selects. */
  public static final String SELECTS = "f1";

  /** Python's string.punctuation. */
  private static final Pattern PUNCTUATION = Pattern.compile("[!-/:-@\\[-`{-~]");

  /** Articles as whole words, where a word is what Python's {@code \w} takes for one. */
  private static final Pattern ARTICLES =
      Pattern.compile("(?<![\\p{L}\\p{N}_])(a|an|the)(?![\\p{L}\\p{N}_])");

  /** What Python's {@code str.split} splits at. */
  private static final Pattern SPACES =
      Pattern.compile(
          "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+");

  private SquadScores() {}

  /** A question with what an answer to it is worth. */
  private record Scored(AnsweredQuestion answer, String text, double exact, double f1) {
    boolean isAnswerable() {
      return answer.question().isAnswerable();
    }
  }

  /**
   * What one answer is worth.
   *
   * @param exact 1 if it is a marked one, else 0
   * @param f1 over its words, from 0 to 1
   */
  public record Score(double exact, double f1) {}

  /** An answer's score by the rules of SQuAD 1.1; the question has marked answers. */
  public static Score version1(Question question, String text) {
    List<String> gold = texts(question);
    return new Score(best(gold, g -> exact(text, g)), best(gold, g -> f1(text, g, 0)));
  }

  /** An answer's score by the rules of SQuAD 2.0, where no answer may be the right one. */
  public static Score version2(Question question, String text) {
    List<String> gold = texts(question).stream().filter(g -> !normalized(g).isEmpty()).toList();
    List<String> expected = gold.isEmpty() ? List.of("") : gold;
    return new Score(best(expected, g -> exact(text, g)), best(expected, g -> f1(text, g, 1)));
  }

  /**
   * The scores of SQuAD 1.1: {@code f1} and {@code exact_match}.
   *
   * @param answers to questions that all have marked answers
   */
  public static Map<String, Double> version1(List<AnsweredQuestion> answers) {
    List<Scored> scored = new ArrayList<>();
    for (AnsweredQuestion answer : answers) {
      Check.argument(answer.question().isAnswerable(), "%s: no answer", answer.question().id());
      String text = answer.text(false, 0);
      Score score = version1(answer.question(), text);
      scored.add(new Scored(answer, text, score.exact(), score.f1()));
    }
    Map<String, Double> scores = new LinkedHashMap<>();
    scores.put("f1", mean(scored, Scored::f1));
    scores.put("exact_match", mean(scored, Scored::exact));
    return scores;
  }

  /**
   * The scores of SQuAD 2.0: {@code f1} and {@code exact} over all questions, over those with an
   * answer ({@code HasAns_}) and those without ({@code NoAns_}), how many these are, and the best
   * scores that any threshold on the odds of "no answer" would give these answers, with that
   * threshold ({@code best_}; as the official script has them with {@code --na-prob-file}).
   *
   * @param threshold a question is not answered if the odds are higher
   */
  public static Map<String, Double> version2(List<AnsweredQuestion> answers, double threshold) {
    List<Scored> scored =
        answers.stream().map(answer -> scored(answer, answer.text(true, threshold))).toList();
    Map<String, Double> scores = new LinkedHashMap<>();
    scores.put("f1", mean(scored, Scored::f1));
    scores.put("exact", mean(scored, Scored::exact));
    for (boolean answerable : new boolean[] {true, false}) {
      List<Scored> part = scored.stream().filter(s -> s.isAnswerable() == answerable).toList();
      if (!part.isEmpty()) {
        String prefix = answerable ? "HasAns_" : "NoAns_";
        scores.put(prefix + "exact", mean(part, Scored::exact));
        scores.put(prefix + "f1", mean(part, Scored::f1));
        scores.put(prefix + "total", (double) part.size());
      }
    }
    Best exact = bestThreshold(scored, Scored::exact);
    scores.put("best_exact", 100 * exact.sum / scored.size());
    scores.put("best_exact_thresh", exact.threshold);
    Best f1 = bestThreshold(scored, Scored::f1);
    scores.put("best_f1", 100 * f1.sum / scored.size());
    scores.put("best_f1_thresh", f1.threshold);
    return scores;
  }

  /**
   * The threshold on the odds of "no answer" that gives the best F1 if every question's best answer
   * is taken below it.
   */
  public static double tunedThreshold(List<AnsweredQuestion> answers) {
    List<Scored> sorted =
        answers.stream()
            .map(answer -> scored(answer, answer.best()))
            .sorted(Comparator.comparingDouble(s -> s.answer.nullOdds()))
            .toList();
    double sum = sorted.stream().filter(s -> !s.isAnswerable()).count(); // nothing is answered
    double best = sum;
    double threshold = sorted.isEmpty() ? 0 : sorted.get(0).answer.nullOdds() - 1;
    for (int i = 0; i < sorted.size(); i++) {
      Scored s = sorted.get(i);
      sum += s.f1 - (s.isAnswerable() ? 0 : 1);
      double odds = s.answer.nullOdds();
      double next = i + 1 < sorted.size() ? sorted.get(i + 1).answer.nullOdds() : odds + 2;
      if (odds < next && sum > best) {
        best = sum;
        threshold = (odds + next) / 2;
      }
    }
    return threshold;
  }

  private static Scored scored(AnsweredQuestion answer, String text) {
    Score score = version2(answer.question(), text);
    return new Scored(answer, text, score.exact(), score.f1());
  }

  /** A sum of scores, and the odds up to which questions are answered for it. */
  private record Best(double sum, double threshold) {}

  private static Best bestThreshold(List<Scored> scored, ToDoubleFunction<Scored> score) {
    List<Scored> sorted =
        scored.stream().sorted(Comparator.comparingDouble(s -> s.answer.nullOdds())).toList();
    double sum = sorted.stream().filter(s -> !s.isAnswerable()).count();
    Best best = new Best(sum, 0);
    for (Scored s : sorted) {
      sum += s.isAnswerable() ? score.applyAsDouble(s) : s.text.isEmpty() ? 0 : -1;
      best = sum > best.sum ? new Best(sum, s.answer.nullOdds()) : best;
    }
    return best;
  }

  private static List<String> texts(Question question) {
    return question.answers().stream().map(Question.Answer::text).toList();
  }

  private static double mean(List<Scored> scored, ToDoubleFunction<Scored> score) {
    return 100 * scored.stream().mapToDouble(score).average().orElse(0);
  }

  private static double best(List<String> gold, ToDoubleFunction<String> score) {
    return gold.stream().mapToDouble(score).max().orElse(0);
  }

  /** A text as the scripts compare it. */
  static String normalized(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    String words = ARTICLES.matcher(PUNCTUATION.matcher(lower).replaceAll("")).replaceAll(" ");
    String joined = SPACES.matcher(words).replaceAll(" ");
    int start = joined.startsWith(" ") ? 1 : 0;
    return joined.substring(
        start, Math.max(start, joined.length() - (joined.endsWith(" ") ? 1 : 0)));
  }

  private static double exact(String text, String gold) {
    return normalized(text).equals(normalized(gold)) ? 1 : 0;
  }

  /** F1 over words; {@code bothEmpty} is what two answers without words are worth. */
  private static double f1(String text, String gold, double bothEmpty) {
    String[] predicted = words(text);
    String[] expected = words(gold);
    if (predicted.length == 0 || expected.length == 0) {
      return predicted.length == expected.length ? bothEmpty : 0;
    }
    Map<String, Integer> counts = new HashMap<>();
    for (String word : expected) {
      counts.merge(word, 1, Integer::sum);
    }
    int same = 0;
    for (String word : predicted) {
      if (counts.merge(word, -1, Integer::sum) >= 0) {
        same++;
      }
    }
    if (same == 0) {
      return 0;
    }
    double precision = (double) same / predicted.length;
    double recall = (double) same / expected.length;
    return 2 * precision * recall / (precision + recall);
  }

  private static String[] words(String text) {
    String normalized = normalized(text);
    return normalized.isEmpty() ? new String[0] : normalized.split(" ");
  }
}
