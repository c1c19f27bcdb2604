package handoff;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * From text to prediction with Microsoft's ONNX Runtime and DJL's tokenizers.
 *
 * <pre>
 * java -cp 'target/classes:target/lib/*' handoff.Student FOLDER              check against golden/
 * java -cp 'target/classes:target/lib/*' handoff.Student FOLDER TEXT [TEXT]  answer
 * </pre>
 */
public final class Student implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final JsonNode config;
  private final HuggingFaceTokenizer tokenizer;
  private final OrtSession session;

  /** A student's answer: what its kind of task has, the others empty. */
  public record Prediction(List<String> labels, double score, String answer) {}

  /** How questions are answered: the longest answer, and whether "" may be one. */
  public record Spans(int maxAnswerLength, boolean mayBeNone, double threshold) {}

  /** Opens a folder that {@code filtrate export} or {@code filtrate run} wrote. */
  public Student(Path folder, String file) throws IOException, OrtException {
    config = JSON.readTree(folder.resolve("config.json").toFile());
    JsonNode settings = JSON.readTree(folder.resolve("tokenizer_config.json").toFile());
    session = environment.createSession(folder.resolve(file).toString());
    String length = settings.path("model_max_length").asText();
    tokenizer =
        HuggingFaceTokenizer.newInstance(
            folder.resolve("tokenizer.json"),
            Map.of(
                "truncation", answersQuestions() ? "ONLY_SECOND" : "LONGEST_FIRST",
                "maxLength", length,
                "modelMaxLength", length,
                "padding", "DO_NOT_PAD"));
  }

  private boolean answersQuestions() {
    return session.getOutputNames().contains("start_logits");
  }

  Encoding encode(String text, String pair) {
    return pair == null ? tokenizer.encode(text) : tokenizer.encode(text, pair);
  }

  Map<String, long[]> feeds(Encoding encoding) {
    Map<String, long[]> feeds = new LinkedHashMap<>();
    for (String input : session.getInputNames()) {
      feeds.put(
          input,
          switch (input) {
            case "input_ids" -> encoding.getIds();
            case "attention_mask" -> encoding.getAttentionMask();
            case "token_type_ids" -> encoding.getTypeIds();
            default -> throw new IllegalStateException("unknown input " + input);
          });
    }
    return feeds;
  }

  Map<String, float[]> logits(Encoding encoding) throws OrtException {
    Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, long[]> feed : feeds(encoding).entrySet()) {
        long[][] batch = {feed.getValue()};
        tensors.put(feed.getKey(), OnnxTensor.createTensor(environment, batch));
      }
      Map<String, float[]> logits = new LinkedHashMap<>();
      try (OrtSession.Result result = session.run(tensors)) {
        for (var output : result) {
          logits.put(output.getKey(), ((float[][]) output.getValue().getValue())[0]);
        }
      }
      return logits;
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  /** Answers for a text, a pair, or a question about a text. */
  public Prediction predict(String text, String pair) throws OrtException {
    Encoding encoding = encode(text, pair);
    return decide(logits(encoding), encoding, pair, new Spans(30, false, 0));
  }

  /** What the logits mean. */
  Prediction decide(Map<String, float[]> logits, Encoding encoding, String context, Spans spans) {
    if (answersQuestions()) {
      float[] start = logits.get("start_logits");
      float[] end = logits.get("end_logits");
      return new Prediction(List.of(), 0, span(start, end, encoding, context, spans));
    }
    float[] row = logits.get("logits");
    return switch (config.path("problem_type").asText()) {
      case "regression" -> new Prediction(List.of(), row[0], "");
      case "multi_label_classification" -> several(row);
      default -> one(row);
    };
  }

  private String label(int id) {
    return config.path("id2label").path(Integer.toString(id)).asText();
  }

  private Prediction one(float[] row) {
    int best = 0;
    for (int i = 1; i < row.length; i++) {
      best = row[i] > row[best] ? i : best;
    }
    double sum = 0;
    for (float logit : row) {
      sum += Math.exp(logit - row[best]);
    }
    return new Prediction(List.of(label(best)), 1 / sum, "");
  }

  private Prediction several(float[] row) {
    List<String> given = new ArrayList<>();
    double highest = 0;
    for (int i = 0; i < row.length; i++) {
      highest = Math.max(highest, 1 / (1 + Math.exp(-row[i])));
      if (row[i] > 0) {
        given.add(label(i));
      }
    }
    return new Prediction(given, highest, "");
  }

  /** The part of the context whose ends have the largest sum of logits. */
  private static String span(
      float[] start, float[] end, Encoding encoding, String context, Spans spans) {
    long[] sequences = encoding.getSequenceIds();
    CharSpan[] places = encoding.getCharTokenSpans(); // in code points
    double best = Double.NEGATIVE_INFINITY;
    String answer = "";
    for (int i = 0; i < start.length; i++) {
      int last = Math.min(start.length, i + spans.maxAnswerLength());
      for (int j = i; j < last && sequences[i] == 1 && sequences[j] == 1; j++) {
        if (start[i] + end[j] > best && places[i] != null && places[j] != null) {
          best = start[i] + end[j];
          int from = context.offsetByCodePoints(0, places[i].getStart());
          answer = context.substring(from, context.offsetByCodePoints(0, places[j].getEnd()));
        }
      }
    }
    return spans.mayBeNone() && start[0] + end[0] - best > spans.threshold() ? "" : answer;
  }

  @Override
  public void close() {
    tokenizer.close();
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  public static void main(String[] args) throws Exception {
    if (args.length < 1 || args.length > 3) {
      System.err.println("usage: handoff.Student FOLDER [TEXT [TEXT]]");
      System.exit(2);
    }
    Path folder = Path.of(args[0]);
    if (args.length == 1) {
      System.exit(new GoldenCheck(folder).holds() ? 0 : 1);
    }
    try (Student student = new Student(folder, "model.onnx")) {
      System.out.println(student.predict(args[1], args.length == 3 ? args[2] : null));
    }
  }
}
