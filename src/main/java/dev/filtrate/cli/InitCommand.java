package dev.filtrate.cli;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.Survey;
import dev.filtrate.data.TaskProposal;
import dev.filtrate.recipe.RecipeDraft;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate init}: a first recipe for a data file of one's own. */
final class InitCommand implements Command {
  private static final String DATA = "data";
  private static final String VALIDATION = "validation_file";
  private static final String TEACHER = "teacher_model_name_or_path";
  private static final String STUDENT = "model_name_or_path";
  private static final String SENTENCE1 = "sentence1_key";
  private static final String SENTENCE2 = "sentence2_key";
  private static final String LABEL = "label_key";
  private static final String TYPE = "problem_type";
  private static final String OUTPUT = "output";
  private static final String FORCE = "force";

  @Override
  public String name() {
    return "init";
  }

  @Override
  public String summary() {
    return "look at a data file of your own and write a first recipe for it, with comments";
  }

  @Override
  public Options options() {
    return new Options()
        .addOption(Flags.valued(DATA, "FILE", "the examples: csv, tsv, JSON lines or Parquet"))
        .addOption(
            Flags.valued(
                VALIDATION,
                "FILE",
                "examples to evaluate on (default: dev.csv beside train.csv, or a part held out)"))
        .addOption(Flags.valued(SENTENCE1, "COLUMN", "column of the text (default: guessed)"))
        .addOption(Flags.valued(SENTENCE2, "COLUMN", "column of a second text (default: guessed)"))
        .addOption(
            Flags.valued(
                LABEL,
                "COLUMN",
                "column of the label; several, with commas, of 0 and 1 (default: guessed)"))
        .addOption(
            Flags.valued(
                TYPE,
                "TYPE",
                "single_label_classification, multi_label_classification or regression (default:"
                    + " guessed)"))
        .addOption(
            Flags.valued(
                TEACHER, "FOLDER", "the teacher, pretrained (default: a small one from scratch)"))
        .addOption(
            Flags.valued(
                STUDENT,
                "FOLDER",
                "the student, pretrained (default: every other layer of the teacher)"))
        .addOption(
            Flags.valued(
                OUTPUT, "FILE", "the recipe to write (default: the data's name, .yaml, here)"))
        .addOption(Flags.flag(FORCE, "replace a recipe that is there"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example("--data reviews.csv", "writes reviews.yaml; then: filtrate run reviews.yaml"),
        new Example(
            "--data train.parquet --label_key intent --output intents.yaml",
            "where the guess would be wrong"),
        new Example(
            "--data reviews.csv --teacher_model_name_or_path deberta-v3-base"
                + " --model_name_or_path deberta-v3-xsmall",
            "with pretrained models: folders, or names that 'filtrate fetch' brought"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    List<String> words = line.getArgList();
    String named = line.getOptionValue(DATA);
    Check.user(
        words.size() + (named == null ? 0 : 1) == 1,
        "expected one data file, got %s; give it as --data FILE",
        named == null && words.isEmpty() ? "none" : "'" + String.join(" ", words) + "' too");
    Path data = Path.of(named == null ? words.get(0) : named);
    Path recipe = recipe(line, data);
    Check.user(
        !Files.exists(recipe) || line.hasOption(FORCE),
        "%s: exists already; choose another --output, or say --force",
        recipe);
    Path schema = Home.folder().resolve("data").resolve(ConfigSchemaCommand.FILE);
    RecipeDraft draft =
        RecipeDraft.of(
            Survey.of(data),
            new RecipeDraft.Wishes(
                recipe,
                choices(line),
                line.getOptionValue(TEACHER),
                line.getOptionValue(STUDENT),
                Files.isRegularFile(schema) ? schema : null));
    console.printf("%s, as it was understood:", data);
    draft.assumptions().forEach(assumption -> console.print("- " + assumption));
    console.print("");
    String vocabulary = draft.vocabulary();
    if (vocabulary != null) {
      Path file = RecipeDraft.vocabularyFile(recipe);
      AtomicFiles.writeText(file, vocabulary);
      console.printf("wrote %s", file);
    }
    AtomicFiles.writeText(recipe, draft.yaml());
    console.printf("wrote %s", recipe);
    console.printf("next: filtrate plan %s, filtrate run %s", recipe, recipe);
    return DONE;
  }

  private static Path recipe(CommandLine line, Path data) {
    String output = line.getOptionValue(OUTPUT);
    String stem = String.valueOf(data.getFileName()).replaceFirst("\\.[^.]*$", "");
    return Path.of(output == null ? stem + ".yaml" : output);
  }

  private static TaskProposal.Choices choices(CommandLine line) {
    String labels = line.getOptionValue(LABEL);
    String validation = line.getOptionValue(VALIDATION);
    String type = line.getOptionValue(TYPE);
    return new TaskProposal.Choices(
        line.getOptionValue(SENTENCE1),
        line.getOptionValue(SENTENCE2),
        labels == null ? List.of() : Arrays.asList(labels.split(",")),
        type == null ? null : ProblemType.named(type),
        validation == null ? null : Path.of(validation));
  }
}
