package dev.filtrate.data.squad;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Shared;
import dev.filtrate.base.UserError;
import dev.filtrate.data.squad.Question.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SquadReaderTest {
  @TempDir Path folder;

  private Path write(String text) {
    try {
      return Files.writeString(folder.resolve("squad.json"), text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private Path paragraph(String paragraph) {
    return write("{\"version\": \"1\", \"data\": [{\"paragraphs\": [" + paragraph + "]}]}");
  }

  @Test
  void questionsAreReadWithTheirAnswers() {
    Path file =
        paragraph(
            """
            {"context": "\uD83D\uDE00 b", "qas": [
              {"id": "1", "question": "  what? ", "answers": [{"text": "b", "answer_start": 2}]},
              {"id": "2", "question": "and?", "answers": [], "is_impossible": true},
              {"id": "3", "question": "so?"}]}
            """);
    assertEquals(
        List.of(
            new Question("1", "what? ", "\uD83D\uDE00 b", List.of(new Answer("b", 2))),
            new Question("2", "and?", "\uD83D\uDE00 b", List.of()),
            new Question("3", "so?", "\uD83D\uDE00 b", List.of())),
        SquadReader.read(file));
  }

  @Test
  void whatIsWrongWithAFileIsSaidWithItsPlace() {
    String place = ": data[0].paragraphs[0]";
    error(folder.resolve("no.json"), ": no such file");
    error(folder, ": expected a file, found a folder");
    error(
        write("[1, 2]"), ": expected SQuAD's JSON, an object with a list under 'data', found none");
    error(write("{\"data\": []}"), ": holds no questions");
    assertTrue(message(write("{\"data\": [\n{]}")).startsWith(folder.resolve("squad.json") + ":2"));
    error(paragraph("{\"qas\": []}"), place + ": expected a text under 'context', got nothing");
    error(
        paragraph("{\"context\": \"c\", \"qas\": 3}"),
        place + ": expected a list under 'qas', got 3");
    error(
        paragraph("{\"context\": \"c\", \"qas\": [{\"id\": 7, \"question\": \"q\"}]}"),
        place + ".qas[0]: expected a text under 'id', got 7");
    error(
        paragraph("{\"context\": \"c\", \"qas\": [{\"id\": \"7\", \"question\": \" \"}]}"),
        place + ".qas[0]: the question \"7\" is empty");
    String twice = "{\"id\": \"7\", \"question\": \"q\"}";
    error(
        paragraph("{\"context\": \"c\", \"qas\": [" + twice + ", " + twice + "]}"),
        place + ".qas[1]: the id \"7\" is there twice");
    error(
        paragraph(
            "{\"context\": \"c\", \"qas\": [{\"id\": \"7\", \"question\": \"q\", \"answers\":"
                + " [{\"text\": \"c\", \"answer_start\": \"0\"}]}]}"),
        place + ".qas[0].answers[0]: expected a whole number under 'answer_start', got \"0\"");
  }

  @Test
  void aPositionBeyondAllTextsIsInNone() {
    String answers = "[{\"text\": \"c\", \"answer_start\": 4294967296}]";
    Path file =
        paragraph(
            "{\"context\": \"c\", \"qas\": [{\"id\": \"7\", \"question\": \"q\", \"answers\": "
                + answers
                + "}]}");
    assertEquals(List.of(new Answer("c", -1)), SquadReader.read(file).get(0).answers());
  }

  private static void error(Path file, String rest) {
    assertEquals(file + rest, message(file));
  }

  private static String message(Path file) {
    return String.valueOf(assertThrows(UserError.class, () -> SquadReader.read(file)).getMessage());
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "dev-v1.1.json, 10570, 34726, 0",
    "train-v1.1.subset.json, 11877, 11877, 0",
    "dev-v2.0.cs224n.json, 6078, -1, 3168",
    "train-v2.0.subset.json, 4719, 4371, 348"
  })
  void theRealFilesHaveAsManyQuestionsAsTheirReadmeSaysAndTheirAnswersStandInTheContexts(
      String name, int questions, int answers, int open) {
    List<Question> all = SquadReader.read(Shared.path("datasets/SQuAD/" + name));
    assertEquals(questions, all.size());
    assertEquals(open, all.stream().filter(question -> !question.isAnswerable()).count());
    int count = 0;
    for (Question question : all) {
      CodePoints context = new CodePoints(question.context());
      for (Answer answer : question.answers()) {
        assertTrue(context.holds(answer.text(), answer.start()), question::id);
        count++;
      }
    }
    if (answers >= 0) {
      assertEquals(answers, count);
    }
  }
}
