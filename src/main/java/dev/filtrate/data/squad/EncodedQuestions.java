package dev.filtrate.data.squad;

import dev.filtrate.base.Check;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.data.tokenize.Window;
import dev.filtrate.data.tokenize.WindowTokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Questions to be answered: their windows, and where in the contexts the tokens are from. */
public final class EncodedQuestions {
  private final List<Question> questions;
  private final List<Window> windows = new ArrayList<>();

  /** The first window of every question, and at the end the number of windows. */
  private final int[] first;

  private final EncodedExamples examples;

  /** A question must have fewer tokens. */
  private final int room;

  /**
   * Encodes questions. Those without a context, and those that are themselves so long that a window
   * has no room for more, have no windows.
   */
  public EncodedQuestions(List<Question> questions, Tokenizer tokenizer, SquadSettings settings) {
    this.questions = List.copyOf(questions);
    this.first = new int[questions.size() + 1];
    try (WindowTokenizer library = tokenizer.windows(settings.docStride())) {
      this.room = library.room();
      library.encode(
          questions.stream().map(Question::question).toList(),
          questions.stream().map(Question::context).toList(),
          (index, made) -> {
            boolean empty = questions.get(index).context().isBlank();
            windows.addAll(empty ? List.of() : made);
            first[index + 1] = windows.size();
          });
    }
    Encoded.Builder encoded = new Encoded.Builder(windows.size());
    windows.forEach(window -> window.addTo(encoded));
    this.examples =
        EncodedExamples.ofSpans(
            encoded.build(), new int[windows.size()], new int[windows.size()], tokenizer.padId());
  }

  /**
   * These questions, of which one has a window at least, or else a {@link
   * dev.filtrate.base.UserError}.
   *
   * @param where their file
   */
  public EncodedQuestions requireWindows(String where) {
    Check.user(
        !windows.isEmpty(),
        "%s: none of %d questions fits: expected a context, and a question of fewer than %d tokens;"
            + " a lower doc_stride leaves more room",
        where,
        questions.size(),
        room);
    return this;
  }

  /** The questions, in their order. */
  public List<Question> questions() {
    return questions;
  }

  /** The windows of all questions, one after the other. */
  public EncodedExamples windows() {
    return examples;
  }

  /**
   * How many questions have no window and are answered with nothing, as a sentence; none if all
   * have.
   *
   * @param where their file
   */
  public Optional<String> note(String where) {
    int count = 0;
    for (int i = 0; i < questions.size(); i++) {
      count += first[i] == first[i + 1] ? 1 : 0;
    }
    return count == 0
        ? Optional.empty()
        : Optional.of(
            "%s: %,d question%s without a context, or too long for max_seq_length and doc_stride:"
                    .formatted(where, count, count == 1 ? "" : "s")
                + " answered with nothing");
  }

  /** Where a token begins in the context, in code points; -1 if it is not of the context. */
  int start(int window, int token) {
    return windows.get(window).start(token);
  }

  /** Where a token ends in the context. */
  int end(int window, int token) {
    return windows.get(window).end(token);
  }

  /**
   * The answers that a model gives.
   *
   * @param starts the start logits of every window, without padding
   * @param ends the end logits
   */
  public List<AnsweredQuestion> answers(float[][] starts, float[][] ends, SquadSettings settings) {
    SpanAnswers spans = new SpanAnswers(this, settings);
    List<AnsweredQuestion> answers = new ArrayList<>(questions.size());
    for (int i = 0; i < questions.size(); i++) {
      answers.add(spans.answer(i, new int[] {first[i], first[i + 1]}, starts, ends));
    }
    return answers;
  }
}
