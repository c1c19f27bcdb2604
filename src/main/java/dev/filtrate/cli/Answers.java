package dev.filtrate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.cli.PredictCommand.Texts;
import dev.filtrate.data.squad.AnsweredQuestion;
import dev.filtrate.data.squad.Question;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.export.Prediction;
import dev.filtrate.export.Student;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.commons.csv.CSVFormat;

/** Prints what a student answers, a line each. */
final class Answers {
  private static final ObjectMapper JSON_LINES = new ObjectMapper();

  private final Student student;
  private final Form form;
  private final SquadSettings squad;
  private final Console console;
  private boolean headed;

  /** What lines look like. */
  enum Form {
    /** Answer, probability and text with tabs in between. */
    TEXT,
    /** An object. */
    JSON,
    /** Comma-separated values below a header, quoted as RFC 4180 has it. */
    CSV
  }

  /**
   * Answers of a student.
   *
   * @param squad how answers to questions are found
   */
  Answers(Student student, Form form, SquadSettings squad, Console console) {
    this.student = student;
    this.form = form;
    this.squad = squad;
    this.console = console;
  }

  /** Prints the answers to texts, pairs or questions. */
  void to(List<Texts> questions) {
    if (student.answersQuestions()) {
      ask(questions);
      return;
    }
    List<String> first = questions.stream().map(Texts::first).toList();
    List<String> second = new ArrayList<>();
    for (Texts question : questions) {
      String text = question.second();
      if (text != null) {
        second.add(text);
      }
    }
    List<Prediction> answers =
        second.isEmpty() ? student.classify(first) : student.classifyPairs(first, second);
    for (int i = 0; i < answers.size(); i++) {
      Texts question = questions.get(i);
      Prediction answer = answers.get(i);
      console.print(form == Form.TEXT ? line(question, answer) : line(json(question, answer)));
    }
  }

  /** Answers questions, of which the second text is what they are about. */
  private void ask(List<Texts> questions) {
    List<Question> asked = new ArrayList<>();
    for (Texts question : questions) {
      String context = question.second() == null ? "" : question.second();
      String id = Integer.toString(asked.size());
      asked.add(new Question(id, question.first().stripLeading(), context, List.of()));
    }
    if (asked.isEmpty()) {
      return;
    }
    for (AnsweredQuestion answer : student.answer(asked, squad)) {
      String text =
          answer.text(squad.version2WithNegative(), squad.nullScoreDiffThreshold()).strip();
      double probability = probability(answer, text);
      String question = answer.question().question();
      console.print(
          form == Form.TEXT
              ? "%s\t%.4f\t%s".formatted(text, probability, question)
              : line(json(answer, text, probability)));
    }
  }

  private static double probability(AnsweredQuestion answer, String text) {
    return answer.candidates().stream()
        .filter(candidate -> candidate.text().strip().equals(text))
        .mapToDouble(AnsweredQuestion.Candidate::probability)
        .max()
        .orElse(0);
  }

  private static ObjectNode json(AnsweredQuestion answer, String text, double probability) {
    return JSON_LINES
        .createObjectNode()
        .put("question", answer.question().question())
        .put("context", answer.question().context())
        .put("answer", text)
        .put("score", probability)
        .put("null_odds", answer.nullOdds());
  }

  private ObjectNode json(Texts question, Prediction answer) {
    ObjectNode node = JSON_LINES.createObjectNode().put("text", question.first());
    if (question.second() != null) {
      node.put("text_pair", question.second());
    }
    if (student.isMultiLabel()) {
      answer.labels().forEach(node.putArray("labels")::add);
    } else if (answer.label() != null) {
      node.put("label", answer.label());
    }
    node.put("score", answer.score());
    if (!answer.probabilities().isEmpty()) {
      answer.probabilities().forEach(node.putObject("probabilities")::put);
    }
    return node;
  }

  private String line(Texts question, Prediction answer) {
    String second = question.second();
    String text = question.first() + (second == null ? "" : "\t" + second);
    return student.isRegression()
        ? "%.4f\t%s".formatted(answer.score(), text)
        : "%s\t%.4f\t%s".formatted(String.join(",", answer.labels()), answer.score(), text);
  }

  /** An answer in the form that was asked for; all of them have the same fields. */
  private String line(ObjectNode answer) {
    if (form == Form.JSON) {
      return answer.toString();
    }
    Map<String, String> columns = columns(answer);
    if (!headed) {
      headed = true;
      console.print(CSVFormat.RFC4180.format(columns.keySet().toArray()));
    }
    return CSVFormat.RFC4180.format(columns.values().toArray());
  }

  /** Fields as columns: a column for each label's probability, labels with commas in between. */
  private static Map<String, String> columns(ObjectNode answer) {
    Map<String, String> columns = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : answer.properties()) {
      JsonNode value = field.getValue();
      if (value.isObject()) {
        value
            .properties()
            .forEach(p -> columns.put("probability_" + p.getKey(), p.getValue().asText()));
      } else {
        columns.put(field.getKey(), value.isArray() ? joined(value) : value.asText());
      }
    }
    return columns;
  }

  private static String joined(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .map(JsonNode::asText)
        .collect(Collectors.joining(","));
  }
}
