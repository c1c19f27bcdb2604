package dev.filtrate.api;

import dev.filtrate.export.RunExport;
import dev.filtrate.report.Report;
import dev.filtrate.report.Watch;
import dev.filtrate.train.Progress;
import dev.filtrate.train.Results;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * A recipe to be carried out: every stage, the comparison of the methods, the export of the best
 * student. Everything is written into the recipe's folder. Immutable until it is executed.
 */
public final class Run {
  /** Watches a run; methods are called on the run's thread and return at once. */
  public interface Listener {
    /**
     * An update was made.
     *
     * @param stage such as {@code teacher/finetuned} or {@code ted}
     * @param step updates done
     * @param steps updates to do
     * @param losses the loss and its terms by name
     */
    default void update(String stage, int step, int steps, Map<String, Float> losses) {}

    /** The validation examples were evaluated after so many updates; metrics are by name. */
    default void evaluation(String stage, int step, Map<String, Double> metrics) {}

    /** Something that the user should know. */
    default void note(String text) {}
  }

  /**
   * What came of a run.
   *
   * @param metric the metric that selects
   * @param models the teacher first, if there is one, then the methods in the recipe's order
   * @param best the method whose student was exported
   * @param export the exported folder
   */
  public record Outcome(String metric, List<Model> models, String best, Path export) {
    /** Copies the list. */
    public Outcome {
      models = List.copyOf(models);
    }
  }

  /**
   * A model that a run measured.
   *
   * @param name {@code teacher}, or the method
   * @param metrics every metric of the task, the mean over the seeds
   * @param parameters how many, without filters
   * @param milliseconds the median time of one example
   */
  public record Model(
      String name, Map<String, Double> metrics, long parameters, double milliseconds) {
    /** Copies the map. */
    public Model {
      metrics = new LinkedHashMap<>(metrics);
    }
  }

  private final Recipe recipe;
  private final Listener listener;
  private final BooleanSupplier stop;
  private final boolean resume;

  private Run(Recipe recipe, Listener listener, BooleanSupplier stop, boolean resume) {
    this.recipe = recipe;
    this.listener = listener;
    this.stop = stop;
    this.resume = resume;
  }

  /** A run of a recipe that nobody watches. */
  public static Run of(Recipe recipe) {
    return new Run(recipe, new Listener() {}, () -> false, false);
  }

  /** The same, watched. */
  public Run watchedBy(Listener other) {
    return new Run(recipe, other, stop, resume);
  }

  /**
   * The same, asking after every update whether to stop. It then writes a checkpoint, and {@link
   * #execute} throws {@link dev.filtrate.train.Stopped}; {@link #resuming} goes on from there.
   */
  public Run stoppingWhen(BooleanSupplier asked) {
    return new Run(recipe, listener, asked, resume);
  }

  /** The same, going on where an earlier run in the same folder stopped: the result is the same. */
  public Run resuming() {
    return new Run(recipe, listener, stop, true);
  }

  /** Does everything; takes minutes to days. */
  public Outcome execute() {
    Results results = train();
    RunExport export = RunExport.write(recipe.checked(), results);
    Report.write(recipe.checked().outputDir());
    List<Model> models = results.rows().stream().map(Run::model).toList();
    return new Outcome(results.metric(), models, export.method(), export.report().folder());
  }

  private Results train() {
    try (Watch watch = new Watch(recipe.checked(), new Told(listener))) {
      return new dev.filtrate.train.Run(recipe.checked(), watch.progress(), stop, resume).execute();
    }
  }

  private static Model model(Results.Row row) {
    Map<String, Double> means = new LinkedHashMap<>();
    row.metrics().values().stream()
        .flatMap(seed -> seed.keySet().stream())
        .forEach(metric -> means.put(metric, row.mean(metric)));
    return new Model(row.name(), means, row.parameters(), row.latencyMs());
  }

  /** Tells a listener what a run tells its watcher. */
  private record Told(Listener listener) implements Progress {
    @Override
    public void begin(Path folder, String stage, int step, int steps) {}

    @Override
    public void update(Update update) {
      listener.update(update.stage(), update.step(), update.steps(), update.losses());
    }

    @Override
    public void evaluation(String stage, int step, Map<String, Double> metrics, boolean best) {
      listener.evaluation(stage, step, metrics);
    }

    @Override
    public void end(String stage, int step, double seconds) {}

    @Override
    public void note(String text) {
      listener.note(text);
    }
  }
}
