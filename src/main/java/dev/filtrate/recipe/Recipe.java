package dev.filtrate.recipe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.base.Check;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.data.squad.SquadTask;
import dev.filtrate.model.Head;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.Device;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A whole job: the task, the models, every stage's settings, where it runs and what it compares.
 *
 * @param name of the job, for reports
 * @param seeds the whole job is done once for each
 * @param outputDir the run's folder
 * @param device where sessions compute
 * @param threads how many threads compute one operator; 0 = one for every core
 * @param arena whether memory is kept for the next step instead of given back
 * @param memoryPattern whether memory is laid out once per input shape
 * @param target whose operators graphs may use
 * @param mixedPrecision of forward and backward passes in training, of teachers and of evaluation
 * @param tf32 whether a GPU may round the factors of float32 products to 10 bits
 * @param cudaGraphs whether a GPU replays what it ran before on batches of the same shape
 * @param task the data; null where it is SQuAD, or none is needed and none given
 * @param squad the data, where the task is SQuAD; else null
 * @param tokenizer text to ids
 * @param training what all stages share where they say nothing else
 * @param teacher the teacher and its stages
 * @param student the student and its stages; of a single stage: the model
 * @param filters where filters sit
 * @param distill what all methods share where they say nothing else
 * @param methods the settings of every method that distils
 * @param compare the methods that a run carries out, in the order of its table
 * @param start where they start from
 * @param checkpoint when a run writes down where it is
 * @param export in which forms the student is exported
 * @param report what a run leaves for people to look at
 */
public record Recipe(
    String name,
    List<Long> seeds,
    Path outputDir,
    Device device,
    int threads,
    boolean arena,
    boolean memoryPattern,
    Target target,
    MixedPrecision mixedPrecision,
    boolean tf32,
    boolean cudaGraphs,
    @Nullable TaskSpec task,
    @Nullable SquadTask squad,
    TokenizerSettings tokenizer,
    StageSettings training,
    ModelSettings teacher,
    ModelSettings student,
    FilterSettings filters,
    DistillSettings distill,
    Map<Method, DistillSettings> methods,
    List<Method> compare,
    Start start,
    CheckpointSettings checkpoint,
    ExportSettings export,
    ReportSettings report) {

  /** Copies the lists. */
  public Recipe {
    Check.argument(!seeds.isEmpty() && !compare.isEmpty(), "%s, %s", seeds, compare);
    seeds = List.copyOf(seeds);
    methods = Map.copyOf(methods);
    compare = List.copyOf(compare);
  }

  /**
   * Reads a recipe and checks all of it. Everything that is wrong is told in one {@link
   * dev.filtrate.base.UserError}, with file and line.
   *
   * @param file the YAML file; null = settings only
   * @param settings from the command line, the later ones win: first every {@code --set}, then the
   *     flags
   * @param use what it is read for
   */
  public static Recipe read(@Nullable Path file, List<Setting> settings, Use use) {
    Yaml.Mapping top =
        file == null ? Yaml.top("", "the command line", Path.of("")) : Yaml.read(file);
    String name = file == null ? use.id() : stem(file);
    return read(top, name, settings, use);
  }

  /** As {@link #read(Path, List, Use)} from a text; {@code where} names it in messages. */
  static Recipe parse(String text, String where, Path folder, List<Setting> settings, Use use) {
    return read(Yaml.top(text, where, folder), stem(Path.of(where)), settings, use);
  }

  private static Recipe read(Yaml.Mapping top, String name, List<Setting> settings, Use use) {
    settings.forEach(setting -> setting.applyTo(top));
    return RecipeReader.read(Config.of(top), name, use);
  }

  /** The task, where one was needed. */
  public TaskSpec requireTask() {
    TaskSpec given = task;
    if (given == null) {
      throw new IllegalStateException("recipe '" + name + "' was read for a use without a task");
    }
    return given;
  }

  /** What sits on the encoders: a classifier, or the two ends of an answer. */
  public Head head() {
    return squad == null ? Head.SEQUENCE_CLASSIFICATION : Head.QUESTION_ANSWERING;
  }

  /** The settings of a method that distils. */
  public DistillSettings settings(Method method) {
    DistillSettings settings = methods.get(method);
    if (settings == null) {
      throw new IllegalArgumentException(method + " does not distil");
    }
    return settings;
  }

  /** The teacher's config, where its folder or the recipe says it. */
  public Optional<ModelConfig> teacherConfig() {
    return teacher.modelConfig("teacher.config");
  }

  /**
   * The student's config, where its folder or the recipe says it; a student made of layers of the
   * teacher has the teacher's otherwise.
   */
  public Optional<ModelConfig> studentConfig() {
    return RecipeReader.studentConfig(teacher, student);
  }

  /** Where the tokenizer is: {@code tokenizer.path}, else the student's folder, the teacher's. */
  public Optional<Path> tokenizerPath() {
    Path path = tokenizer.path();
    path = path == null ? student.folder() : path;
    return Optional.ofNullable(path == null ? teacher.folder() : path);
  }

  /**
   * The recipe as text with every effective value; what stages and methods do not repeat is the
   * value under {@code training} and {@code distill}. Reading it gives an equal recipe.
   */
  public String resolved() {
    YAMLFactory factory =
        YAMLFactory.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .disable(YAMLGenerator.Feature.SPLIT_LINES)
            .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
            .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
            .enable(YAMLGenerator.Feature.INDENT_ARRAYS_WITH_INDICATOR)
            .build();
    try {
      return "# Every effective value. A stage not said otherwise trains as under 'training', a\n"
          + "# method as under 'distill'.\n"
          + new ObjectMapper(factory).writeValueAsString(toJson());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a recipe that cannot be written", e);
    }
  }

  /** The same values as a tree, for reports. */
  public ObjectNode toJson() {
    Keys perMethod = new Keys();
    new EnumMap<>(methods)
        .forEach(
            (method, settings) ->
                perMethod.put(
                    method.id(), Keys.difference(settings.write(), methodBase(method).write())));
    return new Keys()
        .put("name", name)
        .put("seed", seeds.size() == 1 ? seeds.get(0) : seeds)
        .put("output_dir", outputDir)
        .put("device", device.toString())
        .put("threads", threads)
        .put("arena", arena)
        .put("memory_pattern", memoryPattern)
        .put("target", target)
        .put("mixed_precision", mixedPrecision)
        .put("tf32", tf32)
        .put("enable_cuda_graph", cudaGraphs)
        .put(
            "task",
            squad != null ? SquadKeys.write(squad) : task == null ? null : TaskKeys.write(task))
        .put("tokenizer", tokenizer.write())
        .put("training", training.write())
        .put("teacher", teacher.write(false, training))
        .put("student", student.write(true, training))
        .put("filters", filters.write())
        .put("distill", Keys.difference(distill.write(), training.write()))
        .put("methods", perMethod.object())
        .put("compare", compare)
        .put("start", start)
        .put("checkpoint", checkpoint.write())
        .put("export", export.write())
        .put("report", report.write())
        .object();
  }

  private DistillSettings methodBase(Method method) {
    return method == Method.KD ? distill.withoutLayers() : distill;
  }

  private static String stem(Path file) {
    return String.valueOf(file.getFileName()).replaceFirst("\\.ya?ml$", "");
  }
}
