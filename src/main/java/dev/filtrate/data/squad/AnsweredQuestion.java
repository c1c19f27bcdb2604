package dev.filtrate.data.squad;

import java.util.List;

/**
 * What a model answers to a question.
 *
 * @param question the question
 * @param candidates the best answers, the likeliest first; at least one
 * @param nullOdds by how much "no answer" scores higher than the best answer that is one
 * @param best the best answer that is one; empty where no part of the text qualifies
 */
public record AnsweredQuestion(
    Question question, List<Candidate> candidates, double nullOdds, String best) {
  /**
   * A possible answer.
   *
   * @param text part of the context; empty: no answer
   * @param startLogit of its first token
   * @param endLogit of its last token
   * @param probability among all candidates of the question
   */
  public record Candidate(String text, float startLogit, float endLogit, double probability) {}

  /** Copies the list. */
  public AnsweredQuestion {
    candidates = List.copyOf(candidates);
  }

  /**
   * The answer that counts.
   *
   * @param mayBeNone whether "no answer" is one
   * @param threshold a question is not answered if its odds are higher
   */
  public String text(boolean mayBeNone, double threshold) {
    return mayBeNone && nullOdds > threshold ? "" : best;
  }
}
