package handoff;

import ai.djl.huggingface.tokenizers.Encoding;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Whether every text gets the ids, logits and answers of a folder's {@code golden/}. */
final class GoldenCheck {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final JsonNode inputs;
  private final JsonNode precisions;
  private final Student.Spans spans;
  private boolean good = true;

  GoldenCheck(Path folder) throws IOException {
    this.folder = folder;
    inputs = JSON.readTree(folder.resolve("golden/inputs.json").toFile());
    precisions = JSON.readTree(folder.resolve("golden/outputs.json").toFile()).path("precisions");
    spans =
        new Student.Spans(
            inputs.path("max_answer_length").asInt(30),
            inputs.path("version_2_with_negative").asBoolean(),
            inputs.path("null_score_diff_threshold").asDouble());
  }

  boolean holds() throws Exception {
    for (Map.Entry<String, JsonNode> precision : precisions.properties()) {
      check(precision.getKey(), precision.getValue());
    }
    return good;
  }

  private void check(String precision, JsonNode expected) throws Exception {
    double tolerance = expected.path("tolerance").asDouble();
    double furthest = 0;
    int count = inputs.path("examples").size();
    try (Student student = new Student(folder, expected.path("file").asText())) {
      for (int i = 0; i < count; i++) {
        JsonNode example = inputs.path("examples").get(i);
        JsonNode wanted = expected.path("examples").get(i);
        String text = example.path("text").asText();
        String pair = example.has("text_pair") ? example.path("text_pair").asText() : null;
        Encoding encoding = student.encode(text, pair);
        student
            .feeds(encoding)
            .forEach((input, ids) -> compare(text, input, JSON.valueToTree(ids), example.path(input)));
        Map<String, float[]> logits = student.logits(encoding);
        for (Map.Entry<String, float[]> output : logits.entrySet()) {
          double apart = furthest(output.getValue(), wanted.path(output.getKey()));
          furthest = Math.max(furthest, apart);
          if (!(apart <= tolerance)) {
            compare(text, output.getKey(), JSON.valueToTree(output.getValue()), wanted);
          }
        }
        Student.Prediction prediction = student.decide(logits, encoding, pair, spans);
        if (wanted.has("labels")) {
          compare(text, "labels", JSON.valueToTree(prediction.labels()), wanted.path("labels"));
        }
        if (wanted.has("answer")) {
          compare(text, "answer", JSON.valueToTree(prediction.answer()), wanted.path("answer"));
        }
      }
    }
    System.out.printf(
        "%s: %d texts, logits differ by at most %.1e (allowed %.1e)%n",
        precision, count, furthest, tolerance);
  }

  private static double furthest(float[] row, JsonNode wanted) {
    double furthest = row.length == wanted.size() ? 0 : Double.POSITIVE_INFINITY;
    for (int i = 0; i < Math.min(row.length, wanted.size()); i++) {
      double apart = Math.abs(row[i] - wanted.get(i).asDouble());
      furthest = Math.max(furthest, Double.isNaN(apart) ? Double.POSITIVE_INFINITY : apart);
    }
    return furthest;
  }

  private void compare(String text, String what, JsonNode found, JsonNode wanted) {
    if (!texts(found).equals(texts(wanted))) {
      good = false;
      System.err.printf("\"%s\": %s: %s, expected %s%n", text, what, found, wanted);
    }
  }

  /** Numbers of other Java types are other JSON nodes. */
  private static List<String> texts(JsonNode node) {
    List<String> texts = new ArrayList<>();
    if (node.isArray()) {
      node.forEach(item -> texts.add(item.asText()));
    } else {
      texts.add(node.asText());
    }
    return texts;
  }
}
