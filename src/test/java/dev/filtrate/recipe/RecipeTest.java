package dev.filtrate.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.data.GlueTask;
import dev.filtrate.model.Objective.Divergence;
import dev.filtrate.model.Objective.Reduction;
import dev.filtrate.runtime.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class RecipeTest {
  private static final Path FOLDER = Path.of("").toAbsolutePath().resolve("recipes");

  private static final String GOOD =
      """
      seed: 42
      task: {task_name: sst2, data_dir: data}
      tokenizer: {path: vocab.txt, max_length: 64}
      teacher:
        config: {model_type: bert, num_hidden_layers: 4, hidden_size: 48}
      student:
        config: {model_type: bert, num_hidden_layers: 2, hidden_size: 24}
      filters: {teacher_filter_interval: 2}
      distill:
        kl_alpha: 20
        mse_alpha: 10
      """;

  private static Recipe read(String text, String... sets) {
    List<Setting> settings = List.of(sets).stream().map(Setting::assignment).toList();
    return Recipe.parse(text, "job.yaml", FOLDER, settings, Use.PLAN);
  }

  private static String problems(String text, String... sets) {
    return message(() -> read(text, sets));
  }

  private static String message(Executable refused) {
    return String.valueOf(assertThrows(UserError.class, refused).getMessage());
  }

  @Test
  void readsWhatIsThereAndDefaultsTheRest() {
    Recipe recipe = read(GOOD);
    assertEquals("job", recipe.name());
    assertEquals(List.of(42L), recipe.seeds());
    assertEquals(Path.of("runs/job").toAbsolutePath(), recipe.outputDir());
    assertEquals(Device.CPU, recipe.device());
    assertEquals(GlueTask.SST2.spec(FOLDER.resolve("data")), recipe.requireTask());
    assertEquals(FOLDER.resolve("vocab.txt"), recipe.tokenizerPath().orElseThrow());
    assertEquals(List.of(Method.values()), recipe.compare());
    assertEquals(Start.FAIR, recipe.start());
    assertEquals(4, recipe.teacherConfig().orElseThrow().numHiddenLayers());
    assertEquals(
        new FilterSettings(
            1,
            2,
            OptionalInt.empty(),
            false,
            false,
            true,
            FrozenCacheSettings.none("frozen_cache")),
        recipe.filters());
    assertEquals(20, recipe.settings(Method.KD).objective().klAlpha());
    assertEquals(0, recipe.settings(Method.KD).objective().mseAlpha());
    assertEquals(10, recipe.settings(Method.TED).objective().mseAlpha());
    assertEquals(2, recipe.settings(Method.TED).objective().temperature());
    assertEquals(Evaluation.NONE, recipe.teacher().learnFilters().evaluation());
  }

  @Test
  void stagesInheritFromTrainingAndMethodsFromDistill() {
    Recipe recipe =
        read(
            GOOD,
            "training.learning_rate=1e-3",
            "teacher.finetune.learning_rate=2e-3",
            "distill.num_train_epochs=7",
            "methods.lwd.mse_alpha=99");
    assertEquals(2e-3, recipe.teacher().finetune().schedule().learningRate());
    assertEquals(1e-3, recipe.student().finetune().schedule().learningRate());
    assertEquals(1e-3, recipe.settings(Method.TED).stage().schedule().learningRate());
    assertEquals(7, recipe.settings(Method.KD).stage().numTrainEpochs());
    assertEquals(99, recipe.settings(Method.LWD).objective().mseAlpha());
    assertEquals(10, recipe.settings(Method.TED).objective().mseAlpha());
  }

  @Test
  void aFlagWinsOverASettingOverTheFileOverTheDefault() {
    List<Setting> settings = new ArrayList<>();
    assertEquals(0.0, kl(GOOD.replace("kl_alpha: 20", "kl_alpha: 0"), settings, "[ted]"));
    assertEquals(20, kl(GOOD, settings, "[kd]"));
    settings.add(Setting.assignment("distill.kl_alpha=3"));
    settings.add(Setting.assignment("distill.kl_alpha=4"));
    assertEquals(4, kl(GOOD, settings, "[kd]"));
    settings.add(Setting.flag("--kl_alpha", "distill.kl_alpha", "5"));
    assertEquals(5, kl(GOOD, settings, "[kd]"));
  }

  private static double kl(String text, List<Setting> settings, String compare) {
    List<Setting> all = new ArrayList<>(settings);
    all.add(0, Setting.assignment("compare=" + compare));
    return Recipe.parse(text, "job.yaml", FOLDER, all, Use.PLAN).distill().objective().klAlpha();
  }

  @Test
  void tellsEverythingThatIsWrongAtOnceWithItsLine() {
    String bad =
        """
        nmae: x
        seed: [1, 1]
        threads: -2
        task:
          task_name: sst2
          train_file: nowhere.tsv
          metrik: accuracy
        training:
          learning_rate: fast
          lr_scheduler_type: linaer
          kl_alpha: 3
        tokenizer: vocab.txt
        teacher:
          config: {model_type: bert, hidden_size: 30}
        student:
          config:
            model_type: gpt
        distill:
          mse_alpha: 0
          temperature: 0
        methods:
          kd: {mse_alpha: 2}
        compare: [ted, kd]
        """;
    assertEquals(
        """
        16 problems in the recipe:
          job.yaml:1: unknown key 'nmae'; did you mean 'name'?
          job.yaml:2: seed: holds a value twice: [1, 1]
          job.yaml:3: threads: expected a whole number of at least 0, got -2
          job.yaml:4: task.validation_file: give a file, or hold a part of train_file out with\
         validation_fraction (above 0 and below 1)
          job.yaml:7: unknown key 'task.metrik'; did you mean 'metric'?
          job.yaml:9: training.learning_rate: expected a number above 0, got "fast"
          job.yaml:10: training.lr_scheduler_type: expected one of linear, cosine,\
         cosine_with_restarts, polynomial, constant, constant_with_warmup, got "linaer"
          job.yaml:11: unknown key 'training.kl_alpha'; it belongs under 'distill'
          job.yaml:12: tokenizer: expected a block of keys, got "vocab.txt"
          job.yaml:14: teacher.config: 'hidden_size' 30 is not a multiple of\
         'num_attention_heads' 12
          job.yaml:16: student.config: model_type 'gpt' is not supported; expected one of bert,\
         deberta-v2, distilbert, electra, roberta, ted-deberta-v2
          job.yaml:18: distill.kl_alpha: kd needs kl_alpha above 0, got 0
          job.yaml:19: distill.mse_alpha: ted needs mse_alpha above 0, got 0
          job.yaml:20: distill.temperature: expected a number above 0, got 0
          job.yaml:22: methods.kd.mse_alpha: kd has no layer-wise term; leave it out, or use lwd
          --set filters.filter_intervall: unknown key 'filters.filter_intervall'; did you mean\
         'filter_interval'?"""
            .replace("\\\n", ""),
        problems(bad, "filters.filter_intervall=2"));
  }

  @Test
  void oneProblemIsOneSentence() {
    assertEquals(
        "job.yaml:1: seed: expected a list, each a whole number, got \"soon\"",
        problems(GOOD.replace("seed: 42", "seed: soon")));
  }

  @Test
  void teacherAndStudentNeedTheSameNumberOfFilters() {
    assertEquals(
        "job.yaml:8: filters.teacher_filter_interval: teacher and student need the same number of"
            + " filters, but 4 layers every 1 make 4 and 2 layers every 1 make 2",
        problems(GOOD.replace("teacher_filter_interval: 2", "teacher_filter_interval: 1")));
    assertEquals(
        "--set filters.filter_interval: filters.filter_interval: 3 leaves the student's 2 layers"
            + " without a filter",
        problems(
                GOOD,
                "filters.filter_interval=3",
                "filters.teacher_filter_interval=5",
                "compare=ted")
            .lines()
            .filter(l -> l.contains("student's"))
            .findFirst()
            .orElseThrow()
            .strip());
    assertEquals(
        List.of(Method.KD), read(GOOD, "filters.filter_interval=9", "compare=kd").compare());
  }

  @Test
  void whatCannotGoTogetherIsTold() {
    assertOne("training.save_best=true training.eval_steps=never", "eval_steps: never");
    assertOne("training.lr_scheduler_type=constant training.num_warmup_steps=5", "no warm-up");
    assertOne("filters.filter_disabled=true", "ted needs filters; use lwd or kd without them");
    assertOne("distill.kl_mask_padding=true", "is for question answering; other answers have no");
    assertOne("distill.regression_kl=mse", "mse is for a single score (problem_type regression)");
    assertOne("distill.num_train_epochs=0", "distillation needs at least one epoch");
    assertOne("tokenizer.max_length=600", "600 is more than the teacher's 512 positions");
    assertOne("task.labels=[one]", "expected at least two classes");
    assertOne("task.metric=pearson", "for single_label_classification, got \"pearson\"");
    assertOne("student.teacher_layers=[0,9] student.config=null", "expected layers from 0 to 3");
  }

  private static void assertOne(String sets, String part) {
    String message = problems(GOOD, sets.split(" "));
    assertTrue(message.contains(part), message);
  }

  @Test
  void aTeacherIsNeededOnlyToDistil() {
    String alone = GOOD.replaceAll("(?s)teacher:\n.*student:", "student:");
    assertTrue(
        problems(alone).contains("job.yaml: teacher.model_name_or_path: missing: give a Hugging"));
    assertEquals(List.of(Method.FINETUNED), read(alone, "compare=[finetuned]").compare());
  }

  @Test
  void aStudentCanStartFromLayersOfItsTeacher() {
    Recipe recipe = read(GOOD, "student.config=null", "student.teacher_layers=[1,3]");
    assertEquals(2, recipe.studentConfig().orElseThrow().numHiddenLayers());
    assertEquals(48, recipe.studentConfig().orElseThrow().hiddenSize());
    assertEquals(List.of(1, 3), recipe.student().teacherLayers());
  }

  @Test
  void oneScoreIsDistilledOverTheBatchAsReleased() {
    String task = "task: {train_file: a.csv, validation_fraction: 0.1, problem_type: regression}";
    Recipe recipe = read(GOOD.replace("task: {task_name: sst2, data_dir: data}", task));
    assertEquals(Divergence.BATCH, recipe.settings(Method.KD).objective().divergence());
    assertEquals(Reduction.MEAN, recipe.settings(Method.TED).objective().reduction());
    Recipe sane =
        read(
            GOOD.replace("task: {task_name: sst2, data_dir: data}", task),
            "distill.regression_kl=mse",
            "methods.ted.regression_kl=batch",
            "distill.mse_reduction=sum");
    assertEquals(Divergence.MSE, sane.settings(Method.KD).objective().divergence());
    assertEquals(Divergence.BATCH, sane.settings(Method.TED).objective().divergence());
    assertEquals(Reduction.SUM, sane.settings(Method.LWD).objective().reduction());
    assertEquals("spearmanr", recipe.requireTask().metric());
    assertEquals("a", recipe.requireTask().name());
    assertEquals(',', recipe.requireTask().layout().delimiter());
  }

  @Test
  void aSingleDistillationDoesWhatTheReleasedFlagsMean() {
    assertEquals(List.of(Method.TED), distil("5", "20", "false").compare());
    assertEquals(List.of(Method.LWD), distil("5", "20", "true").compare());
    assertEquals(List.of(Method.KD), distil("5", "0", "true").compare());
    assertEquals(List.of(Method.KD), distil("5", "0", "false").compare());
    String message = message(() -> distil("0", "0", "false"));
    assertTrue(message.contains("kd needs kl_alpha above 0"), message);
  }

  private static Recipe distil(String kl, String mse, String disabled) {
    List<Setting> settings =
        List.of(
            Setting.flag("--kl_alpha", "distill.kl_alpha", kl),
            Setting.flag("--mse_alpha", "distill.mse_alpha", mse),
            Setting.assignment("task.max_eval_samples=5"),
            Setting.assignment("filters.filter_disabled=" + disabled));
    try {
      Path data = Files.createTempDirectory("recipe");
      for (String file : List.of("train.tsv", "dev.tsv", "vocab.txt")) {
        Files.writeString(data.resolve(file), "");
      }
      Files.writeString(data.resolve("config.json"), "{\"model_type\": \"bert\"}");
      String text =
          GOOD.replace("data_dir: data", "data_dir: .")
              .replace("teacher:\n", "teacher:\n  model_name_or_path: .\n");
      return Recipe.parse(text, "job.yaml", data, settings, Use.DISTILL);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void filesMustBeThereBeforeAnythingStarts(@TempDir Path folder) {
    String message = message(() -> Recipe.parse(GOOD, "job.yaml", folder, List.of(), Use.RUN));
    assertEquals(
        """
        3 problems in the recipe:
          job.yaml:2: task.data_dir: expected a file at %1$s/data/train.tsv, found none
          job.yaml:2: task.data_dir: expected a file at %1$s/data/dev.tsv, found none
          job.yaml:3: tokenizer.path: expected a tokenizer at %1$s/vocab.txt, found none"""
            .formatted(folder),
        message);
  }

  @Test
  void aMissingModelFolderIsToldButAPlanCanDoWithTheConfig(@TempDir Path folder) {
    String text = GOOD.replace("teacher:\n", "teacher:\n  model_name_or_path: nowhere\n");
    assertEquals(4, read(text).teacherConfig().orElseThrow().numHiddenLayers());
    String message = message(() -> Recipe.parse(text, "job.yaml", folder, List.of(), Use.RUN));
    assertTrue(
        message.contains(
            "job.yaml:5: teacher.model_name_or_path: expected a Hugging Face folder at "
                + folder.resolve("nowhere")
                + ", found none; a model of the hub is downloaded by 'filtrate fetch NAME'"),
        message);
  }

  @Test
  void keysOfARecipeReplaceThoseOfAFoldersConfig(@TempDir Path folder) throws IOException {
    Files.writeString(
        folder.resolve("config.json"),
        "{\"model_type\": \"bert\", \"num_hidden_layers\": 6, \"hidden_size\": 24}");
    String text =
        GOOD.replace(
            "config: {model_type: bert, num_hidden_layers: 4, hidden_size: 48}",
            "{model_name_or_path: " + folder + ", config: {num_hidden_layers: 4}}");
    assertEquals(4, read(text).teacherConfig().orElseThrow().numHiddenLayers());
    assertEquals(24, read(text).teacherConfig().orElseThrow().hiddenSize());
  }

  @Test
  void aConfigCanBeAFile(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("small.json");
    Files.writeString(file, "{\"model_type\": \"bert\", \"num_hidden_layers\": 2}");
    Recipe recipe = read(GOOD, "student.config=" + file);
    assertEquals(768, recipe.studentConfig().orElseThrow().hiddenSize());
    assertTrue(
        problems(GOOD, "student.config=" + folder.resolve("none.json"))
            .startsWith(
                "--set student.config: student.config: expected a block of keys or the path of a"
                    + " config.json, got \""));
  }

  @Test
  void whatIsNoYamlIsToldWithItsLine() {
    assertTrue(
        problems("a: [1, 2\nb: 3").startsWith("job.yaml:2: not readable as YAML: expected ',' or"),
        problems("a: [1, 2\nb: 3"));
    assertEquals("job.yaml:2: key 'seed' is there twice; keep one", problems("seed: 1\nseed: 2\n"));
    assertEquals(
        "job.yaml:1: expected a block of keys such as 'seed: 42', got a list",
        problems("- 1\n- 2\n"));
    assertEquals(
        "job.yaml:3: a second document starts here; keep one", problems("a: 1\n---\nb: 2"));
    assertEquals(
        "job.yaml:2: the alias '*x' is not followed; write the value out",
        problems("seed: &x 1\nthreads: *x\n"));
  }

  @Test
  void aSettingNeedsAKeyAndAValue() {
    String message = message(() -> Setting.assignment("kl_alpha 3"));
    assertEquals(
        "--set: expected KEY=VALUE such as distill.kl_alpha=10, got \"kl_alpha 3\"", message);
    assertTrue(problems(GOOD, "seed=[1").startsWith("--set seed: not readable as YAML: "));
  }

  @Test
  void aFileThatIsNoTextIsTold(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.yaml");
    Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
    assertEquals(
        file + ": not a text in UTF-8; expected a recipe in YAML",
        message(() -> Recipe.read(file, List.of(), Use.RUN)));
  }

  @Test
  void aFileThatIsNotThereIsTold() {
    String message = message(() -> Recipe.read(Path.of("no.yaml"), List.of(), Use.RUN));
    assertEquals("no.yaml: cannot be read: no such file or folder: no.yaml", message);
  }
}
