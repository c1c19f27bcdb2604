package dev.filtrate.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ResolvedRecipeTest {
  /** Every recipe that comes along, and one that sets what they do not. */
  static Stream<Recipe> recipes() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("data/recipes"))) {
      List<Path> own = files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
      assertTrue(own.size() >= 20, own.toString());
      return Stream.concat(
          own.stream().map(file -> Recipe.read(file, List.of(), Use.PLAN)),
          Stream.of(odd(), several()));
    }
  }

  private static Recipe several() {
    String text =
        """
        task:
          task_name: toxic
          train_file: train.csv
          validation_file: test.csv
          mismatched_file: other.csv
          problem_type: multi_label_classification
          label_key: [toxic, rude]
          labels: ['yes', 'no']
          skip_short_rows: true
        tokenizer: {path: t}
        student: {config: {model_type: bert}}
        compare: finetuned
        """;
    return Recipe.parse(text, "several.yaml", Path.of("here"), List.of(), Use.PLAN);
  }

  private static Recipe odd() {
    String text =
        """
        name: "42"
        seed: [1, 2, 9000000000]
        device: cuda:1
        threads: 3
        arena: false
        memory_pattern: true
        target: portable
        mixed_precision: bf16
        tf32: true
        enable_cuda_graph: true
        task:
          task_name: a task
          train_file: 'it''s: odd.txt'
          validation_fraction: 0.25
          format: csv
          delimiter: '|'
          encoding: latin1
          header: false
          sentence1_key: 0
          sentence2_key: 1
          label_key: 2
          labels: ['no', 'yes', '1e5']
          metric: f1_macro
        tokenizer: {path: t, max_length: 9, pad_to_max_length: true, pad_to_multiple_of: 8}
        training: {max_train_steps: 7, max_grad_norm: 0.5, adam_beta2: 0.98, att_dropout: 0}
        teacher:
          config: {model_type: bert, layer_norm_eps: 1e-7, num_hidden_layers: 3, odd: "1"}
          learn_filters: {learning_rate: 0.001, lr_scheduler_type: cosine}
        student:
          teacher_layers: [0, 2]
          finetune: {eval_steps: 10, early_stopping_patience: 2, num_train_epochs: 0}
        filters:
          {filter_nonlinear: true, filter_output_dim: 5, frozen_dropout: false,
           frozen_cache: /a cache, frozen_cache_dtype: float16}
        distill: {kl_alpha: 1.5, temperature: 3, mse_mask_padding: true, teacher_cache: /a cache}
        methods: {kd: {kl_alpha: 4}, lwd: {mse_alpha: 3, num_train_epochs: 1}}
        compare: [lwd, kd]
        start: released
        checkpoint: {checkpointing_steps: never, keep: 2}
        """;
    return Recipe.parse(
        text.replace("num_hidden_layers: 3", "num_hidden_layers: 2").replace("[0, 2]", "[0, 1]"),
        "odd.yaml",
        Path.of(""),
        List.of(),
        Use.PLAN);
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void readsBackAsAnEqualRecipe(Recipe recipe) {
    String text = recipe.resolved();
    Recipe again =
        Recipe.parse(text, "elsewhere/recipe.yaml", Path.of("elsewhere"), List.of(), Use.PLAN);
    assertEquals(recipe, again, text);
    assertEquals(text, again.resolved());
  }

  @Test
  void saysEveryEffectiveValueOnce() {
    String text = odd().resolved();
    assertTrue(text.startsWith("# Every effective value."), text);
    for (String line :
        List.of(
            "name: \"42\"",
            "arena: false",
            "memory_pattern: true",
            "target: portable",
            "mixed_precision: bf16",
            "tf32: true",
            "enable_cuda_graph: true",
            "  encoding: ISO-8859-1",
            "  num_train_epochs: 3",
            "  max_train_steps: 7",
            "  regression_kl: batch",
            "  mse_reduction: mean",
            "  kd:\n    kl_alpha: 4\n  lwd:\n    num_train_epochs: 1\n    mse_alpha: 3\n  ted: {}",
            "  checkpointing_steps: never")) {
      assertTrue(text.contains("\n" + line + "\n"), line + " in\n" + text);
    }
  }
}
