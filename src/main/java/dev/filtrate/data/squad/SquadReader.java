package dev.filtrate.data.squad;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.Excerpt;
import dev.filtrate.base.UserError;
import dev.filtrate.data.squad.Question.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads SQuAD's JSON: {@code data[].paragraphs[]} with a {@code context} and {@code qas[]} of
 * {@code id}, {@code question} and {@code answers[]} of {@code text} and {@code answer_start}. An
 * article at a time, so that large files need little memory.
 */
public final class SquadReader {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** Where no answer stands. */
  private static final int NOWHERE = -1;

  private final Path file;
  private final List<Question> questions = new ArrayList<>();
  private final Set<String> ids = new HashSet<>();

  private SquadReader(Path file) {
    this.file = file;
  }

  /** The questions of a file, in its order; what is wrong with it is a {@link UserError}. */
  public static List<Question> read(Path file) {
    Check.user(Files.exists(file), "%s: no such file", file);
    Check.user(!Files.isDirectory(file), "%s: expected a file, found a folder", file);
    SquadReader reader = new SquadReader(file);
    try (JsonParser parser = JSON.createParser(file.toFile())) {
      reader.top(parser);
    } catch (JsonProcessingException e) {
      throw new UserError(
          "%s:%d: is no JSON: %s"
              .formatted(
                  file,
                  e.getLocation() == null ? 1 : e.getLocation().getLineNr(),
                  e.getOriginalMessage().lines().findFirst().orElse("")),
          e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
    Check.user(!reader.questions.isEmpty(), "%s: holds no questions", file);
    return reader.questions;
  }

  private void top(JsonParser parser) throws IOException {
    boolean object = parser.nextToken() == JsonToken.START_OBJECT;
    boolean found = false;
    while (object && parser.nextToken() == JsonToken.FIELD_NAME) {
      boolean data = parser.currentName().equals("data");
      JsonToken value = parser.nextToken();
      if (data && value == JsonToken.START_ARRAY) {
        found = true;
        for (int i = 0; parser.nextToken() != JsonToken.END_ARRAY; i++) {
          JsonNode article = JSON.readTree(parser);
          article("data[" + i + "]", article);
        }
      } else {
        parser.skipChildren();
      }
    }
    Check.user(
        found, "%s: expected SQuAD's JSON, an object with a list under 'data', found none", file);
  }

  private void article(String where, JsonNode article) {
    JsonNode paragraphs = list(where, article, "paragraphs");
    for (int i = 0; i < paragraphs.size(); i++) {
      String place = where + ".paragraphs[" + i + "]";
      String context = text(place, paragraphs.get(i), "context");
      JsonNode asked = list(place, paragraphs.get(i), "qas");
      for (int j = 0; j < asked.size(); j++) {
        question(place + ".qas[" + j + "]", asked.get(j), context);
      }
    }
  }

  private void question(String where, JsonNode asked, String context) {
    String id = text(where, asked, "id");
    Check.user(ids.add(id), "%s: %s: the id \"%s\" is there twice", file, where, id);
    String question = text(where, asked, "question").stripLeading();
    Check.user(!question.isEmpty(), "%s: %s: the question \"%s\" is empty", file, where, id);
    List<Answer> answers = new ArrayList<>();
    if (asked.hasNonNull("answers")) {
      JsonNode marked = list(where, asked, "answers");
      for (int i = 0; i < marked.size(); i++) {
        String place = where + ".answers[" + i + "]";
        JsonNode start = marked.get(i).path("answer_start");
        require(start.isIntegralNumber(), place, "a whole number", "answer_start", start);
        int at = start.canConvertToInt() ? start.intValue() : NOWHERE;
        answers.add(new Answer(text(place, marked.get(i), "text"), at));
      }
    }
    questions.add(new Question(id, question, context, answers));
  }

  private JsonNode list(String where, JsonNode object, String key) {
    JsonNode value = object.path(key);
    require(value.isArray(), where, "a list", key, value);
    return value;
  }

  private String text(String where, JsonNode object, String key) {
    JsonNode value = object.path(key);
    require(value.isTextual(), where, "a text", key, value);
    return value.textValue();
  }

  private void require(boolean holds, String where, String what, String key, JsonNode found) {
    Check.user(
        holds, "%s: %s: expected %s under '%s', got %s", file, where, what, key, kind(found));
  }

  private static String kind(JsonNode value) {
    return value.isMissingNode()
        ? "nothing"
        : value.isContainerNode() ? "a list or an object" : Excerpt.of(value.toString());
  }
}
