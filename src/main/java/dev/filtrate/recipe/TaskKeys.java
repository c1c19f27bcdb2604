package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Spelling;
import dev.filtrate.base.UserError;
import dev.filtrate.data.FileFormat;
import dev.filtrate.data.GlueTask;
import dev.filtrate.data.Layout;
import dev.filtrate.data.Metrics;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.TaskSpec;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The block {@code task} of a recipe: its keys to a {@link TaskSpec} and back. */
final class TaskKeys {
  private static final Kind<ProblemType> PROBLEM_TYPE =
      Kind.scalar(
              "one of single_label_classification, multi_label_classification, regression",
              text ->
                  Arrays.stream(ProblemType.values())
                      .filter(type -> type.id().equals(text))
                      .findFirst()
                      .orElse(null))
          .told(Kind.oneOf(Arrays.stream(ProblemType.values()).map(ProblemType::id).toList()));

  private static final Kind<List<String>> LABELS = Kind.listOf(Kind.TEXT);

  private static final Kind<Charset> ENCODING =
      Kind.scalar(
          "the name of an encoding such as utf-8 or latin1",
          text -> {
            try {
              return Layout.encoding(text);
            } catch (UserError e) {
              return null;
            }
          });

  private static final Kind<Character> DELIMITER =
      Kind.scalar(
          "one character, or tab",
          text -> {
            String one = text.equals("tab") ? "\t" : text;
            return one.length() == 1 ? Character.valueOf(one.charAt(0)) : null;
          });

  private TaskKeys() {}

  /** Reads the block; null when no training file can be made out of it (noted if one is needed). */
  static @Nullable TaskSpec read(Config c, Use use) {
    String name = c.find("task_name", Kind.WORD);
    Path train = c.find("train_file", Kind.INPUT_PATH);
    Path validation = c.find("validation_file", Kind.INPUT_PATH);
    double fraction = c.get("validation_fraction", Kind.fraction(), 0.0);
    GlueTask glue = name == null ? null : GlueTask.find(name);
    folder(c, name, glue);
    TaskSpec known = glue == null ? null : inFolder(c, glue);
    Layout layout = layout(c, usual(c, glue, known, train != null ? train : validation));
    Path mismatched = c.find("mismatched_file", Kind.INPUT_PATH);
    if (known != null) {
      train = train == null ? known.trainFile() : train;
      validation = validation == null && fraction == 0 ? known.validationFile() : validation;
      mismatched = mismatched == null ? known.mismatchedFile() : mismatched;
    }
    boolean absent = known != null && train != null && !Files.exists(train);
    if ((train == null || absent) && validation != null && use.needsWeights()) {
      train = validation; // nothing is trained, and the labels are the model's
    }
    ProblemType type =
        c.get(
            "problem_type",
            PROBLEM_TYPE,
            glue == null ? ProblemType.SINGLE_LABEL_CLASSIFICATION : glue.problemType());
    TaskSpec task =
        new TaskSpec(
            name != null ? name : train != null ? stem(train) : "task",
            train != null ? train : Path.of(""),
            validation,
            mismatched,
            layout,
            type,
            c.get("labels", LABELS, glue == null ? List.of() : glue.labels()),
            metric(c, type, glue),
            fraction,
            c.get("max_train_samples", Kind.wholeFrom(0), 0),
            c.get("max_eval_samples", Kind.wholeFrom(0), 0));
    if (train == null) {
      missing(c, use, name);
      return null;
    }
    check(c, task, use);
    return task;
  }

  /** A GLUE task with its files, if there is a folder. */
  private static @Nullable TaskSpec inFolder(Config c, GlueTask task) {
    Path folder = c.find("data_dir", Kind.INPUT_PATH);
    return folder == null ? null : task.spec(folder);
  }

  /**
   * The layout of the files, from which keys may differ.
   *
   * @param known the task with the files of its folder, if there is one
   * @param given the file that is given by name, if any
   */
  private static Layout usual(
      Config c, @Nullable GlueTask glue, @Nullable TaskSpec known, @Nullable Path given) {
    FileFormat said = c.find("format", Kind.choice(FileFormat.class));
    Layout own = given == null || glue == null ? null : glue.layout(given);
    if (said == null && own != null) {
      return own;
    }
    FileFormat ending = given == null ? null : byEnding(c, given);
    FileFormat format = said != null ? said : ending;
    if (known != null && given == null && (format == null || format == known.layout().format())) {
      return known.layout();
    }
    format = format == null ? FileFormat.TSV : format;
    if (glue != null) {
      return glue.layout(format);
    }
    return format == FileFormat.TREC
        ? Layout.of(format, "text", null, "coarse")
        : Layout.of(format, "sentence", null, "label");
  }

