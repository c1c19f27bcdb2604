package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.train.TinyTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stages one by one, as the released scripts call them. */
@Tag("ort")
class StageCommandTest {
  @TempDir private static Path folder;
  private static TinyTask task;

  @TempDir private Path own;

  /** Teacher and student, fine-tuned, then with filters; and a run that does the same. */
  @BeforeAll
  static void stages() {
    task = new TinyTask(folder);
    task.write("teacher.json", TinyTask.BERT_TEACHER);
    task.write("student.json", TinyTask.BERT_STUDENT);
    done("run", file("recipe.yaml"), "--output_dir", file("run"));
    stage("finetune", "teacher", "--config_name", file("teacher.json"), "--learning_rate", "1e-2");
    stage("finetune", "student", "--config_name", file("student.json"));
    stage(
        "learn-filters",
        "teacher-filters",
        "--model_name_or_path",
        file("teacher"),
        "--filter_interval",
        "2");
    stage(
        "learn-filters",
        "student-filters",
        "--model_name_or_path",
        file("student"),
        "--filter_output_dim",
        "16");
  }

  private static String file(String name) {
    return folder.resolve(name).toString();
  }

  private static Outcome done(String... arguments) {
    Outcome outcome = Captured.filtrate(arguments);
    assertEquals(0, outcome.code(), outcome.err());
    return outcome;
  }

  private static Outcome stage(String command, String out, String... flags) {
    return done(arguments(command, out, flags));
  }

  private static String[] arguments(String command, String out, String... flags) {
    List<String> all =
        new ArrayList<>(
            List.of(
                command,
                "--train_file=" + file("train.tsv"),
                "--validation_file=" + file("dev.tsv"),
                "--tokenizer_name=" + file("vocab.txt"),
                "--max_length=16",
                "--per_device_train_batch_size=4",
                "--num_train_epochs=3",
                "--weight_decay=0.01",
                "--num_warmup_steps=2",
                "--max_grad_norm=1",
                "--cls_dropout=0",
                "--hidn_dropout=0",
                "--att_dropout=0",
                "--seed=5",
                "--threads=1",
                "--output_dir=" + file(out)));
    all.addAll(List.of(flags));
    if (List.of(flags).stream().noneMatch(flag -> flag.startsWith("--learning_rate"))) {
      all.add("--learning_rate=4e-2");
    }
    return all.toArray(String[]::new);
  }

