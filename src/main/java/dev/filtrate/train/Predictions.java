package dev.filtrate.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import dev.filtrate.data.Metrics;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.squad.AnsweredQuestion;
import dev.filtrate.data.squad.Question;
import dev.filtrate.data.squad.SquadScores;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What models say to the validation examples, for people to look at: {@code validation.jsonl} has
 * the examples, {@code predictions/<model>.jsonl} a line for each of them in the same order.
 *
 * <p>Examples: {@code text}, {@code text_pair} where there is one, {@code label}: the class's name,
 * the names of those that apply, the score, or the marked answers; null for none. Predictions:
 * {@code prediction} in the same form (an answer is one text) and {@code logits} by class, or an
 * answer's {@code exact} and {@code f1} from 0 to 1 and its {@code probability}.
 */
final class Predictions {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private Predictions() {}

  /** Writes the validation examples. */
  static void writeExamples(Path file, RunData data) {
    List<ObjectNode> lines = new ArrayList<>();
    if (data.questions().isPresent()) {
      for (Question question : data.questions().get().questions()) {
        ObjectNode line =
            NODES
                .objectNode()
                .put("text", question.question())
                .put("text_pair", question.context());
        ArrayNode answers = line.putArray("label");
        question.answers().stream().map(Question.Answer::text).distinct().forEach(answers::add);
        lines.add(line);
      }
    } else {
      data.examples().forEach(example -> lines.add(line(example, data.labels().orElseThrow())));
    }
    write(file, lines);
  }

  private static ObjectNode line(Example example, Labels labels) {
    ObjectNode line = NODES.objectNode().put("text", example.sentence1());
    if (example.sentence2() != null) {
      line.put("text_pair", example.sentence2());
    }
    if (!example.labelled(labels.problemType())) {
      return line.putNull("label");
    }
    switch (labels.problemType()) {
      case SINGLE_LABEL_CLASSIFICATION ->
          line.put("label", labels.names().get((int) example.label()));
      case REGRESSION -> line.put("label", example.label());
      case MULTI_LABEL_CLASSIFICATION -> {
        ArrayNode applying = line.putArray("label");
        for (int id = 0; id < labels.count(); id++) {
          if (example.targets().get(id) == 1) {
            applying.add(labels.names().get(id));
          }
        }
      }
    }
    return line;
  }

  /** Writes what a model says. */
  static void write(Path file, Evaluator.Answering model, RunData data, int batchSize) {
    Evaluator evaluator = data.evaluator(batchSize);
    write(
        file,
        evaluator instanceof SpanEvaluator spans
            ? answers(spans, model)
            : classes((LabelEvaluator) evaluator, model, data.labels().orElseThrow()));
  }

  private static List<ObjectNode> answers(SpanEvaluator evaluator, Evaluator.Answering model) {
    List<ObjectNode> lines = new ArrayList<>();
    List<AnsweredQuestion> answers = evaluator.answers(model);
    boolean mayBeNone = evaluator.mayBeNone();
    double threshold = evaluator.threshold(answers);
    for (AnsweredQuestion answer : answers) {
      String text = answer.text(mayBeNone, threshold);
      SquadScores.Score score =
          mayBeNone
              ? SquadScores.version2(answer.question(), text)
              : SquadScores.version1(answer.question(), text);
      lines.add(
          NODES
              .objectNode()
              .put("prediction", text)
              .put("exact", score.exact())
              .put("f1", score.f1())
              .put("probability", probability(answer, text)));
    }
    return lines;
  }

  private static double probability(AnsweredQuestion answer, String text) {
    return answer.candidates().stream()
        .filter(candidate -> candidate.text().equals(text))
        .mapToDouble(AnsweredQuestion.Candidate::probability)
        .max()
        .orElse(0);
  }

  private static List<ObjectNode> classes(
      LabelEvaluator evaluator, Evaluator.Answering model, Labels labels) {
    float[] logits = evaluator.logits(model);
    int width = labels.count();
    List<ObjectNode> lines = new ArrayList<>();
    for (int start = 0; start < logits.length; start += width) {
      lines.add(line(logits, start, labels));
    }
    return lines;
  }

  private static ObjectNode line(float[] logits, int start, Labels labels) {
    ObjectNode line = NODES.objectNode();
    if (labels.problemType() == ProblemType.REGRESSION) {
      return line.put("prediction", logits[start]);
    }
    List<String> names = labels.names();
    if (labels.problemType() == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
      line.put("prediction", names.get(Metrics.argmax(logits, start, names.size())));
    } else {
      ArrayNode given = line.putArray("prediction");
      for (int id = 0; id < names.size(); id++) {
        if (logits[start + id] > 0) {
          given.add(names.get(id));
        }
      }
    }
    ObjectNode byClass = line.putObject("logits");
    for (int id = 0; id < names.size(); id++) {
      byClass.put(names.get(id), logits[start + id]);
    }
    return line;
  }

  private static void write(Path file, List<ObjectNode> lines) {
    AtomicFiles.writeStream(
        file,
        out -> {
          for (ObjectNode line : lines) {
            out.write(json(line).getBytes(StandardCharsets.UTF_8));
            out.write('\n');
          }
        });
  }

  private static String json(ObjectNode line) throws JsonProcessingException {
    return JSON.writeValueAsString(line);
  }
}
