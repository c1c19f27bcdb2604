package dev.filtrate.export;

import dev.filtrate.data.Example;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.squad.SquadTask;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.train.Evaluator;
import java.util.List;
import java.util.Map;

/** What a finished model is measured on: texts with labels, or questions about texts. */
public sealed interface ValidationSet permits DevSet, SquadSet {
  /**
   * Reads the validation examples of a recipe's task. What does not fit the model is a {@link
   * dev.filtrate.base.UserError}.
   */
  static ValidationSet read(Recipe recipe, ModelConfig model, Tokenizer tokenizer) {
    SquadTask squad = recipe.squad();
    return squad != null
        ? SquadSet.read(squad, tokenizer)
        : DevSet.read(recipe.requireTask(), model, tokenizer, recipe.seeds().get(0));
  }

  /** The task's name. */
  String task();

  /** How many examples there are. */
  int size();

  /** What is measured, the metric that selects first. */
  List<String> metrics();

  /** What was left out or cannot be answered, a sentence each. */
  List<String> notes();

  /** SHA-256 of the task's files, under the names of {@code provenance.json}. */
  Map<String, String> hashes();

  /** Some of the texts, as they stand in the files; questions with what they are asked of. */
  List<Example> samples();

  /** The examples in a fixed order, those of like length together. */
  Batches batches(int batchSize);

  /** Runs a model over the examples, and measures. */
  Evaluator evaluator(int batchSize);
}
