package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.weights.ModelFolder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every stage and method on the families beside BERT, with a student made of its teacher. */
@Tag("ort")
@Tag("tokenizers")
class FamiliesRunTest {
  private static final Map<String, String> TEACHERS =
      Map.of(
          "roberta",
          """
          {"model_type": "roberta", "vocab_size": 17, "hidden_size": 8, "num_hidden_layers": 2,\
           "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 18,\
           "type_vocab_size": 1, "pad_token_id": 0, "initializer_range": 0.2}""",
          "electra",
          """
          {"model_type": "electra", "vocab_size": 17, "hidden_size": 8, "num_hidden_layers": 2,\
           "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 16,\
           "embedding_size": 4, "initializer_range": 0.2}""",
          "distilbert",
          """
          {"model_type": "distilbert", "vocab_size": 17, "dim": 8, "n_layers": 2, "n_heads": 2,\
           "hidden_dim": 16, "max_position_embeddings": 16, "initializer_range": 0.2}""");

  @TempDir Path folder;

  private Recipe recipe(String teacher) {
    TinyTask task = new TinyTask(folder);
    String yaml = TinyTask.yaml(teacher, "X");
    task.write("recipe.yaml", yaml.replaceFirst("config: X", "teacher_layers: [1]"));
    return task.recipe(folder.resolve("run"), "training.num_train_epochs=1");
  }

  @ParameterizedTest
  @CsvSource({
    "roberta, RobertaForSequenceClassification, roberta.encoder.layer, classifier.out_proj.weight",
    "electra, ElectraForSequenceClassification, electra.encoder.layer, classifier.out_proj.weight",
    "distilbert, DistilBertForSequenceClassification, distilbert.transformer.layer,"
        + " classifier.weight"
  })
  void aRunTeachesFiltersAndDistilsByEveryMethod(
      String type, String architecture, String layer, String head) {
    Results results = TinyTask.run(recipe(TEACHERS.getOrDefault(type, "")));
    assertEquals(5, results.rows().size());
    ModelFolder teacher = ModelFolder.open(folder.resolve("run/teacher/filters"));
    assertTrue(teacher.tensors().containsKey(layer + ".1.filter.weight"), type);
    assertTrue(teacher.tensors().containsKey("filter_pooler.0.dense.bias"), type);
    for (String method : List.of("student/finetuned", "kd", "lwd", "ted")) {
      ModelFolder student = ModelFolder.open(folder.resolve("run").resolve(method));
      assertEquals(
          architecture, student.config().json().path("architectures").path(0).asText(), method);
      assertEquals(1, student.config().numHiddenLayers(), method);
      assertTrue(student.tensors().containsKey(head), method);
      boolean layerwise = !method.equals("kd") && !method.startsWith("student");
      assertEquals(layerwise, student.tensors().containsKey(layer + ".0.filter.weight"), method);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"roberta", "electra", "distilbert"})
  void answersOfQuestionsAreLearntAndDistilledToo(String type) {
    String config =
        TEACHERS
            .getOrDefault(type, "")
            .replace("\"vocab_size\": 17", "\"vocab_size\": 24")
            .replaceFirst("max_position_embeddings\": \\d+", "max_position_embeddings\": 24");
    TinySquad task = new TinySquad(folder);
    Results results =
        TinyTask.run(
            task.recipe(
                Use.RUN,
                folder.resolve("run"),
                "teacher.config=" + config,
                "student.config=null",
                "student.teacher_layers=[1]",
                "training.num_train_epochs=1",
                "distill.kl_mask_padding=true",
                "compare=[ted]"));
    assertEquals(2, results.rows().size());
    ModelFolder ted = ModelFolder.open(folder.resolve("run/ted"));
    assertTrue(ted.tensors().containsKey("qa_outputs.weight"), type);
    assertEquals(24, ted.config().common().vocabSize());
    assertTrue(
        ted.config()
            .json()
            .path("architectures")
            .path(0)
            .asText()
            .endsWith("ForQuestionAnswering"));
  }

  @Test
  void aRobertaOfAnotherPaddingThanTheTokenizersIsRefused() {
    String other = TEACHERS.getOrDefault("roberta", "").replace("_id\": 0", "_id\": 1");
    UserError error = assertThrows(UserError.class, () -> TinyTask.run(recipe(other)));
    assertEquals(
        "teacher: its pad_token_id is 1, but the tokenizer pads with 0; use the tokenizer"
            + " that belongs to the model, or a config with that pad_token_id",
        error.getMessage());
  }
}
