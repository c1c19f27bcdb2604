package dev.filtrate.data.squad;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import java.nio.file.Path;
import java.util.List;

/**
 * Answers as the official scripts read them, under the released names: {@code
 * eval_predictions.json} (id to text), {@code eval_nbest_predictions.json} and, where a question
 * may have no answer, {@code eval_null_odds.json}.
 */
public final class PredictionFiles {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private PredictionFiles() {}

  /**
   * Writes the files into a folder, which is made if need be.
   *
   * @param mayBeNone whether "no answer" is an answer
   * @param threshold a question is not answered if its odds are higher
   */
  public static void write(
      Path folder, List<AnsweredQuestion> answers, boolean mayBeNone, double threshold) {
    ObjectNode predictions = JSON.createObjectNode();
    ObjectNode best = JSON.createObjectNode();
    ObjectNode odds = JSON.createObjectNode();
    for (AnsweredQuestion answer : answers) {
      String id = answer.question().id();
      predictions.put(id, answer.text(mayBeNone, threshold));
      odds.put(id, answer.nullOdds());
      ArrayNode candidates = best.putArray(id);
      for (AnsweredQuestion.Candidate candidate : answer.candidates()) {
        candidates
            .addObject()
            .put("start_logit", candidate.startLogit())
            .put("end_logit", candidate.endLogit())
            .put("text", candidate.text())
            .put("probability", candidate.probability());
      }
    }
    write(folder.resolve("eval_predictions.json"), predictions);
    write(folder.resolve("eval_nbest_predictions.json"), best);
    if (mayBeNone) {
      write(folder.resolve("eval_null_odds.json"), odds);
    }
  }

  private static void write(Path file, JsonNode json) {
    try {
      AtomicFiles.writeText(
          file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree that cannot be written", e);
    }
  }
}
