package dev.filtrate.data.squad;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.data.squad.AnsweredQuestion.Candidate;
import dev.filtrate.data.squad.Question.Answer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Expected values are those of the official evaluation scripts (1.1 and 2.0). */
class SquadScoresTest {
  private static AnsweredQuestion answer(String text, double odds, String... gold) {
    List<Answer> answers = Arrays.stream(gold).map(g -> new Answer(g, 0)).toList();
    Question question = new Question(text + odds, "q", "c", answers);
    return new AnsweredQuestion(question, List.of(new Candidate(text, 0, 0, 1)), odds, text);
  }

  @Test
  void textsAreComparedWithoutCasePunctuationAndArticles() {
    assertEquals("cat sat on mat", SquadScores.normalized(" The cat, sat\ton a\u00A0MAT. "));
    assertEquals("", SquadScores.normalized("the"));
    assertEquals("theater ana 5th", SquadScores.normalized("Theater an_a? 5th"));
    assertEquals("\u201Cquoted\u201D", SquadScores.normalized("\u201CQuoted\u201D")); // not ASCII
    assertEquals("stra\u00DFe i\u0307", SquadScores.normalized("Stra\u00DFe \u0130"));
    assertEquals("\u0301", SquadScores.normalized("a\u0301")); // Python's word ends at the accent
  }

  @Test
  void version1ComparesWithTheBestOfTheMarkedAnswers() {
    Map<String, Double> scores =
        SquadScores.version1(
            List.of(
                answer("the Denver Broncos", 0, "Broncos", "Denver Broncos"),
                answer("Levi's Stadium in Santa Clara", 0, "Santa Clara, California"),
                answer("gold gold", 0, "gold"),
                answer("blue", 0, "red")));
    assertEquals(25.0, scores.getOrDefault("exact_match", Double.NaN), 1e-9);
    // F1: 1, 2*(2/5*2/3)/(2/5+2/3) = 0.5, 2*(1/2*1)/(3/2) = 2/3, 0
    assertEquals(100 * (1 + 0.5 + 2.0 / 3) / 4, scores.getOrDefault("f1", Double.NaN), 1e-9);
  }

  @Test
  void version2CountsWhatHasNoAnswer() {
    List<AnsweredQuestion> answers =
        List.of(
            answer("cat", -3, "cat"),
            answer("big dog", -1, "dog"),
            answer("bird", 2, "bird"),
            answer("fish", -2),
            answer("cow", 4),
            answer("the", -4, "the"));
    Map<String, Double> scores = SquadScores.version2(answers, 0);
    // cat 1, big dog 0 / F1 2/3, bird not answered 0, fish wrongly answered 0, cow 1,
    // "the" normalises to nothing, as its gold answer does: 1
    assertEquals(100 * 3 / 6.0, scores.getOrDefault("exact", Double.NaN), 1e-9);
    assertEquals(100 * (3 + 2 / 3.0) / 6, scores.getOrDefault("f1", Double.NaN), 1e-9);
    assertEquals(100 * 2 / 4.0, scores.getOrDefault("HasAns_exact", Double.NaN), 1e-9);
    assertEquals(100 * (2 + 2 / 3.0) / 4, scores.getOrDefault("HasAns_f1", Double.NaN), 1e-9);
    assertEquals(4, scores.getOrDefault("HasAns_total", Double.NaN));
    assertEquals(50, scores.getOrDefault("NoAns_exact", Double.NaN), 1e-9);
    assertEquals(50, scores.getOrDefault("NoAns_f1", Double.NaN), 1e-9);
    assertEquals(2, scores.getOrDefault("NoAns_total", Double.NaN));
    // from 2 unanswerable: the 3, cat 4, fish 3, big dog 3 (exact) or 3.67 (F1), bird, cow
    assertEquals(100 * 4 / 6.0, scores.getOrDefault("best_exact", Double.NaN), 1e-9);
    assertEquals(-3, scores.getOrDefault("best_exact_thresh", Double.NaN));
    assertEquals(100 * 4 / 6.0, scores.getOrDefault("best_f1", Double.NaN), 1e-9);
    assertEquals(-3, scores.getOrDefault("best_f1_thresh", Double.NaN));
  }

  @Test
  void theTunedThresholdHasTheBestF1() {
    List<AnsweredQuestion> answers =
        List.of(
            answer("cat", -3, "cat"),
            answer("fish", -2),
            answer("bird", 2, "bird"),
            answer("dog", 2.5, "dog"),
            answer("cow", 4));
    double threshold = SquadScores.tunedThreshold(answers);
    assertEquals(3.25, threshold, 1e-9);
    assertEquals(
        80.0, SquadScores.version2(answers, threshold).getOrDefault("f1", Double.NaN), 1e-9);
    assertEquals(-3.0, SquadScores.tunedThreshold(answers.subList(1, 2)), 1e-9); // answer nothing
  }
}
