package dev.filtrate.export;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.data.Example;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.batch.BatchOptions;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.squad.EncodedQuestions;
import dev.filtrate.data.squad.Question;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.recipe.Precision;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.Feeds;
import dev.filtrate.train.SpanEvaluator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Texts with what the student makes of them, for programs of other languages to check themselves
 * against: {@code golden/inputs.json} has texts and ids, {@code golden/outputs.json} for each
 * precision a file's logits and answers, and how far others may be from them. Some texts are the
 * task's, the others try the tokenizer: accents, emoji, spaces, more tokens than are taken.
 */
final class Golden {
  static final String FOLDER = "golden";
  private static final String INPUTS = "inputs.json";
  private static final String OUTPUTS = "outputs.json";

  /** Where logits may differ by so much, another part of a text may be the answer to a question. */
  private static final double UNDECIDED = 1e-2;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Model model;
  private final Tokenizer tokenizer;
  private final SquadSettings settings;
  private final ObjectNode outputs = JSON.createObjectNode();
  private final List<Item> items = new ArrayList<>();

  /** A text, or two; its ids; and, if it is a question, the same as such. */
  private record Item(
      Example text, boolean truncated, EncodedExamples ids, Optional<EncodedQuestions> question) {}

  /**
   * Encodes texts for a model.
   *
   * @param task whose texts are among them; without one, singles and pairs are tried
   */
  Golden(Model model, Tokenizer tokenizer, Optional<? extends ValidationSet> task) {
    this.model = model;
    this.tokenizer = tokenizer;
    List<Example> samples = task.<List<Example>>map(ValidationSet::samples).orElse(List.of());
    boolean asked = model.head() == Head.QUESTION_ANSWERING;
    this.settings =
        task.isPresent() && task.get() instanceof SquadSet squad
            ? squad.settings()
            : new SquadSettings(false, 0, 20, 30, 0, false);
    for (Example text : GoldenTexts.of(samples, asked, tokenizer.maxLength())) {
      (asked ? question(text) : Optional.of(classified(text))).ifPresent(items::add);
    }
  }

  private Item classified(Example text) {
    EncodedExamples ids =
        EncodedExamples.of(List.of(text), ProblemType.SINGLE_LABEL_CLASSIFICATION, tokenizer);
    return new Item(text, isTruncated(text), ids, Optional.empty());
  }

  private boolean isTruncated(Example text) {
    String second = text.sentence2();
    Example empty = new Example("", second == null ? null : "", text.targets());
    int tokens = tokenizer.encode(List.of(empty)).length(0);
    for (String part :
        second == null ? List.of(text.sentence1()) : List.of(text.sentence1(), second)) {
      tokens += tokenizer.ids(List.of(part), false).get(0).length;
    }
    return tokens > tokenizer.maxLength();
  }

  /** A question whose context is one window: how longer ones are cut is the caller's affair. */
  private Optional<Item> question(Example text) {
    String context = text.sentence2() == null ? "" : text.sentence2();
    Question question = new Question("golden", text.sentence1(), context, List.of());
    EncodedQuestions encoded = new EncodedQuestions(List.of(question), tokenizer, settings);
    return encoded.windows().size() == 1
        ? Optional.of(new Item(text, false, encoded.windows(), Optional.of(encoded)))
        : Optional.empty();
  }

  /**
   * Adds what a precision's file answers.
   *
   * @param difference how far its logits are from the trained model's: a program may be as far from
   *     it, since runtimes round and quantize each in its own way
   */
  void add(Precision precision, ComputeSession session, double difference) {
    outputs.set(precision.id(), outputs(precision, session, difference));
  }

  /** Writes both files into a folder's {@code golden}. */
  void write(Path folder, List<String> inputs) throws IOException {
    Path golden = Files.createDirectories(folder.resolve(FOLDER));
    ExportFolder.writeJson(golden.resolve(INPUTS), inputs(inputs));
    ExportFolder.writeJson(
        golden.resolve(OUTPUTS), JSON.createObjectNode().set("precisions", outputs));
  }

