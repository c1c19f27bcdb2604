package dev.filtrate.data.squad;

import dev.filtrate.data.squad.AnsweredQuestion.Candidate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * From the logits of a question's windows to its answer, as the released code does it: in each
 * window the {@code n_best_size} best starts and ends are tried together; an answer lies in the
 * context, does not end before it starts and is not too long; its score is the sum of both logits.
 * "No answer" scores what the first token has, in the window where that is least.
 *
 * <p>Two accidents of the release are not repeated: padding is not among the starts and ends that
 * are tried (there it takes the places of others, depending on which windows share a batch), and a
 * question without any candidate is answered with nothing, not with the word "empty".
 */
final class SpanAnswers {
  private final EncodedQuestions questions;
  private final SquadSettings settings;

  /** An answer that is possible, by its place in the context; {@code end} 0: no answer. */
  private record Span(int start, int end, float startLogit, float endLogit) {
    float score() {
      return startLogit + endLogit;
    }

    boolean isNull() {
      return start == 0 && end == 0;
    }
  }

  SpanAnswers(EncodedQuestions questions, SquadSettings settings) {
    this.questions = questions;
    this.settings = settings;
  }

  /**
   * The answer to a question.
   *
   * @param windows the first of its windows, and the first that is not
   * @param starts the start logits of every window, without padding
   * @param ends the end logits
   */
  AnsweredQuestion answer(int question, int[] windows, float[][] starts, float[][] ends) {
    Question asked = questions.questions().get(question);
    List<Span> spans = new ArrayList<>();
    Span none = null;
    for (int window = windows[0]; window < windows[1]; window++) {
      Span here = new Span(0, 0, starts[window][0], ends[window][0]);
      none = none == null || here.score() < none.score() ? here : none;
      collect(window, starts[window], ends[window], spans);
    }
    if (none == null) { // no windows: nothing can be found
      return new AnsweredQuestion(asked, List.of(new Candidate("", 0, 0, 1)), 0, "");
    }
    if (settings.version2WithNegative()) {
      spans.add(none);
    }
    spans.sort(Comparator.comparing(Span::score).reversed()); // stable
    List<Span> best = new ArrayList<>(spans.subList(0, Math.min(size(), spans.size())));
    if (settings.version2WithNegative() && best.stream().noneMatch(Span::isNull)) {
      best.add(none);
    }
    return answered(asked, best, none);
  }

  private int size() {
    return settings.nBestSize();
  }

  private void collect(int window, float[] starts, float[] ends, List<Span> spans) {
    int[] bestEnds = best(ends);
    for (int start : best(starts)) {
      for (int end : bestEnds) {
        boolean inContext =
            questions.start(window, start) >= 0 && questions.start(window, end) >= 0;
        if (inContext && start <= end && end - start < settings.maxAnswerLength()) {
          spans.add(
              new Span(
                  questions.start(window, start),
                  questions.end(window, end),
                  starts[start],
                  ends[end]));
        }
      }
    }
  }

  /** The places of the largest logits, the largest first. */
  private int[] best(float[] logits) {
    return IntStream.range(0, logits.length)
        .boxed()
        .sorted(Comparator.comparing((Integer i) -> logits[i]).reversed())
        .limit(size())
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static AnsweredQuestion answered(Question asked, List<Span> best, Span none) {
    CodePoints context = new CodePoints(asked.context());
    double largest = best.isEmpty() ? 0 : best.get(0).score();
    double sum = best.stream().mapToDouble(span -> Math.exp(span.score() - largest)).sum();
    List<Candidate> candidates = new ArrayList<>();
    Candidate found = null;
    for (Span span : best) {
      Candidate candidate =
          new Candidate(
              context.slice(span.start(), span.end()),
              span.startLogit(),
              span.endLogit(),
              Math.exp(span.score() - largest) / sum);
      candidates.add(candidate);
      found = found == null && !candidate.text().isEmpty() ? candidate : found;
    }
    if (candidates.isEmpty()) {
      candidates.add(new Candidate("", none.startLogit(), none.endLogit(), 1));
    }
    float answer = found == null ? 0 : found.startLogit() + found.endLogit();
    return new AnsweredQuestion(
        asked, candidates, none.score() - answer, found == null ? "" : found.text());
  }
}
