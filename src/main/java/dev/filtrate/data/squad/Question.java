package dev.filtrate.data.squad;

import java.util.List;

/**
 * A question about a text.
 *
 * @param id its name, different from all others of its file
 * @param question what is asked, without space before it
 * @param context the text that may hold the answer
 * @param answers what people marked; none: the text does not answer it
 */
public record Question(String id, String question, String context, List<Answer> answers) {
  /**
   * A marked answer.
   *
   * @param text as it stands in the context
   * @param start where it begins there, counted in code points
   */
  public record Answer(String text, int start) {}

  /** Copies the list. */
  public Question {
    answers = List.copyOf(answers);
  }

  /** Whether the text answers it. */
  public boolean isAnswerable() {
    return !answers.isEmpty();
  }
}
