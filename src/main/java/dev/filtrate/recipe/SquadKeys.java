package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.data.squad.SquadTask;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The block {@code task} of a recipe whose task is SQuAD: its keys to a task and back. */
final class SquadKeys {
  /** SQuAD 1.1, where every question has an answer. */
  static final String SQUAD = "squad";

  /** SQuAD 2.0, where some have none. */
  static final String SQUAD_V2 = "squad_v2";

  /** The released length of a window. */
  static final int RELEASED_LENGTH = 384;

  /** Keys that no other task has. */
  private static final List<String> OWN =
      List.of(
          "version_2_with_negative",
          "doc_stride",
          "n_best_size",
          "max_answer_length",
          "null_score_diff_threshold",
          "tune_null_score");

  private SquadKeys() {}

  /**
   * Notes keys, and spellings of the name, that are there although the block is not about SQuAD.
   */
  static void refuse(Config c) {
    String name = c.find("task_name", Kind.WORD);
    if (name != null && name.toLowerCase(Locale.ROOT).startsWith(SQUAD)) {
      c.problem("task_name", "expected %s or %s for SQuAD, got \"%s\"", SQUAD, SQUAD_V2, name);
    }
    for (String key : OWN) {
      if (c.find(key, Kind.TEXT) != null) {
        c.problem(key, "goes with a task_name of %s or %s", SQUAD, SQUAD_V2);
      }
    }
  }

  /** Whether the block is about SQuAD. */
  static boolean isSquad(Config c) {
    String name = c.find("task_name", Kind.WORD);
    return name != null && isSquad(name);
  }

  private static boolean isSquad(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.equals(SQUAD) || lower.equals(SQUAD_V2);
  }

  /** Reads the block; null when a file is missing (noted if one is needed). */
  static @Nullable SquadTask read(Config c, Use use) {
    String name = c.get("task_name", Kind.WORD, SQUAD).toLowerCase(Locale.ROOT);
    Path folder = c.find("data_dir", Kind.INPUT_PATH);
    String version = name.equals(SQUAD_V2) ? "-v2.0.json" : "-v1.1.json";
    Path train = file(c, "train_file", folder, "train" + version);
    Path validation = file(c, "validation_file", folder, "dev" + version);
    SquadSettings settings = settings(c, name.equals(SQUAD_V2));
    int maxTrain = c.get("max_train_samples", Kind.wholeFrom(0), 0);
    int maxEval = c.get("max_eval_samples", Kind.wholeFrom(0), 0);
    if (train == null && use.needsWeights()) {
      train = validation; // nothing is trained
    }
    if (train == null || validation == null) {
      if (use.needsTask()) {
        String missing = train == null ? "train_file" : "validation_file";
        c.problem(missing, "missing: give SQuAD's JSON, or a data_dir with its files");
      }
      return null;
    }
    if (use.needsFiles()) {
      if (!use.needsWeights()) {
        mustExist(c, "train_file", train);
      }
      mustExist(c, "validation_file", validation);
    }
    return new SquadTask(name, train, validation, settings, maxTrain, maxEval);
  }

  private static @Nullable Path file(Config c, String key, @Nullable Path folder, String usual) {
    Path given = c.find(key, Kind.INPUT_PATH);
    return given == null && folder != null ? folder.resolve(usual) : given;
  }

  private static SquadSettings settings(Config c, boolean version2) {
    SquadSettings released =
        SquadSettings.released(c.get("version_2_with_negative", Kind.FLAG, version2));
    double threshold =
        c.get(
            "null_score_diff_threshold",
            Kind.number("a number", x -> true),
            released.nullScoreDiffThreshold());
    boolean tuned = c.get("tune_null_score", Kind.FLAG, released.tuneNullScore());
    if (!released.version2WithNegative() && (tuned || threshold != 0)) {
      c.problem(
          tuned ? "tune_null_score" : "null_score_diff_threshold",
          "is about questions without an answer; set task_name: %s, or leave it out",
          SQUAD_V2);
    }
    return new SquadSettings(
        released.version2WithNegative(),
        c.get("doc_stride", Kind.wholeFrom(0), released.docStride()),
        c.get("n_best_size", Kind.wholeFrom(1), released.nBestSize()),
        c.get("max_answer_length", Kind.wholeFrom(1), released.maxAnswerLength()),
        threshold,
        tuned);
  }

  private static void mustExist(Config c, String key, Path file) {
    if (!Files.isRegularFile(file)) {
      String named = c.has(key) || !c.has("data_dir") ? key : "data_dir";
      c.problem(named, "expected a file at %s, found none", file);
    }
  }

  /** Writes all keys; files by name. */
  static ObjectNode write(SquadTask task) {
    SquadSettings settings = task.settings();
    return new Keys()
        .put("task_name", task.name())
        .put("train_file", task.trainFile())
        .put("validation_file", task.validationFile())
        .put("max_train_samples", task.maxTrainSamples())
        .put("max_eval_samples", task.maxEvalSamples())
        .put("version_2_with_negative", settings.version2WithNegative())
        .put("doc_stride", settings.docStride())
        .put("n_best_size", settings.nBestSize())
        .put("max_answer_length", settings.maxAnswerLength())
        .put("null_score_diff_threshold", settings.nullScoreDiffThreshold())
        .put("tune_null_score", settings.tuneNullScore())
        .object();
  }
}
