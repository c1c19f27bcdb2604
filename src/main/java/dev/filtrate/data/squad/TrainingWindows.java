package dev.filtrate.data.squad;

import dev.filtrate.base.Check;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.squad.Question.Answer;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.data.tokenize.Window;
import dev.filtrate.data.tokenize.WindowTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Questions to learn from: windows with the first and the last token of the answer. Of several
 * answers the first one counts, as released. A window that does not hold all of the answer, and
 * every window of a question without one, has the first token ({@code [CLS]}) as both.
 */
public final class TrainingWindows {
  private final Encoded.Builder windows = new Encoded.Builder();
  private int size;
  private int[] starts = new int[1024];
  private int[] ends = new int[1024];
  private int misplaced;
  private int empty;
  private int tooLong;
  private @Nullable String example;
  private final int questions;

  private TrainingWindows(int questions) {
    this.questions = questions;
  }

  /**
   * What came of the questions.
   *
   * @param windows with their positions
   * @param notes what was left out and why, a sentence each
   */
  public record Made(EncodedExamples windows, List<String> notes) {
    /** Copies the list. */
    public Made {
      notes = List.copyOf(notes);
    }
  }

  /**
   * Encodes questions.
   *
   * @param where their file, for notes and errors
   */
  public static Made of(
      String where, List<Question> questions, Tokenizer tokenizer, SquadSettings settings) {
    TrainingWindows made = new TrainingWindows(questions.size());
    try (WindowTokenizer library = tokenizer.windows(settings.docStride())) {
      library.encode(
          questions.stream().map(Question::question).toList(),
          questions.stream().map(Question::context).toList(),
          (index, windows) -> made.add(questions.get(index), windows));
    }
    made.check(where);
    return new Made(made.examples(tokenizer.padId()), made.notes(where));
  }

  private void add(Question question, List<Window> made) {
    if (question.context().isBlank()) {
      empty++;
      return;
    }
    if (made.isEmpty()) {
      tooLong++;
      return;
    }
    int from = 0;
    int to = 0;
    if (question.isAnswerable()) {
      Answer answer = question.answers().get(0);
      if (answer.text().isEmpty()
          || !new CodePoints(question.context()).holds(answer.text(), answer.start())) {
        misplaced++;
        example = example == null ? question.id() : example;
        return;
      }
      from = answer.start();
      to = from + answer.text().codePointCount(0, answer.text().length());
    }
    for (Window window : made) {
      int[] span = to > from ? span(window, from, to) : new int[] {0, 0};
      label(window, span[0], span[1]);
    }
  }

  /** The tokens of an answer from one code point to before another; {0, 0} if not all are here. */
  static int[] span(Window window, int from, int to) {
    int first = 0;
    while (first < window.length() && window.start(first) < 0) {
      first++;
    }
    int last = window.length() - 1;
    while (last >= first && window.start(last) < 0) {
      last--;
    }
    if (last < first || window.start(first) > from || window.end(last) < to) {
      return new int[] {0, 0};
    }
    while (first < last && window.start(first + 1) <= from) {
      first++;
    }
    while (last > first && window.end(last - 1) >= to) {
      last--;
    }
    return new int[] {first, last};
  }

  private void label(Window window, int start, int end) {
    if (size == starts.length) {
      starts = Arrays.copyOf(starts, 2 * size);
      ends = Arrays.copyOf(ends, 2 * size);
    }
    starts[size] = start;
    ends[size++] = end;
    window.addTo(windows);
  }

  private void check(String where) {
    Check.user(
        2 * misplaced <= questions,
        "%s: %d of %d answers do not stand in their context at answer_start (first: question"
            + " \"%s\"), which counts code points from 0",
        where,
        misplaced,
        questions,
        example);
    Check.user(
        size > 0,
        "%s: none of %d questions can be learnt from: %s",
        where,
        questions,
        String.join("; ", notes(where)));
  }

  private EncodedExamples examples(int padId) {
    return EncodedExamples.ofSpans(
        windows.build(), Arrays.copyOf(starts, size), Arrays.copyOf(ends, size), padId);
  }

  private List<String> notes(String where) {
    List<String> notes = new ArrayList<>();
    note(
        notes,
        where,
        misplaced,
        "whose answer does not stand in the context (first: " + example + ")");
    note(notes, where, empty, "without a context");
    note(notes, where, tooLong, "too long for max_seq_length and doc_stride");
    return notes;
  }

  private static void note(List<String> notes, String where, int count, String why) {
    if (count > 0) {
      notes.add(
          "%s: left out %,d question%s %s".formatted(where, count, count == 1 ? "" : "s", why));
    }
  }
}
