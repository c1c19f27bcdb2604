package dev.filtrate.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.filtrate.base.UserError;
import dev.filtrate.data.FileFormat;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.TaskSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TaskKeysTest {
  @TempDir Path folder;

  @BeforeEach
  void aModel() throws IOException {
    Files.createDirectory(folder.resolve("model"));
    Files.writeString(folder.resolve("model/config.json"), "{\"model_type\": \"bert\"}");
  }

  private TaskSpec task(String keys, Use use) {
    String text = "task: {%s}\nstudent: {model_name_or_path: model}\n".formatted(keys);
    return Recipe.parse(text, "r.yaml", folder, List.of(), use).requireTask();
  }

  private String refusal(String keys) {
    UserError e = assertThrows(UserError.class, () -> task(keys, Use.FINETUNE));
    return String.valueOf(e.getMessage()).replace(folder + "/", "");
  }

  private void file(String name) throws IOException {
    Files.writeString(folder.resolve(name), "x");
  }

  @Test
  void aFileOfAKnownTaskIsReadByItsNameThenByItsEnding() throws IOException {
    file("sts-test.csv");
    TaskSpec scores = task("task_name: stsb, validation_file: sts-test.csv", Use.EVALUATE);
    assertEquals(FileFormat.TSV, scores.layout().format());
    assertEquals("5", scores.layout().sentence1());
    assertEquals(ProblemType.REGRESSION, scores.problemType());
    assertEquals("spearmanr", scores.metric());
    file("mine.csv");
    TaskSpec own = task("task_name: stsb, validation_file: mine.csv", Use.EVALUATE);
    assertEquals(FileFormat.CSV, own.layout().format());
    assertEquals(List.of("label"), own.layout().labels());
    file("multinli_1.0_dev_matched.jsonl");
    TaskSpec inference =
        task("task_name: mnli, validation_file: multinli_1.0_dev_matched.jsonl", Use.EVALUATE);
    assertEquals(List.of("gold_label"), inference.layout().labels());
    file("dev.jsonl");
    TaskSpec keys = task("task_name: mnli, validation_file: dev.jsonl", Use.EVALUATE);
    assertEquals("premise", keys.layout().sentence1());
    assertEquals(List.of("entailment", "neutral", "contradiction"), keys.labels());
  }

  @Test
  void evaluationNeedsNoTrainingFile() throws IOException {
    file("dev.tsv");
    TaskSpec task = task("task_name: qnli, data_dir: .", Use.EVALUATE);
    assertEquals(folder.resolve("dev.tsv"), task.validationFile());
    assertEquals(task.validationFile(), task.trainFile());
    assertEquals(
        "r.yaml:1: task.data_dir: expected a file at train.tsv, found none",
        refusal("task_name: qnli, data_dir: .").lines().findFirst().orElse(""));
  }

  @Test
  void everyTaskButGluesNamesItsFiles() {
    assertEquals(
        "r.yaml:1: task.data_dir: goes with a task_name of [cola, sst2, mrpc, stsb, qqp, mnli,"
            + " qnli, rte, wnli]; other tasks give train_file and validation_file",
        line(refusal("task_name: trec, data_dir: ."), "data_dir: goes"));
    assertEquals(
        "r.yaml:1: task.data_dir: goes with a task_name of [cola, sst2, mrpc, stsb, qqp, mnli,"
            + " qnli, rte, wnli]; other tasks give train_file and validation_file; did you mean"
            + " 'sst2'?",
        line(refusal("task_name: SST-2, data_dir: ."), "data_dir: goes"));
    assertEquals(
        "r.yaml:1: task.format: t.xyz: the ending does not tell the format; give tsv, csv, jsonl,"
            + " trec or parquet",
        line(refusal("train_file: t.xyz, validation_fraction: 0.1"), "task.format"));
  }

  @Test
  void severalLabelsAndTheirMetricsAreCheckedAgainstTheTask() {
    String files = "train_file: t.csv, validation_fraction: 0.1, ";
    assertEquals(
        "r.yaml:1: task.label_key: several columns [a, b] are for problem_type"
            + " multi_label_classification",
        line(refusal(files + "label_key: [a, b]"), "task.label_key"));
    String several = files + "problem_type: multi_label_classification, ";
    assertEquals(
        "r.yaml:1: task.labels: expected a name for each of the 2 columns of label_key, got [x]",
        line(refusal(several + "label_key: [a, b], labels: [x]"), "task.labels"));
    assertEquals(
        "r.yaml:1: task.metric: expected one of [f1_micro, f1_macro, accuracy] for"
            + " multi_label_classification, got \"f1\"",
        line(refusal(several + "metric: f1"), "task.metric"));
    assertEquals(
        "r.yaml:1: task.mismatched_file: expected a file at mm.csv, found none",
        line(refusal(several + "mismatched_file: mm.csv"), "mismatched"));
  }

  private static String line(String message, String holds) {
    return message
        .lines()
        .map(String::strip)
        .filter(line -> line.contains(holds))
        .findFirst()
        .orElse(message);
  }
}