  private ObjectNode inputs(List<String> names) {
    ObjectNode json = JSON.createObjectNode();
    json.put("task", ModelCard.pipeline(model.head()));
    json.put("max_length", tokenizer.maxLength());
    if (model.head() == Head.QUESTION_ANSWERING) {
      json.put("max_answer_length", settings.maxAnswerLength());
      json.put("version_2_with_negative", settings.version2WithNegative());
      json.put("null_score_diff_threshold", settings.nullScoreDiffThreshold());
    } else {
      json.put("problem_type", model.config().problemType().id());
      model.config().common().labels().forEach(json.putArray("labels")::add);
    }
    ArrayNode examples = json.putArray("examples");
    for (Item item : items) {
      ObjectNode example = examples.addObject();
      example.put("text", item.text().sentence1());
      if (item.text().sentence2() != null) {
        example.put("text_pair", item.text().sentence2());
      }
      example.put("truncated", item.truncated());
      feeds(item, names)
          .forEach(
              (name, tensor) -> {
                ArrayNode ids = example.putArray(name);
                for (long id : tensor.toLongs()) {
                  ids.add(id);
                }
              });
    }
    return json;
  }

  private static Map<String, Tensor> feeds(Item item, List<String> names) {
    BatchOptions one = new BatchOptions(1, 1, 0, false);
    return new LinkedHashMap<>(Feeds.of(Batches.evaluation(item.ids(), one).at(0, 0), names));
  }

  private ObjectNode outputs(Precision precision, ComputeSession session, double difference) {
    ObjectNode json = JSON.createObjectNode();
    json.put("file", ExportFolder.ONNX + "/" + precision.file());
    ArrayNode examples = JSON.createArrayNode();
    List<Map<String, Tensor>> answers =
        items.stream().map(item -> session.run(feeds(item, session.inputs()))).toList();
    double largest = 1;
    for (Map<String, Tensor> answer : answers) {
      for (String name : session.outputs()) {
        for (float logit : floats(answer, name)) {
          largest = Math.max(largest, Math.abs(logit));
        }
      }
    }
    double tolerance = Math.max(Agreement.TOLERANCE * largest, difference);
    for (int i = 0; i < items.size(); i++) {
      Map<String, Tensor> answer = answers.get(i);
      ObjectNode example = examples.addObject();
      for (String name : session.outputs()) {
        ArrayNode logits = example.putArray(name);
        for (float logit : floats(answer, name)) {
          logits.add(logit);
        }
      }
      describe(items.get(i), answer, tolerance, example);
    }
    json.put("tolerance", tolerance);
    json.set("examples", examples);
    return json;
  }

  /** What the logits mean, where the tolerance leaves no other answer. */
  private void describe(Item item, Map<String, Tensor> answer, double tolerance, ObjectNode to) {
    if (item.question().isPresent()) {
      SpanEvaluator evaluator =
          new SpanEvaluator(item.question().get(), settings, BatchOptions.of(1));
      SpanEvaluator.Logits logits = evaluator.logits();
      logits.add(List.of(0), answer);
      boolean none = settings.version2WithNegative();
      String text = logits.answers().get(0).text(none, settings.nullScoreDiffThreshold());
      if (tolerance < UNDECIDED) {
        to.put("answer", text);
      }
      return;
    }
    float[] logits = floats(answer, "logits");
    Prediction prediction = Prediction.of(model.config(), logits, 0);
    if (isDecided(logits, tolerance)) {
      prediction.labels().forEach(to.putArray("labels")::add);
    }
    to.put("score", prediction.score());
  }

  /** Whether other logits within the tolerance mean the same labels; there are none of scores. */
  private boolean isDecided(float[] logits, double tolerance) {
    float[] sorted = logits.clone();
    Arrays.sort(sorted);
    return switch (model.config().problemType()) {
      case REGRESSION -> false;
      case SINGLE_LABEL_CLASSIFICATION ->
          sorted.length > 1
              && sorted[sorted.length - 1] - sorted[sorted.length - 2] > 2 * tolerance;
      case MULTI_LABEL_CLASSIFICATION ->
          IntStream.range(0, logits.length).allMatch(i -> Math.abs(logits[i]) > tolerance);
    };
  }

  private static float[] floats(Map<String, Tensor> answer, String name) {
    Tensor tensor = answer.get(name);
    if (tensor == null) {
      throw new IllegalStateException("no " + name + " among " + answer.keySet());
    }
    return tensor.toFloats();
  }
}
