package handoff;

import ai.djl.Model;
import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoBatchifyTranslator;
import ai.djl.translate.TranslatorContext;
import ai.djl.util.JsonUtils;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * From text to prediction with DJL's ONNX Runtime engine. What it says here, {@code
 * serving.properties} says to DJL Serving.
 *
 * <pre>
 * java -cp 'target/classes:target/lib/*' handoff.DjlStudent FOLDER              check against golden/
 * java -cp 'target/classes:target/lib/*' handoff.DjlStudent FOLDER TEXT [TEXT]  logits
 * </pre>
 */
public final class DjlStudent {
  private DjlStudent() {}

  /** A text, or two. */
  private record Text(String first, String second) {}

  /**
   * Texts to ids, outputs to logits. DJL's own translators put probabilities on NDArrays, which
   * this engine leaves to a second one such as PyTorch; plain arrays need none.
   */
  private static final class Logits implements NoBatchifyTranslator<Text, List<float[]>> {
    private HuggingFaceTokenizer tokenizer;
    private List<String> inputs;

    @Override
    public void prepare(TranslatorContext context) throws IOException {
      Path folder = context.getModel().getModelPath();
      JsonObject settings = read(folder.resolve("tokenizer_config.json")).getAsJsonObject();
      inputs = texts(settings.getAsJsonArray("model_input_names"));
      boolean questions =
          read(folder.resolve("config.json")).toString().contains("ForQuestionAnswering");
      String length = settings.get("model_max_length").getAsString();
      tokenizer =
          HuggingFaceTokenizer.newInstance(
              folder.resolve("tokenizer.json"),
              Map.of(
                  "truncation",
                  questions ? "ONLY_SECOND" : "LONGEST_FIRST",
                  "maxLength",
                  length,
                  "modelMaxLength",
                  length,
                  "padding",
                  "DO_NOT_PAD"));
    }

    @Override
    public NDList processInput(TranslatorContext context, Text text) {
      Encoding encoding =
          text.second() == null
              ? tokenizer.encode(text.first())
              : tokenizer.encode(text.first(), text.second());
      NDList feeds = new NDList();
      for (String input : inputs) {
        long[] ids =
            switch (input) {
              case "input_ids" -> encoding.getIds();
              case "attention_mask" -> encoding.getAttentionMask();
              case "token_type_ids" -> encoding.getTypeIds();
              default -> throw new IllegalStateException("unknown input " + input);
            };
        NDArray array = context.getNDManager().create(ids, new Shape(1, ids.length));
        array.setName(input);
        feeds.add(array);
      }
      return feeds;
    }

    @Override
    public List<float[]> processOutput(TranslatorContext context, NDList outputs) {
      return outputs.stream().map(NDArray::toFloatArray).toList();
    }
  }

  private static ZooModel<Text, List<float[]>> load(Path folder, String file) throws Exception {
    return Criteria.builder()
        .setTypes(Text.class, (Class<List<float[]>>) (Class<?>) List.class)
        .optModelPath(folder)
        .optModelName(file.replaceFirst("\\.onnx$", ""))
        .optEngine("OnnxRuntime")
        .optTranslator(new Logits())
        .build()
        .loadModel();
  }

  private static JsonElement read(Path file) throws IOException {
    return JsonUtils.GSON.fromJson(Files.readString(file), JsonElement.class);
  }

  private static List<String> texts(JsonArray array) {
    List<String> texts = new ArrayList<>();
    array.forEach(item -> texts.add(item.getAsString()));
    return texts;
  }

  /** Whether every text gets the logits of golden/ from every precision's file. */
  private static boolean check(Path folder) throws Exception {
    JsonArray examples =
        read(folder.resolve("golden/inputs.json")).getAsJsonObject().getAsJsonArray("examples");
    JsonObject precisions =
        read(folder.resolve("golden/outputs.json")).getAsJsonObject().getAsJsonObject("precisions");
    boolean good = true;
    for (Map.Entry<String, JsonElement> precision : precisions.entrySet()) {
      JsonObject expected = precision.getValue().getAsJsonObject();
      double tolerance = expected.get("tolerance").getAsDouble();
      double furthest = 0;
      try (Model model = load(folder, expected.get("file").getAsString());
          Predictor<Text, List<float[]>> predictor =
              ((ZooModel<Text, List<float[]>>) model).newPredictor()) {
        for (int i = 0; i < examples.size(); i++) {
          JsonObject example = examples.get(i).getAsJsonObject();
          JsonElement second = example.get("text_pair");
          String text = example.get("text").getAsString();
          List<float[]> rows =
              predictor.predict(new Text(text, second == null ? null : second.getAsString()));
          JsonObject wanted = expected.getAsJsonArray("examples").get(i).getAsJsonObject();
          List<String> names =
              wanted.has("logits") ? List.of("logits") : List.of("start_logits", "end_logits");
          for (int k = 0; k < names.size(); k++) {
            double apart = furthest(rows.get(k), wanted.getAsJsonArray(names.get(k)));
            furthest = Math.max(furthest, apart);
            if (!(apart <= tolerance)) {
              good = false;
              System.err.printf("\"%s\": %s differ by %.1e%n", text, names.get(k), apart);
            }
          }
        }
      }
      System.out.printf(
          "%s: %d texts, logits differ by at most %.1e (allowed %.1e)%n",
          precision.getKey(), examples.size(), furthest, tolerance);
    }
    return good;
  }

  private static double furthest(float[] row, JsonArray wanted) {
    double furthest = row.length == wanted.size() ? 0 : Double.POSITIVE_INFINITY;
    for (int i = 0; i < Math.min(row.length, wanted.size()); i++) {
      double apart = Math.abs(row[i] - wanted.get(i).getAsDouble());
      furthest = Math.max(furthest, Double.isNaN(apart) ? Double.POSITIVE_INFINITY : apart);
    }
    return furthest;
  }

  public static void main(String[] args) throws Exception {
    if (args.length < 1 || args.length > 3) {
      System.err.println("usage: handoff.DjlStudent FOLDER [TEXT [TEXT]]");
      System.exit(2);
    }
    System.setProperty("ai.djl.offline", "true");
    Path folder = Path.of(args[0]);
    if (args.length == 1) {
      System.exit(check(folder) ? 0 : 1);
    }
    try (ZooModel<Text, List<float[]>> model = load(folder, "model.onnx");
        Predictor<Text, List<float[]>> predictor = model.newPredictor()) {
      predictor
          .predict(new Text(args[1], args.length == 3 ? args[2] : null))
          .forEach(row -> System.out.println(JsonUtils.GSON.toJson(row)));
    }
  }
}
