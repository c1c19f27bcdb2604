package dev.filtrate.train;

import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.BatchStream;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Model;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.StageSettings;
import dev.filtrate.runtime.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * What a recipe will take, before hours are spent: its stages with their updates, and the seconds
 * of each from a few steps on random weights, of fewer examples where a whole batch would need much
 * memory, and scaled; they are as long as the task's texts are in batches, on average. Checkpoints
 * need not be there; without the training file the number of updates stays unknown. Whether every
 * part is there and fits is told besides ({@link Readiness}).
 *
 * @param stages in their order, of one seed; none where the data cannot be read
 * @param seeds how often they are done
 * @param trainingExamples of the task, where its files are there
 * @param isOfTexts whether steps were timed at the length that the task's texts have in batches;
 *     else at the recipe's longest
 * @param teacherParameters of the teacher, without filters; 0 = no teacher
 * @param studentParameters of the student, without filters
 * @param peakResidentBytes the largest resident set while timing
 * @param timedOn where the seconds were measured: the recipe's device, or the CPU where that device
 *     cannot be used
 * @param findings whether every part is there and fits
 */
public record Plan(
    List<PlannedStage> stages,
    int seeds,
    OptionalInt trainingExamples,
    boolean isOfTexts,
    long teacherParameters,
    long studentParameters,
    long peakResidentBytes,
    Device timedOn,
    List<Readiness.Finding> findings) {
  private static final int WARM_UP = 1;
  private static final int STEPS = 2;

  /** What a step that is timed may take: larger ones take minutes, or more memory than there is. */
  private static final long ACTIVATIONS = 1L << 30;

  private static final double FLOPS = 0.25e12;

  /**
   * A stage to come.
   *
   * @param name its place in the run's folder
   * @param trained how many parameters learn
   * @param updates how many; empty = unknown without the data
   * @param batch examples of a micro-batch
   * @param timed how many of them were timed; the seconds are scaled from that
   * @param length tokens of an example that were timed: of batches of the task's texts the mean,
   *     padding included
   * @param secondsPerUpdate at that length
   * @param bytes the memory of a step of the whole batch at the longest length, estimated
   */
  public record PlannedStage(
      String name,
      long trained,
      OptionalInt updates,
      int batch,
      int timed,
      int length,
      double secondsPerUpdate,
      long bytes) {
    /** The estimated time; NaN where the updates are unknown. */
    public double seconds() {
      return updates.isPresent() ? updates.getAsInt() * secondsPerUpdate : Double.NaN;
    }
  }

  /** Copies the lists. */
  public Plan {
    stages = List.copyOf(stages);
    findings = List.copyOf(findings);
  }

  /** The estimated time of everything; NaN where the updates are unknown. */
  public double seconds() {
    return seeds * stages.stream().mapToDouble(PlannedStage::seconds).sum();
  }

  /** Whether a run could begin. */
  public boolean isReady() {
    return findings.stream().allMatch(Readiness.Finding::isHarmless);
  }

  /** Times a recipe's stages; {@code note} is told what is going on. */
  public static Plan of(Recipe recipe, Consumer<String> note) {
    Readiness readiness = Readiness.of(recipe);
    List<Readiness.Finding> findings = new ArrayList<>(readiness.findings());
    OptionalInt examples = readiness.trainingExamples();
    Device device = readiness.device();
    if (!readiness.isPlannable()) {
      return new Plan(List.of(), recipe.seeds().size(), examples, false, 0, 0, 0, device, findings);
    }
    Outline outline = new Outline(recipe);
    Engine engine = new Engine(recipe.target(), Run.engine(recipe).options().withDevice(device));
    List<PlannedStage> planned = new ArrayList<>();
    for (Stage stage : outline.stages()) {
      note.accept("timing " + stage.name());
      planned.add(plan(recipe, engine, stage, readiness));
    }
    planned.stream()
        .mapToLong(PlannedStage::bytes)
        .max()
        .ifPresent(most -> Readiness.memory(recipe, most).ifPresent(findings::add));
    return new Plan(
        planned,
        recipe.seeds().size(),
        examples,
        readiness.texts().isPresent(),
        outline.teacher().map(Plan::parameters).orElse(0L),
        parameters(outline.student()),
        Bench.peakResidentBytes(),
        device,
        findings);
  }

  private static long parameters(Model model) {
    return StageGraphs.inference("parameters", model).parameterCount();
  }

  private static PlannedStage plan(Recipe recipe, Engine engine, Stage stage, Readiness readiness) {
    StageSettings settings = stage.settings();
    Graph gradients = stage.gradients(recipe.mixedPrecision());
    StepCost cost = new StepCost(stage, gradients);
    int longest = recipe.tokenizer().maxLength();
    int length = readiness.texts().map(texts -> length(recipe, settings, texts)).orElse(longest);
    int batch = settings.trainBatchSize();
    int timed = batch;
    while (timed > 1
        && (cost.activations(timed, length) > ACTIVATIONS || cost.flops(timed, length) > FLOPS)) {
      timed /= 2;
    }
    StepTimer timer = new StepTimer(engine, timed, length, WARM_UP, STEPS);
    double step = timer.step(stage).scaled((double) batch / timed);
    long trained =
        StageGraphs.trained(gradients).stream()
            .map(Value::shape)
            .mapToLong(shape -> shape.elements().fixed())
            .sum();
    OptionalInt examples = readiness.trainingExamples();
    OptionalInt updates =
        settings.maxTrainSteps().isPresent() || examples.isPresent()
            ? OptionalInt.of(settings.updates(examples.orElse(1)))
            : OptionalInt.empty();
    return new PlannedStage(
        stage.name(),
        trained,
        updates,
        batch,
        timed,
        length,
        step * settings.gradientAccumulationSteps(),
        cost.bytes(batch, longest));
  }

  /** The mean length of the batches of a stage. */
  private static int length(Recipe recipe, StageSettings settings, EncodedExamples texts) {
    Batches batches = RunData.training(recipe, settings, texts, recipe.seeds().get(0));
    try (BatchStream stream = batches.stream(0, 0)) {
      double tokens = 0;
      for (int b = 0; b < batches.perEpoch(); b++) {
        Batch batch = stream.next();
        tokens += (double) batch.size() * batch.length();
      }
      return (int) Math.ceil(tokens / texts.size());
    }
  }
}