  private static @Nullable FileFormat byEnding(Config c, Path file) {
    try {
      return FileFormat.of(file);
    } catch (UserError e) {
      if (!c.has("format")) {
        c.problem(
            "format",
            "%s: the ending does not tell the format; give tsv, csv, jsonl, trec or parquet",
            file);
      }
      return null;
    }
  }

  private static Layout layout(Config c, Layout usual) {
    String sentence2 = c.find("sentence2_key", Kind.WORD);
    char delimiter = c.get("delimiter", DELIMITER, usual.delimiter());
    boolean quoted = c.get("quoted", Kind.FLAG, usual.quoted());
    if (quoted && delimiter == '"') {
      c.problem("delimiter", "a quote cannot part cells that are quoted; set quoted: false");
      quoted = false;
    }
    return new Layout(
        usual.format(),
        delimiter,
        quoted,
        c.get("encoding", ENCODING, usual.encoding()),
        c.get("header", Kind.FLAG, usual.header()),
        c.get("sentence1_key", Kind.WORD, usual.sentence1()),
        sentence2 == null ? usual.sentence2() : sentence2,
        c.get("label_key", Kind.listOf(Kind.WORD), usual.labels()),
        c.get("skip_short_rows", Kind.FLAG, usual.skipShort()));
  }

  private static String metric(Config c, ProblemType type, @Nullable GlueTask glue) {
    boolean fits = glue != null && glue.problemType() == type;
    List<String> possible = Metrics.of(type);
    String metric =
        c.get("metric", Kind.WORD, glue != null && fits ? glue.metric() : possible.get(0));
    if (!possible.contains(metric)) {
      c.problem("metric", "expected one of %s for %s, got \"%s\"", possible, type.id(), metric);
    }
    return metric;
  }

  /** A folder is read by a task's name; other tasks name their files. */
  private static void folder(Config c, @Nullable String name, @Nullable GlueTask glue) {
    if (glue == null && c.find("data_dir", Kind.INPUT_PATH) != null) {
      c.problem(
          "data_dir",
          "goes with a task_name of %s; other tasks give train_file and validation_file%s",
          GlueTask.ids(),
          name == null ? "" : Spelling.suggestion(name, GlueTask.ids()));
    }
  }

  private static void missing(Config c, Use use, @Nullable String name) {
    if (use.needsTask() && name != null) {
      c.problem("train_file", "missing: give it, or a data_dir and one of GLUE's names");
    } else if (use.needsTask()) {
      c.problem("task_name", "missing: give task_name and data_dir, or train_file");
    }
  }

  private static void check(Config c, TaskSpec task, Use use) {
    for (String problem : task.problems()) { // "key: what is wrong"
      int colon = problem.indexOf(": ");
      c.problem(problem.substring(0, colon), "%s", problem.substring(colon + 2));
    }
    if (task.metric().equals("f1") && task.labels().size() > 2) {
      c.problem("metric", "f1 is for two classes, not %d; use f1_macro", task.labels().size());
    }
    if (use.needsFiles()) {
      mustExist(c, "train_file", task.trainFile());
      mustExist(c, "validation_file", task.validationFile());
      mustExist(c, "mismatched_file", task.mismatchedFile());
    }
  }

  private static void mustExist(Config c, String key, @Nullable Path file) {
    if (file != null && !Files.isRegularFile(file)) {
      String named = c.has(key) || !c.has("data_dir") ? key : "data_dir";
      c.problem(named, "expected a file at %s, found none", file);
    }
  }

  private static String stem(Path file) {
    return String.valueOf(file.getFileName()).replaceFirst("\\.[^.]*$", "");
  }

  /** Writes all keys; files by name, so that nothing depends on GLUE's layout of a folder. */
  static ObjectNode write(TaskSpec task) {
    Layout layout = task.layout();
    return new Keys()
        .put("task_name", task.name())
        .put("train_file", task.trainFile())
        .put("validation_file", task.validationFile())
        .put("mismatched_file", task.mismatchedFile())
        .put("validation_fraction", task.validationFraction())
        .put("max_train_samples", task.maxTrainSamples())
        .put("max_eval_samples", task.maxEvalSamples())
        .put("format", layout.format())
        .put("delimiter", layout.delimiter() == '\t' ? "tab" : String.valueOf(layout.delimiter()))
        .put("quoted", layout.quoted())
        .put("encoding", layout.encoding().name())
        .put("header", layout.header())
        .put("sentence1_key", layout.sentence1())
        .put("sentence2_key", layout.sentence2())
        .put("label_key", layout.labels().size() == 1 ? layout.labels().get(0) : layout.labels())
        .put("skip_short_rows", layout.skipShort())
        .put("problem_type", task.problemType().id())
        .put("labels", task.labels().isEmpty() ? null : task.labels())
        .put("metric", task.metric())
        .object();
  }
}
