package dev.filtrate.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import dev.filtrate.data.squad.Question;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Head;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.Weights;
import dev.filtrate.weights.ModelFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("ort")
@Tag("tokenizers")
class StudentTest {
  @TempDir Path folder;

  static Stream<String> configs() {
    return ExportPassesTest.configs();
  }

  private Path exported(Weights weights) {
    Path to = folder.resolve("export");
    try (Tokenizer tokenizer = Tokenizer.read(TinyModels.vocabulary(folder), 32)) {
      new StudentExport(TinyModels.ENGINE)
          .write(weights, to, tokenizer, Optional.empty(), Map.of());
    }
    return to;
  }

  private static String refusal(Path where) {
    return TinyModels.refusal(
        () -> {
          try (Student student = Student.load(where)) {
            student.labels();
          }
        });
  }

  @ParameterizedTest
  @MethodSource("configs")
  void anExportAnswersLikeTheFolderThatItWasMadeFrom(String config) {
    Weights weights = TinyModels.withFilters(TinyModels.random(config, 5), 6);
    Path export = exported(weights);
    Path trained = TinyModels.folder(folder.resolve("trained"), weights);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      texts.add("the good story and film . ".substring(0, 3 + i).strip());
    }
    try (Student slim = Student.load(export);
        Student full = Student.load(trained)) {
      assertEquals(full.labels(), slim.labels());
      same(full.classify(texts), slim.classify(texts));
      same(full.classifyPairs(texts, texts), slim.classifyPairs(texts, texts));
      assertEquals(List.of(), slim.classify(List.of()));
    }
  }

  private static void same(List<Prediction> expected, List<Prediction> actual) {
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i).label(), actual.get(i).label());
      assertEquals(expected.get(i).score(), actual.get(i).score(), 1e-4);
      assertEquals(
          expected.get(i).probabilities().keySet(), actual.get(i).probabilities().keySet());
    }
  }

  @Test
  void probabilitiesAddUpToOneAndTheLabelIsTheMostProbable() {
    try (Student student = Student.load(exported(TinyModels.random(TinyModels.BERT, 5)))) {
      Prediction answer = student.classify(List.of("a good film")).get(0);
      double sum = answer.probabilities().values().stream().mapToDouble(p -> p).sum();
      assertEquals(1, sum, 1e-12);
      assertEquals(List.of("bad", "so-so", "good"), List.copyOf(answer.probabilities().keySet()));
      double best = answer.probabilities().values().stream().mapToDouble(p -> p).max().orElse(0);
      assertEquals(best, answer.score());
      assertEquals(best, answer.probabilities().get(answer.label()));
    }
  }

  @Test
  void aRegressionAnswersWithItsScore() {
    try (Student student = Student.load(exported(TinyModels.random(TinyModels.DEBERTA_CONV, 5)))) {
      Prediction answer = student.classify(List.of("a good film")).get(0);
      assertTrue(student.isRegression());
      assertNull(answer.label());
      assertEquals(Map.of(), answer.probabilities());
      assertTrue(Double.isFinite(answer.score()));
    }
  }

  /** Any batch of the student, whichever way its texts are padded and ordered. */
  @ParameterizedTest
  @MethodSource("configs")
  void paddingAndTheOrderOfABatchDoNotChangeLogits(String config) {
    long seed = TestSeed.get();
    Randomness random = Randomness.of(seed, "texts");
    Path export = exported(TinyModels.random(config, seed));
    try (ComputeSession session = ExportFolder.open(export, TinyModels.ENGINE.options())) {
      for (int round = 0; round < 5; round++) {
        int[][] texts = new int[1 + random.nextInt(6)][];
        int longest = 0;
        for (int i = 0; i < texts.length; i++) {
          texts[i] = new int[1 + random.nextInt(20)];
          longest = Math.max(longest, texts[i].length);
          Arrays.setAll(texts[i], j -> random.nextInt(20));
        }
        int[] order = java.util.stream.IntStream.range(0, texts.length).toArray();
        random.shuffle(order);
        int[][] shuffled = Arrays.stream(order).mapToObj(i -> texts[i]).toArray(int[][]::new);
        float[] together = logits(session, shuffled, longest + random.nextInt(15));
        int width = together.length / texts.length;
        for (int i = 0; i < texts.length; i++) {
          float[] alone = logits(session, new int[][] {shuffled[i]}, shuffled[i].length);
          for (int c = 0; c < width; c++) {
            float expected = alone[c];
            assertEquals(
                expected,
                together[i * width + c],
                1e-5 * (1 + Math.abs(expected)),
                "text %d of %d%s".formatted(i, texts.length, TestSeed.hint(seed)));
          }
        }
      }
    }
  }

  private static float[] logits(ComputeSession session, int[][] texts, int length) {
    long[] shape = {texts.length, length};
    Map<String, Tensor> all = new LinkedHashMap<>();
    for (String name : session.inputs()) {
      all.put(name, Tensor.zeros(DType.INT64, shape));
    }
    for (int i = 0; i < texts.length; i++) {
      for (int j = 0; j < texts[i].length; j++) {
        int at = i * length + j;
        put(all, "input_ids", at, texts[i][j]);
        put(all, "attention_mask", at, 1);
        put(all, "token_type_ids", at, j > 3 ? 1 : 0);
      }
    }
    return Objects.requireNonNull(session.run(all).get("logits")).toFloats();
  }

  private static void put(Map<String, Tensor> feeds, String name, int at, long value) {
    Tensor tensor = feeds.get(name);
    if (tensor != null) {
      tensor.longs().put(at, value);
    }
  }

  @Test
  void whatIsNoModelIsRefusedWithASentence() throws IOException {
    assertEquals(
        folder.resolve("absent") + ": no such folder; expected a Hugging Face model folder",
        refusal(folder.resolve("absent")));

    Path trained =
        TinyModels.folder(folder.resolve("trained"), TinyModels.random(TinyModels.BERT, 1));
    Files.delete(trained.resolve("model.safetensors"));
    assertEquals(
        trained
            + ": has no weights; expected a Hugging Face model folder with model.safetensors or"
            + " pytorch_model.bin, or one of them in parts with its .index.json",
        refusal(trained));

    Path export = exported(TinyModels.random(TinyModels.BERT, 1));
    byte[] bytes = Files.readAllBytes(export.resolve("model.onnx"));
    for (byte[] broken :
        List.of(
            Arrays.copyOf(bytes, bytes.length / 2),
            "not a model".getBytes(StandardCharsets.UTF_8))) {
      Files.write(export.resolve("model.onnx"), broken);
      String message = refusal(export);
      assertTrue(
          message.startsWith(
              export.resolve("model.onnx")
                  + ": ONNX Runtime cannot load it, export the model again: "),
          message);
      assertEquals(1, message.lines().count(), message);
    }
    Files.write(export.resolve("model.onnx"), bytes);

    for (String file : List.of("tokenizer.json", "vocab.txt")) {
      Files.delete(export.resolve(file));
    }
    assertEquals(
        export
            + ": holds no tokenizer; expected tokenizer.json, spm.model, vocab.txt, or vocab.json"
            + " with merges.txt",
        refusal(export));
  }

  @Test
  void aModelWithoutATrainedHeadIsRefused() {
    Weights weights = TinyModels.random(TinyModels.BERT, 1);
    Map<String, Tensor> headless = new LinkedHashMap<>(weights.parameters());
    headless.remove("classifier.weight");
    headless.remove("classifier.bias");
    Path trained =
        TinyModels.folder(folder.resolve("trained"), new Weights(weights.model(), headless));
    assertEquals(
        trained
            + ": holds no trained head: classifier.weight, classifier.bias are missing; fine-tune"
            + " or distil the model first",
        refusal(trained));
  }

  @Test
  void aModelThatAnswersQuestionsDoesSoAndDoesNotClassify() {
    Weights weights = TinyModels.random(TinyModels.BERT, Head.QUESTION_ANSWERING, 1);
    for (Path where :
        List.of(exported(weights), TinyModels.folder(folder.resolve("trained"), weights))) {
      try (Student student = Student.load(where)) {
        assertTrue(student.answersQuestions());
        assertEquals(
            where + ": answers questions; it classifies no texts",
            TinyModels.refusal(() -> student.classify(List.of("the film"))));
        List<Question> asked = List.of(new Question("1", "what", "the film", List.of()));
        SquadSettings settings = new SquadSettings(false, 2, 20, 30, 0, false);
        String answer = student.answer(asked, settings).get(0).best();
        assertTrue(!answer.isEmpty() && "the film".contains(answer), answer);
      }
    }
  }

  @Test
  void aConfigWithOtherLabelsIsRefused() {
    Path export = exported(TinyModels.random(TinyModels.BERT, 1));
    var config = ModelFolder.readConfig(export).withLabels(List.of("yes", "no")).json();
    ExportFolder.writeJson(export.resolve("config.json"), config);
    try (Student student = Student.load(export)) {
      String message = TinyModels.refusal(() -> student.classify(List.of("a")));
      assertEquals(
          export + ": config.json names 2 labels, but the model has 3; they do not belong together",
          message);
    }
  }
}
