package dev.filtrate.data.squad;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Shared;
import dev.filtrate.base.UserError;
import dev.filtrate.data.squad.AnsweredQuestion.Candidate;
import dev.filtrate.data.squad.Question.Answer;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.data.tokenize.Window;
import dev.filtrate.data.tokenize.WindowTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Windows, positions of answers and answers out of logits; tokens are words of one letter. */
@Tag("tokenizers")
class SpansTest {
  private static final String EMOJI = "\uD83D\uDE00";
  private static final String GOTHIC = "\uD800\uDF48\uD800\uDF49";

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    Files.write(
        folder.resolve("vocab.txt"),
        List.of(
            "[PAD]", "[UNK]", "[CLS]", "[SEP]", "q", "a", "b", "c", "d", "e", "f", "g", EMOJI,
            GOTHIC));
  }

  private static SquadSettings settings(boolean version2, int stride, int best, int longest) {
    return new SquadSettings(version2, stride, best, longest, 0, false);
  }

  private static Question question(String context, Answer... answers) {
    return new Question("1", "q q", context, List.of(answers));
  }

  @Test
  void aLongTextIsCutIntoWindowsThatShareTokens() {
    try (Tokenizer tokenizer = Tokenizer.read(folder, 9);
        WindowTokenizer windows = tokenizer.windows(2)) {
      List<List<Window>> made = new ArrayList<>();
      windows.encode(
          List.of("q q", "q", "q q q q q"),
          List.of(EMOJI + " b c " + GOTHIC + "e f g", "a", "a"),
          (i, w) -> made.add(w));
      assertEquals(2, made.get(0).size()); // room for 4 of 6 tokens
      assertEquals(1, made.get(1).size());
      assertEquals(0, made.get(2).size()); // 5 + 3 + 2 tokens and one more are too many
      Encoded.Builder encoded = new Encoded.Builder();
      made.get(0).forEach(w -> w.addTo(encoded));
      Encoded ids = encoded.build();
      assertArrayEquals(new int[] {2, 4, 4, 3, 12, 6, 7, 1, 3}, ids.ids(0));
      assertArrayEquals(new int[] {0, 0, 0, 0, 1, 1, 1, 1, 1}, ids.types(0));
      assertArrayEquals(new int[] {2, 4, 4, 3, 7, 1, 10, 11, 3}, ids.ids(1));
      Window first = made.get(0).get(0);
      assertEquals(-1, first.start(0));
      assertEquals(-1, first.start(8));
      assertEquals(0, first.start(4));
      assertEquals(1, first.end(4)); // code points
      assertEquals(2, first.start(5));
    }
  }

  @Test
  void answersAreFoundBehindCharactersOutsideTheBasicPlane() {
    String context = EMOJI + " " + GOTHIC + " a b c d";
    try (Tokenizer tokenizer = Tokenizer.read(folder, 16);
        WindowTokenizer windows = tokenizer.windows(2)) {
      windows.encode(
          List.of("q q"),
          List.of(context),
          (i, made) -> {
            Window window = made.get(0);
            assertArrayEquals(new int[] {7, 8}, TrainingWindows.span(window, 7, 10)); // "b c"
            assertArrayEquals(new int[] {4, 4}, TrainingWindows.span(window, 0, 1));
            assertArrayEquals(new int[] {5, 5}, TrainingWindows.span(window, 2, 4));
            assertArrayEquals(new int[] {9, 9}, TrainingWindows.span(window, 11, 12)); // the last
            assertArrayEquals(new int[] {0, 0}, TrainingWindows.span(window, 11, 13)); // not here
          });
    }
    assertEquals("b c", new CodePoints(context).slice(7, 10));
    assertTrue(new CodePoints(context).holds("b c", 7));
    assertEquals(12, new CodePoints(context).length());
  }

  @Test
  void theBestStartAndEndInOneWindowAreTheAnswer() {
    Question asked = question(EMOJI + " a b c d e f g", new Answer("b c", 4));
    try (Tokenizer tokenizer = Tokenizer.read(folder, 9)) {
      SquadSettings settings = settings(true, 2, 3, 2);
      EncodedQuestions questions = new EncodedQuestions(List.of(asked), tokenizer, settings);
      assertEquals(3, questions.windows().size());
      float[][] starts = new float[3][9];
      float[][] ends = new float[3][9];
      starts[0][0] = 4; // "none" scores 4, 3 and 5: the least counts
      starts[1][0] = 3;
      starts[2][0] = 5;
      starts[0][1] = 9; // of the question: no answer
      starts[0][6] = 2; // b
      ends[0][7] = 1.5f; // c
      starts[1][4] = 2.5f; // b in the next window
      ends[1][7] = 8; // e: too far
      ends[1][3] = 7; // before the start
      AnsweredQuestion answer = questions.answers(starts, ends, settings).get(0);
      assertEquals("b c", answer.best());
      assertEquals(3 - 3.5, answer.nullOdds(), 1e-6);
      assertEquals("b c", answer.text(true, 0));
      assertEquals("", answer.text(true, -1));
      assertEquals("b c", answer.text(false, -1));
      assertEquals(2, answer.candidates().size()); // "none" among them
      assertEquals(List.of("b c", ""), answer.candidates().stream().map(Candidate::text).toList());
      assertEquals(1, answer.candidates().stream().mapToDouble(Candidate::probability).sum(), 1e-9);
    }
  }

  @Test
  void aQuestionWithoutAWindowIsAnsweredWithNothing() {
    try (Tokenizer tokenizer = Tokenizer.read(folder, 9)) {
      SquadSettings settings = settings(true, 2, 3, 2);
      List<Question> asked =
          List.of(
              new Question("empty", "q", " ", List.of()),
              new Question("long", "q q q q q", "a", List.of()),
              new Question("fits", "q", "a", List.of()));
      EncodedQuestions questions = new EncodedQuestions(asked, tokenizer, settings);
      assertEquals(
          "dev.json: 2 questions without a context, or too long for max_seq_length and doc_stride:"
              + " answered with nothing",
          questions.note("dev.json").orElse(""));
      float[][] logits = {{0, 0, 0, 1, 0}};
      List<AnsweredQuestion> answers = questions.answers(logits, logits, settings);
      assertEquals(List.of("", "", "a"), answers.stream().map(AnsweredQuestion::best).toList());
      EncodedQuestions few = new EncodedQuestions(asked.subList(0, 2), tokenizer, settings);
      float[][] nothing = {};
      assertEquals("", few.answers(nothing, nothing, settings).get(1).best());
      UserError none = assertThrows(UserError.class, () -> few.requireWindows("dev.json"));
      assertEquals(
          "dev.json: none of 2 questions fits: expected a context, and a question of fewer than 4"
              + " tokens; a lower doc_stride leaves more room",
          none.getMessage());
    }
  }

  @Test
  void whatCannotBeLearntFromIsLeftOutAndCounted() {
    try (Tokenizer tokenizer = Tokenizer.read(folder, 9)) {
      List<Question> questions =
          List.of(
              new Question("1", "q", "a b", List.of(new Answer("b", 2))),
              new Question("2", "q", "a b", List.of(new Answer("b", 1))),
              new Question("3", "q", "a b", List.of(new Answer("b", -1))),
              new Question("4", "q", "", List.of()),
              new Question("5", "q q q q q q q", "a", List.of()),
              new Question("6", "q", "a b c d e f g", List.of(new Answer("g", 12))));
      TrainingWindows.Made made =
          TrainingWindows.of("train.json", questions, tokenizer, settings(true, 2, 3, 2));
      assertEquals(
          List.of(
              "train.json: left out 2 questions whose answer does not stand in the context (first:"
                  + " 2)",
              "train.json: left out 1 question without a context",
              "train.json: left out 1 question too long for max_seq_length and doc_stride"),
          made.notes());
      assertEquals(3, made.windows().size()); // the last one's text has two
    }
  }

  @Test
  void inRealDataEveryAnswerIsWhatItsTokensCover() {
    Path data = Shared.path("datasets/SQuAD/dev-v2.0.cs224n.json");
    Path model = Shared.path("datasets/tokenizers/deberta-v3-base");
    String before = EMOJI + " \uFDFA\u00BD\uFB01 " + GOTHIC + " e\u0301 ";
    int shift = before.codePointCount(0, before.length());
    List<Question> all =
        SquadReader.read(data).stream().filter(Question::isAnswerable).limit(300).toList();
    int[] found = new int[1];
    try (Tokenizer tokenizer = Tokenizer.read(model, 128);
        WindowTokenizer windows = tokenizer.windows(48)) {
      windows.encode(
          all.stream().map(Question::question).toList(),
          all.stream().map(question -> before + question.context()).toList(),
          (i, made) -> {
            Answer answer = all.get(i).answers().get(0);
            CodePoints context = new CodePoints(before + all.get(i).context());
            int start = shift + answer.start();
            int end = start + answer.text().codePointCount(0, answer.text().length());
            for (Window window : made) {
              int[] span = TrainingWindows.span(window, start, end);
              if (span[0] > 0) {
                String covered = context.slice(window.start(span[0]), window.end(span[1]));
                assertTrue(covered.contains(answer.text()), covered + " / " + answer.text());
                found[0]++;
              }
            }
          });
    }
    assertTrue(found[0] >= 300, found[0] + " windows");
  }
}
