package dev.filtrate.train;

import dev.filtrate.base.Proc;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import dev.filtrate.data.Metrics;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.TaskData;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.squad.SquadTask;
import dev.filtrate.data.squad.TrainingWindows;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.ModelSettings;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.runtime.Device;
import dev.filtrate.runtime.OnnxRuntime;
import dev.filtrate.weights.LoadedWeights;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Whether a run of a recipe could begin: every file is read, every column found, every label known,
 * every checkpoint loaded, the tokenizer tried on texts, the device asked. Nothing is trained.
 *
 * @param trainingExamples of the task, or windows of SQuAD; empty where the data cannot be read
 * @param texts some of those examples, or all, cut as a run cuts them; empty where the data cannot
 *     be read
 * @param device where steps can be timed: the recipe's, or the CPU where that cannot be used
 * @param isPlannable whether enough is right to make the graphs
 * @param findings what was found, in the order of looking
 */
public record Readiness(
    OptionalInt trainingExamples,
    Optional<EncodedExamples> texts,
    Device device,
    boolean isPlannable,
    List<Finding> findings) {
  /** So many texts are tokenized. */
  private static final int TRIED = 1000;

  /** More classes than this are not counted one by one. */
  private static final int MOST_SHOWN = 12;

  /** What a finding means. */
  public enum Verdict {
    /** As it should be. */
    OK,
    /** A run could begin, but this should be known. */
    NOTE,
    /** Not there yet. */
    MISSING,
    /** There, but a run would refuse it. */
    WRONG;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * One thing that was looked at.
   *
   * @param part of the recipe: data, tokenizer, teacher, student, device, memory, output
   * @param text a sentence
   */
  public record Finding(Verdict verdict, String part, String text) {
    /** Whether a run could begin in spite of it. */
    public boolean isHarmless() {
      return verdict == Verdict.OK || verdict == Verdict.NOTE;
    }
  }

  /** Copies the list. */
  public Readiness {
    findings = List.copyOf(findings);
  }

  /** Looks at everything that a recipe names. */
  static Readiness of(Recipe recipe) {
    return new Look(recipe).all();
  }

  /** Whether the memory of the machine, where it tells it, is enough for the largest step. */
  static Optional<Finding> memory(Recipe recipe, long bytes) {
    OptionalLong available = Proc.bytes("meminfo", "MemAvailable");
    if (recipe.device().isCuda() || available.isEmpty()) {
      return Optional.empty();
    }
    long free = available.getAsLong();
    return Optional.of(
        new Finding(
            bytes > free ? Verdict.NOTE : Verdict.OK,
            "memory",
            "the largest step takes about %.1f GB, %.1f GB are free%s"
                .formatted(
                    bytes / 1e9,
                    free / 1e9,
                    bytes > free
                        ? "; smaller batches with gradient_accumulation_steps take less"
                        : "")));
  }

  /** A look at a recipe. */
  private static final class Look {
    private final Recipe recipe;
    private final List<Finding> findings = new ArrayList<>();
    private OptionalInt examples = OptionalInt.empty();
    private Optional<EncodedExamples> texts = Optional.empty();
    private boolean readable = true;

    Look(Recipe recipe) {
      this.recipe = recipe;
    }

    Readiness all() {
      TaskData data = null;
      if (filesAreThere()) {
        try {
          data = recipe.squad() == null ? data() : null;
        } catch (UserError e) {
          wrong("data", e);
          readable = false;
        }
      }
      if (readable) {
        tokenizer(data);
        model("teacher", recipe.teacher());
        model("student", recipe.student());
      }
      Device device = device();
      try {
        Run.requireOurs(recipe, false);
      } catch (UserError e) {
        add(Verdict.NOTE, "output", e.getMessage());
      }
      return new Readiness(examples, texts, device, readable, findings);
    }

    private void add(Verdict verdict, String part, @Nullable String text) {
      findings.add(new Finding(verdict, part, String.valueOf(text)));
    }

    private void wrong(String part, UserError e) {
      add(Verdict.WRONG, part, e.getMessage());
    }

    private boolean filesAreThere() {
      SquadTask squad = recipe.squad();
      List<Path> files = new ArrayList<>();
      if (squad != null) {
        files.add(squad.trainFile());
        files.add(squad.validationFile());
      } else {
        TaskSpec task = recipe.requireTask();
        files.add(task.trainFile());
        addIfNamed(files, task.validationFile());
        addIfNamed(files, task.mismatchedFile());
      }
      List<Path> missing = files.stream().filter(Files::notExists).toList();
      missing.forEach(file -> add(Verdict.MISSING, "data", file + ": no such file"));
      return missing.isEmpty();
    }

    private static void addIfNamed(List<Path> files, @Nullable Path file) {
      if (file != null) {
        files.add(file);
      }
    }

    private TaskData data() {
      TaskData data = TaskData.forTraining(recipe.requireTask(), recipe.seeds().get(0));
      Metrics.check(recipe.requireTask().metric(), data.labels());
      examples = OptionalInt.of(data.train().size());
      add(
          Verdict.OK,
          "data",
          "%,d training and %,d validation examples%s"
              .formatted(data.train().size(), data.validation().size(), classes(data)));
      data.notes().forEach(note -> add(Verdict.NOTE, "data", note));
      Set<String> known = new HashSet<>();
      data.train().forEach(e -> known.add(e.sentence1() + "\t" + e.sentence2()));
      long again =
          data.validation().stream()
              .filter(e -> known.contains(e.sentence1() + "\t" + e.sentence2()))
              .count();
      if (again > 0) {
        add(
            Verdict.NOTE,
            "data",
            "%,d validation text%s for training too, which makes metrics look better"
                .formatted(again, again == 1 ? " is there" : "s are there"));
      }
      return data;
    }

    /** How many training examples each class has; one without any is noted. */
    private String classes(TaskData data) {
      Labels labels = data.labels();
      if (labels.isRegression()) {
        return ", scores";
      }
      int[] counts = new int[labels.count()];
      for (Example example : data.train()) {
        if (labels.problemType() == ProblemType.MULTI_LABEL_CLASSIFICATION) {
          for (int id = 0; id < counts.length; id++) {
            counts[id] += example.targets().get(id) == 1 ? 1 : 0;
          }
        } else if (example.label() >= 0) {
          counts[(int) example.label()]++;
        }
      }
      StringJoiner shown = new StringJoiner(", ", " (", ")");
      for (int id = 0; id < counts.length; id++) {
        String name = labels.names().get(id);
        if (counts[id] == 0) {
          add(Verdict.NOTE, "data", "no training example has the label '" + name + "'");
        }
        if (id < MOST_SHOWN) {
          shown.add("%s: %,d".formatted(name, counts[id]));
        } else if (id == MOST_SHOWN) {
          shown.add("…");
        }
      }
      return ", %d classes%s".formatted(counts.length, shown);
    }

    private void tokenizer(@Nullable TaskData data) {
      Path path = recipe.tokenizerPath().orElse(null);
      if (path == null) {
        add(Verdict.MISSING, "tokenizer", "none is named; give tokenizer.path");
        return;
      }
      if (!Files.exists(path)) {
        add(Verdict.MISSING, "tokenizer", path + ": no such file or folder");
        return;
      }
      try (Tokenizer tokenizer = Tokenizer.read(path, Tokenizer.UNLIMITED)) {
        int before = findings.size();
        if (distils()) {
          fits("teacher", recipe::teacherConfig, tokenizer);
        }
        fits("student", recipe::studentConfig, tokenizer);
        if (findings.size() == before) {
          add(
              Verdict.OK,
              "tokenizer",
              "%,d tokens, which the models take".formatted(tokenizer.vocabularySize()));
        }
        if (data != null) {
          List<Example> tried = data.train().subList(0, Math.min(TRIED, data.train().size()));
          Encoded whole = tokenizer.encode(tried);
          int longer = texts(whole, tokenizer.unknownId());
          Encoded cut = longer == 0 ? whole : cut(tried, path);
          ProblemType type = data.labels().problemType();
          texts = Optional.of(EncodedExamples.of(cut, tried, type, tokenizer.padId()));
        }
        windows(path);
      } catch (UserError e) {
        wrong("tokenizer", e);
      }
    }

    private interface ConfigReader {
      Optional<ModelConfig> read();
    }

    private void fits(String who, ConfigReader config, Tokenizer tokenizer) {
      try {
        config
            .read()
            .ifPresent(
                c ->
                    RunData.requireFits(
                        "the " + who, c, tokenizer.vocabularySize(), tokenizer.padId()));
      } catch (UserError e) {
        wrong("tokenizer", e);
      }
    }

    /** How the tokenizer does on texts of the training file; returns how many are too long. */
    private int texts(Encoded encoded, int unknownId) {
      int length = recipe.tokenizer().maxLength();
      int cut = 0;
      long unknown = 0;
      long tokens = 0;
      for (int i = 0; i < encoded.size(); i++) {
        cut += encoded.length(i) > length ? 1 : 0;
        tokens += encoded.length(i);
        for (int id : encoded.ids(i)) {
          unknown += id == unknownId ? 1 : 0;
        }
      }
      add(
          Verdict.OK,
          "texts",
          "%.0f tokens on average, room for %d (max_length)"
              .formatted((double) tokens / encoded.size(), length));
      if (cut > 0) {
        add(
            Verdict.NOTE,
            "texts",
            "%s of the texts are longer and lose their end"
                .formatted(percent((double) cut / encoded.size())));
      }
      double share = (double) unknown / tokens;
      if (share > 0.01) {
        add(
            Verdict.NOTE,
            "texts",
            "%s of their tokens are unknown to the vocabulary; is it the right tokenizer?"
                .formatted(percent(share)));
      }
      return cut;
    }

    /** Texts as a run has them. */
    private Encoded cut(List<Example> tried, Path path) {
      try (Tokenizer tokenizer = Tokenizer.read(path, recipe.tokenizer().maxLength())) {
        return tokenizer.encode(tried);
      }
    }

    private static String percent(double share) {
      return "%.1f %%".formatted(100 * share);
    }

    /** SQuAD's questions, cut into windows as a run cuts them. */
    private void windows(Path path) {
      SquadTask squad = recipe.squad();
      if (squad == null || findings.stream().anyMatch(f -> f.verdict() == Verdict.MISSING)) {
        return;
      }
      try (Tokenizer tokenizer = Tokenizer.read(path, recipe.tokenizer().maxLength())) {
        String file = squad.trainFile().toString();
        TrainingWindows.Made made =
            TrainingWindows.of(file, squad.train(), tokenizer, squad.settings());
        examples = OptionalInt.of(made.windows().size());
        texts = Optional.of(made.windows());
        add(
            Verdict.OK,
            "data",
            "%,d training windows, %,d validation questions"
                .formatted(made.windows().size(), squad.validation().size()));
        made.notes().forEach(note -> add(Verdict.NOTE, "data", note));
      } catch (UserError e) {
        wrong("data", e);
      }
    }

    /** Loads a checkpoint as a run would, which maps its file and compares names and shapes. */
    private void model(String who, ModelSettings settings) {
      Path folder = settings.folder();
      if (folder == null || (who.equals("teacher") && !distils())) {
        return;
      }
      if (!Files.isDirectory(folder)) {
        add(Verdict.MISSING, who, folder + ": no such folder");
        return;
      }
      try {
        Outline outline = new Outline(recipe);
        Model model = who.equals("teacher") ? outline.teacher().orElseThrow() : outline.student();
        LoadedWeights loaded =
            Weights.load(model, folder, recipe.seeds().get(0), settings.ignoreMismatchedSizes());
        add(Verdict.OK, who, "%s: %,d tensors".formatted(folder, loaded.parameters().size()));
        loaded.announcements().forEach(line -> add(Verdict.NOTE, who, line));
      } catch (UserError e) {
        wrong(who, e);
      }
    }

    private boolean distils() {
      return recipe.compare().stream().anyMatch(Method::distils);
    }

    private Device device() {
      if (!recipe.device().isCuda()) {
        return recipe.device();
      }
      try {
        OnnxRuntime.requireCuda(recipe.device());
        add(Verdict.OK, "device", recipe.device().toString());
        return recipe.device();
      } catch (UserError e) {
        wrong("device", e);
        return Device.CPU;
      }
    }
  }
}
