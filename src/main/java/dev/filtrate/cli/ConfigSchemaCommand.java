package dev.filtrate.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.recipe.RecipeSchema;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.CommandLine;

/** {@code filtrate config-schema}: what a recipe may hold, for editors. */
final class ConfigSchemaCommand implements Command {
  /** Where the schema comes along, in the folder {@code data}. */
  static final String FILE = "recipe.schema.json";

  /**
   * What no flag says: key and meaning, two spaces or more between them. A key without its block
   * means the same everywhere.
   */
  private static final String MEANINGS =
      """
      name                         of the run, and of its folder below runs/ (default: the recipe file's)
      task                         the data
      task.mismatched_file         more examples to evaluate on, from other sources, as MNLI has them
      task.format                  tsv, csv, jsonl, parquet or trec (default: by the file's ending)
      task.delimiter               the character between cells, or tab
      task.quoted                  whether cells may stand in quotes (default: in csv)
      task.encoding                of the characters (default utf-8)
      task.header                  whether the first line names the columns (default true)
      task.skip_short_rows         leave out and count rows that lack a column, instead of refusing them
      task.labels                  the classes in the order of their ids (default: those of the training file, sorted)
      task.metric                  selects the best model (default: by the task)
      tokenizer                    how texts become ids
      tokenizer.path               a folder, tokenizer.json, spm.model, vocab.txt or vocab.json (default: the student's folder, else the teacher's)
      tokenizer.pad_to_multiple_of  pad batches to a multiple of so many tokens (default 1)
      training                     what all stages share where they say nothing else
      teacher                      the model to learn from, and its stages
      teacher.model_name_or_path   the teacher: a Hugging Face folder, or the name of a fetched model
      teacher.config               a config, or the path of a config.json: a model from scratch, or keys that replace those of the folder
      student                      the model to make, and its stages
      student.model_name_or_path   the student: a Hugging Face folder, or the name of a fetched model
      student.config               a config, or the path of a config.json: a model from scratch, or keys that replace those of the folder
      teacher_layers               the layers of the teacher, from 0, that a student without a folder starts from
      ignore_mismatched_sizes      start a head or filters of another shape afresh instead of refusing them
      finetune                     Stage 0: everything learns the task
      learn_filters                Stage I: filters learn the task, the model is frozen
      filters                      where filters sit
      distill                      Stage II: what all methods share where they say nothing else
      methods                      what single methods do otherwise
      methods.kd                   logit distillation
      methods.lwd                  layer-wise distillation without learned filters
      methods.ted                  layer-wise distillation with them
      adam_beta1                   decay of the mean of gradients (default 0.9)
      adam_beta2                   decay of the mean of their squares (default 0.999)
      adam_epsilon                 added to the root of the latter (default 1e-8)
      group_by_length              texts of like length share a batch, which saves padding (default true)
      compare                      the methods that a run carries out: finetuned, kd, lwd, ted
      start                        of every method: fair: the same fine-tuned student; released: as the released scripts
      checkpoint                   when a run writes down where it is
      checkpoint.keep              how many of the last checkpoints of a stage stay
      export                       in which precisions the student is exported
      report                       what a run leaves for people to look at
      report.worst_examples        how many validation examples report.html quotes, the worst ones; 0: no text (default 20)
      """;

  @Override
  public String name() {
    return "config-schema";
  }

  @Override
  public String summary() {
    return "print the JSON schema of a recipe, by which editors complete and check it";
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example(
            "> recipe.schema.json",
            "then '# yaml-language-server: $schema=recipe.schema.json' on a recipe's first line"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    Flags.requireNoArguments(line);
    console.print(schema().toPrettyString());
    return DONE;
  }

  /** The schema with what flags say of their keys. */
  static ObjectNode schema() {
    Map<String, String> meanings = new HashMap<>(RecipeFlags.descriptions());
    MEANINGS
        .lines()
        .forEach(
            row -> {
              String[] cells = row.strip().split(" {2,}");
              meanings.put(cells[0], cells[1]);
            });
    return RecipeSchema.of(meanings);
  }
}
