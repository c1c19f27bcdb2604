package dev.filtrate.recipe;

import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.base.UserError;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.Objective.Divergence;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.Device;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** From a recipe's blocks to a {@link Recipe}: the keys of each block and their defaults. */
final class RecipeReader {
  private static final Kind<Device> DEVICE =
      Kind.scalar(
              "cpu, cuda or cuda:<number>",
              text -> {
                try {
                  return Device.parse(text);
                } catch (UserError e) {
                  return null;
                }
              })
          .told("{'type': 'string', 'pattern': '^(cpu|cuda(:[0-9]+)?)$'}");

  private RecipeReader() {}

  /** Reads, checks, and reports everything at once. */
  static Recipe read(Config c, String defaultName, Use use) {
    String name = c.get("name", Kind.WORD, defaultName);
    boolean squad = SquadKeys.isSquad(c.in("task"));
    if (!squad) {
      SquadKeys.refuse(c.in("task"));
    }
    TaskSpec task = squad ? null : TaskKeys.read(c.in("task"), use);
    StageSettings training = StageSettings.read(c.in("training"), StageSettings.RELEASED);
    DistillSettings distill = distill(c.in("distill"), training, task);
    FilterSettings filters = FilterSettings.read(c.in("filters"));
    ModelSettings student = ModelSettings.read(c.in("student"), true, training);
    Recipe recipe =
        new Recipe(
            name,
            c.get("seed", Kind.listOf(Kind.SEED), List.of(42L)),
            c.get("output_dir", Kind.OUTPUT_PATH, defaultOutput(name)),
            c.get("device", DEVICE, Device.CPU),
            c.get("threads", Kind.wholeFrom(0), 0),
            c.get("arena", Kind.FLAG, true),
            c.get("memory_pattern", Kind.FLAG, false),
            c.get("target", Kind.choice(Target.class), Target.ORT),
            c.get("mixed_precision", Kind.choice(MixedPrecision.class), MixedPrecision.NO),
            c.get("tf32", Kind.FLAG, false),
            c.get("enable_cuda_graph", Kind.FLAG, false),
            task,
            squad ? SquadKeys.read(c.in("task"), use) : null,
            TokenizerSettings.read(
                c.in("tokenizer"),
                usualLength(
                    student,
                    use,
                    squad ? SquadKeys.RELEASED_LENGTH : TokenizerSettings.RELEASED_LENGTH)),
            training,
            ModelSettings.read(c.in("teacher"), false, training),
            student,
            filters,
            distill,
            methods(c.in("methods"), distill),
            c.get(
                "compare", Kind.listOf(Kind.choice(Method.class)), compare(use, distill, filters)),
            c.get("start", Kind.choice(Start.class), Start.FAIR),
            CheckpointSettings.read(c.in("checkpoint")),
            ExportSettings.read(c.in("export")),
            ReportSettings.read(c.in("report")));
    new RecipeChecks(c, recipe, use).run();
    c.finish();
    return recipe;
  }

  /** The released length; of a finished model, the length that its tokenizer says it takes. */
  private static int usualLength(ModelSettings student, Use use, int released) {
    Path folder = student.folder();
    if (!use.needsWeights() || folder == null) {
      return released;
    }
    try {
      int said = Tokenizer.modelMaxLength(folder).orElse(released);
      return student
          .modelConfig("student.config")
          .map(model -> Math.min(said, model.usualLength()))
          .orElse(said);
    } catch (UserError e) { // the checks tell what is wrong with the folder
      return released;
    }
  }

  private static Path defaultOutput(String name) {
    return Path.of("runs", name.replaceAll("[^\\w.-]+", "-")).toAbsolutePath().normalize();
  }

  private static DistillSettings distill(
      Config c, StageSettings training, @Nullable TaskSpec task) {
    Divergence released = task == null ? Divergence.CLASSES : divergence(task.problemType());
    return DistillSettings.read(
        c,
        new DistillSettings(
            training,
            DistillSettings.released(released),
            FrozenDtype.FLOAT32,
            FrozenCacheSettings.none("teacher_cache")));
  }

  /** How the answers of a task are compared; as released, where it has the task. */
  private static Divergence divergence(ProblemType type) {
    return switch (type) {
      case SINGLE_LABEL_CLASSIFICATION -> Divergence.CLASSES;
      case REGRESSION -> Divergence.BATCH;
      case MULTI_LABEL_CLASSIFICATION -> Divergence.LABELS;
    };
  }

  private static Map<Method, DistillSettings> methods(Config c, DistillSettings distill) {
    Map<Method, DistillSettings> methods = new EnumMap<>(Method.class);
    for (Method method : Method.values()) {
      if (method.distils()) {
        DistillSettings base = method == Method.KD ? distill.withoutLayers() : distill;
        methods.put(method, DistillSettings.read(c.in(method.id()), base));
      }
    }
    return methods;
  }

  /**
   * What is carried out where the recipe does not say: all of it, or for a single distillation what
   * the released flags mean: no layer-wise term is KD, no filters is LWD.
   */
  private static List<Method> compare(Use use, DistillSettings distill, FilterSettings filters) {
    if (use != Use.DISTILL) {
      return List.of(Method.values());
    }
    if (distill.objective().mseAlpha() == 0) {
      return List.of(Method.KD);
    }
    return List.of(filters.disabled() ? Method.LWD : Method.TED);
  }

  static Optional<ModelConfig> studentConfig(ModelSettings teacher, ModelSettings student) {
    Optional<ModelConfig> own = student.modelConfig("student.config");
    if (own.isPresent() || student.teacherLayers().isEmpty()) {
      return own;
    }
    int layers = student.teacherLayers().size();
    return teacher.modelConfig("teacher.config").map(config -> config.withLayers(layers));
  }
}