  private static void assertSameModel(String run, String single) {
    String weights = "model.safetensors";
    try {
      assertArrayEquals(
          Files.readAllBytes(folder.resolve("run").resolve(run).resolve(weights)),
          Files.readAllBytes(folder.resolve(single).resolve(weights)),
          single);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void stagesOneByOneMakeWhatARunMakes() {
    assertSameModel("teacher/finetuned", "teacher");
    assertSameModel("student/finetuned", "student");
    assertSameModel("teacher/filters", "teacher-filters");
    assertSameModel("student/filters", "student-filters");
    for (String method : List.of("ted", "lwd", "kd")) {
      boolean ted = method.equals("ted");
      Outcome outcome =
          stage(
              "distill",
              method,
              "--method=" + method,
              "--teacher_model_name_or_path=" + file(ted ? "teacher-filters" : "teacher"),
              "--model_name_or_path=" + file(ted ? "student-filters" : "student"),
              "--teacher_filter_interval=2",
              "--kl_alpha=1",
              "--mse_alpha=1");
      assertSameModel(method, method);
      assertTrue(
          outcome
              .out()
              .matches(
                  "accuracy  \\d\\.\\d{4}\nf1  \\d\\.\\d{4}\nmatthews_correlation  \\d\\.\\d{4}\n"
                      + file(method)
                      + "\n"),
          outcome.out());
      assertTrue(outcome.err().contains(method + ": 27 updates\n"), outcome.err());
    }
  }

  @Test
  void aStagesFolderIsAModelAndARun() throws IOException {
    for (String file :
        List.of(
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "recipe.yaml",
            "environment.json",
            "metrics.jsonl",
            "results.json")) {
      assertTrue(Files.isRegularFile(folder.resolve("teacher-filters").resolve(file)), file);
    }
    assertFalse(Files.exists(folder.resolve("teacher-filters/.model")));
    String config = Files.readString(folder.resolve("teacher-filters/config.json"));
    assertTrue(config.contains("\"filter_interval\": 2"), config);
    assertTrue(config.contains("\"train_filters\": true"), config);
    assertFalse(Files.readString(folder.resolve("teacher/config.json")).contains("filter"));
  }

  @Test
  void whoKnowsNothingButTheMetricsIsNotToldMore() {
    Outcome outcome =
        stage(
            "finetune",
            own.resolve("quiet").toString(),
            "--model_name_or_path=" + file("student"),
            "--max_train_steps=1",
            "--quiet");
    assertEquals("", outcome.err());
    assertEquals(4, outcome.out().lines().count());
  }

  /** What is said after the notes. */
  private String refused(String command, String... flags) {
    Outcome outcome =
        Captured.filtrate(arguments(command, own.resolve("refused").toString(), flags));
    assertEquals(2, outcome.code(), outcome.out() + outcome.err());
    assertEquals("", outcome.out());
    String last = outcome.err().substring(outcome.err().indexOf("filtrate: "));
    assertEquals(1, last.lines().count(), outcome.err());
    return last.substring("filtrate: ".length()).stripTrailing();
  }

  private String distilRefused(String... flags) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "--teacher_model_name_or_path=" + file("teacher"),
                "--model_name_or_path=" + file("student"),
                "--kl_alpha=1"));
    all.addAll(List.of(flags));
    return refused("distill", all.toArray(String[]::new));
  }

  @Test
  void wrongFlagsAreAnsweredBeforeAnythingStarts() {
    assertEquals(
        "--method: compare: expected a list, each one of finetuned, kd, lwd, ted, got \"tde\"",
        distilRefused("--method=tde"));
    assertEquals(
        "--method: compare: expected one of kd, lwd, ted (--method), got [finetuned]",
        distilRefused("--method=finetuned"));
    assertEquals(
        "--method: compare: expected one of kd, lwd, ted (--method), got [kd, lwd]",
        distilRefused("--method=kd,lwd", "--mse_alpha=1", "--teacher_filter_interval=2"));
    assertEquals(
        "--mse_alpha: distill.mse_alpha: ted needs mse_alpha above 0, got 0",
        distilRefused("--method=ted", "--mse_alpha=0", "--teacher_filter_interval=2"));
    assertEquals(
        "--kl_alpha: distill.kl_alpha: expected a number of at least 0, got \"much\"",
        distilRefused("--kl_alpha=much", "--method=kd"));
    assertEquals("expected flags only, got 'now'", distilRefused("now"));
    assertEquals(
        "seed: a single stage has one seed, got [1, 2]",
        refused("finetune", "--model_name_or_path=" + file("student"), "--seed=1,2"));
    assertFalse(Files.exists(own.resolve("refused")));
  }

  @Test
  void whatIsNotThereIsNamed() {
    assertEquals(
        "the command line: student.model_name_or_path: missing: give a Hugging Face folder, or a"
            + " config for a model from scratch",
        refused("finetune"));
    assertEquals(
        "--model_name_or_path: student.model_name_or_path: expected a Hugging Face folder at "
            + file("nowhere")
            + ", found none; a model of the hub is downloaded by 'filtrate fetch NAME'",
        refused("finetune", "--model_name_or_path=" + file("nowhere")));
    assertEquals(
        file("teacher")
            + ": holds no filters for ted (expected bert.encoder.layer.1.filter.weight); make them"
            + " with learn-filters, or distil with lwd",
        distilRefused("--method=ted", "--mse_alpha=1", "--teacher_filter_interval=2"));
  }

  @Test
  void filtersOfAnotherWidthAreNamed() {
    String message =
        refused(
            "distill",
            "--method=ted",
            "--teacher_model_name_or_path=" + file("teacher-filters"),
            "--model_name_or_path=" + file("student-filters"),
            "--teacher_filter_interval=2",
            "--filter_output_dim=4",
            "--mse_alpha=1");
    assertTrue(
        message.startsWith(
            file("teacher-filters")
                + ": the head does not fit the task: bert.encoder.layer.1.filter.weight (expected"
                + " [4, 16], found [16, 16])"),
        message);
  }

  @Test
  void aHeadOfAnotherShapeIsRefusedUnlessItMayStartAfresh() {
    task.write("three.tsv", "sentence\tlabel\ngood film\t0\nbad film\t1\nfilm\t2\n");
    String[] flags = {
      "--model_name_or_path=" + file("student"),
      "--train_file=" + file("three.tsv"),
      "--validation_file=" + file("three.tsv"),
      "--max_train_steps=1"
    };
    String message = refused("finetune", flags);
    assertTrue(
        message.startsWith(
            file("student")
                + ": the head does not fit the task: classifier.weight (expected [3, 8], found [2,"
                + " 8])"),
        message);
    List<String> more = new ArrayList<>(List.of(flags));
    more.add("--ignore_mismatched_sizes");
    Outcome outcome =
        stage("finetune", own.resolve("afresh").toString(), more.toArray(String[]::new));
    assertTrue(
        outcome.err().contains("initialised afresh: classifier.weight, classifier.bias\n"),
        outcome.err());
  }

  @Test
  void aFinishedStageThatResumesTellsItsMetricsAgain() {
    String[] flags = {"--model_name_or_path=" + file("student"), "--max_train_steps=2"};
    String out = own.resolve("once").toString();
    Outcome first = stage("finetune", out, flags);
    assertTrue(first.err().contains("student/finetuned: 2 updates\n"), first.err());
    Outcome again = stage("finetune", out, "--resume", flags[0], flags[1]);
    assertEquals(first.out(), again.out());
    assertFalse(again.err().contains("updates"), again.err());
  }
}
