package dev.filtrate.train;

import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.base.Randomness;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Metrics;
import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.BatchStream;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.recipe.CheckpointSettings;
import dev.filtrate.recipe.Every;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.Scalars;
import dev.filtrate.runtime.TrainingSession;
import dev.filtrate.weights.Safetensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The one training loop. Everything in it is a function of seed and step, so a stage that goes on
 * from a checkpoint ends with the same parameters, bit for bit on the CPU, as one that was never
 * stopped.
 */
final class Trainer {
  private final Engine engine;
  private final long seed;
  private final Surroundings around;

  /**
   * What a stage leaves behind and who watches it.
   *
   * @param files of the seed
   * @param settings how often a checkpoint is written
   * @param progress who watches
   * @param stop whether to write a checkpoint and stop
   * @param resume whether to go on from a checkpoint that is there
   */
  record Surroundings(
      RunLayout.Seed files,
      CheckpointSettings settings,
      Progress progress,
      BooleanSupplier stop,
      boolean resume) {}

  /**
   * What a stage made.
   *
   * @param weights all parameters that it started from, the trained ones changed
   * @param step the update that they are from
   * @param metrics on the validation examples; empty if it was not evaluated
   */
  record Outcome(Map<String, Tensor> weights, int step, Map<String, Double> metrics) {}

  Trainer(Engine engine, long seed, Surroundings around) {
    this.engine = engine;
    this.seed = seed;
    this.around = around;
  }

  /** Trains a stage from these weights. */
  Outcome train(Stage whole, Map<String, Tensor> weights, Batches examples, Evaluator evaluator) {
    WordRows rows =
        WordRows.usedBy(List.of(examples.data(), evaluator.examples()), whole.model().config());
    Stage stage = whole.with(rows);
    Path folder = around.files().checkpoints(stage.name());
    Optional<Checkpoint> last = around.resume() ? Checkpoint.last(folder) : Optional.empty();
    Path lines = around.files().metrics();
    RunLog.rewind(lines, stage.name(), last.map(c -> c.state().step()).orElse(0));
    Graph gradients = stage.gradients(engine.pass());
    try (RunLog log = RunLog.open(lines);
        TrainingSession session =
            engine.training(gradients, stage.settings().optimizer(), rows.gather(weights));
        FrozenOutputs frozen = FrozenOutputs.of(engine, stage, gradients, examples.data())) {
      List<String> inputs = gradients.inputs().stream().map(Value::name).toList();
      Course course =
          new Course(stage, weights, rows, examples, evaluator, log, session, inputs, folder);
      last.ifPresent(course::restore);
      return course.run(frozen);
    }
  }

  /** One stage under way. */
  private final class Course {
    private final Stage stage;
    private final Map<String, Tensor> weights;
    private final WordRows rows;
    private final Batches examples;
    private final Evaluator evaluator;
    private final RunLog log;
    private final TrainingSession session;
    private final List<String> inputs;
    private final Path folder;
    private final int steps;
    private final int perEpoch;
    private int step;
    private LossScale lossScale = LossScale.initial(engine.precision());
    private double decay = 1; // what is left by now of a row that only decays
    private double bestDecay = 1;
    private double best = Double.NaN;
    private int bestStep;
    private int sinceBest;
    private int evaluatedAt = -1;
    private Map<String, Double> metrics = Map.of();
    private Map<String, Double> bestMetrics = Map.of();

    Course(
        Stage stage,
        Map<String, Tensor> weights,
        WordRows rows,
        Batches examples,
        Evaluator evaluator,
        RunLog log,
        TrainingSession session,
        List<String> inputs,
        Path folder) {
      this.stage = stage;
      this.weights = weights;
      this.rows = rows;
      this.examples = examples;
      this.evaluator = evaluator;
      this.log = log;
      this.session = session;
      this.inputs = inputs;
      this.folder = folder;
      this.steps = stage.settings().updates(examples.data().size());
      this.perEpoch = stage.settings().updatesPerEpoch(examples.data().size());
    }

    void restore(Checkpoint checkpoint) {
      Checkpoint.State state = checkpoint.state();
      if (!state.settings().equals(digest())) {
        throw new UserError(
            "%s: this checkpoint was made under other settings; start anew without --resume, or"
                    .formatted(folder)
                + " restore the recipe");
      }
      requireNames("model.safetensors", checkpoint.parameters(), session.gradients().names());
      requireNames("optimizer.safetensors", checkpoint.moments(), session.moments().names());
      checkpoint.parameters().forEach((p, value) -> session.parameters().get(p).set(value));
      session.moments().set(checkpoint.moments());
      step = state.step();
      lossScale = state.lossScale();
      decay = state.decay();
      bestDecay = state.bestDecay();
      evaluatedAt = state.evaluatedAt();
      metrics = state.metrics();
      best = state.best();
      bestStep = state.bestStep();
      bestMetrics = state.bestMetrics();
      sinceBest = state.evaluationsSinceBest();
    }

    private void requireNames(String file, Map<String, Tensor> found, Set<String> expected) {
      if (!found.keySet().equals(expected)) {
        Set<String> missing = new TreeSet<>(expected);
        missing.removeAll(found.keySet());
        throw new UserError(
            "%s: the last checkpoint's %s is damaged: expected %d tensors, found %d%s; delete the"
                    .formatted(
                        folder,
                        file,
                        expected.size(),
                        found.size(),
                        missing.isEmpty() ? "" : ", without " + missing.iterator().next())
                + " folder to start the stage anew");
      }
    }

    Outcome run(FrozenOutputs frozen) {
      long began = System.nanoTime();
      around.progress().begin(around.files().folder(), stage.name(), step, steps);
      Speed speed = new Speed();
      try (Evaluation evaluation = new Evaluation();
          BatchStream batches = examples.stream(step / perEpoch, firstBatch(step))) {
        while (step < steps && !endsEarly()) {
          update(frozen, batches, speed);
          boolean last = step == steps;
          if (stage.settings().evaluation().every().due(step, perEpoch)) {
            evaluation.evaluate();
          }
          boolean stopped = around.stop().getAsBoolean();
          if (stopped || (!last && around.settings().every().due(step, perEpoch))) {
            checkpoint();
          }
          if (stopped) {
            throw new Stopped(stage.name(), step);
          }
        }
        if (isEvaluated() && evaluatedAt != step) {
          evaluation.evaluate();
        }
      }
      log.flush();
      around.progress().end(stage.name(), step, (System.nanoTime() - began) / 1e9);
      return outcome();
    }

    private void update(FrozenOutputs frozen, BatchStream batches, Speed speed) {
      int accumulation = microBatches();
      List<Scalars> losses = new ArrayList<>();
      int count = 0;
      for (int micro = 0; micro < accumulation; micro++) {
        Batch batch = batches.next();
        count += batch.size();
        long dropout =
            Randomness.seedOf(seed, stage.name() + "/dropout", (long) step * (1L << 20) + micro);
        Map<String, Tensor> feeds = rows.feeds(batch, inputs);
        feeds.put(StageGraphs.GRADIENT_SCALE, Tensor.scalar(lossScale.scale() / accumulation));
        try (FrozenOutputs.Given given = frozen.forBatch(batch)) {
          feeds.putAll(given.fed());
          losses.add(session.accumulate(feeds, given.onDevice().asMap(), dropout));
        }
      }
      double rate = stage.settings().schedule().rate(step, steps);
      float scale = lossScale.scale();
      update(rate);
      // Only now: a GPU has all of the update to do while the host waits for them.
      Map<String, Float> sums = new LinkedHashMap<>();
      for (Scalars terms : losses) {
        terms.read().forEach((term, value) -> sums.merge(term, value / accumulation, Float::sum));
      }
      Finite.requireLosses(stage.name(), step + 1, sums);
      Map<String, Float> logged = new LinkedHashMap<>(sums);
      if (engine.precision().scalesLoss()) {
        logged.put("loss_scale", scale);
      }
      step++;
      double perSecond = speed.of(count);
      Progress.Update update =
          new Progress.Update(
              stage.name(),
              step,
              steps,
              (double) step / perEpoch,
              logged,
              rate,
              perSecond,
              speed.secondsPerUpdate() * (steps - step));
      log.update(update);
      around.progress().update(update);
    }

    /** Changes the parameters, unless a scaled loss has given gradients that are not finite. */
    private void update(double rate) {
      long number = step + 1L - lossScale.skipped(); // Adam counts what was not skipped
      boolean scales = engine.precision().scalesLoss();
      if (scales && !Float.isFinite(session.gradientNorm())) {
        session.discard();
        lossScale = lossScale.afterSkip();
        Finite.requireScale(stage.name(), step + 1, lossScale);
        return;
      }
      if (scales) {
        session.step(rate, number, lossScale.scale());
        lossScale = lossScale.afterUpdate();
      } else {
        session.step(rate, number);
      }
      decay *= stage.settings().optimizer().decay(rate);
    }

    /** Micro-batches of the next update: fewer at the end of an epoch. */
    private int microBatches() {
      return Math.min(
          stage.settings().gradientAccumulationSteps(), examples.perEpoch() - firstBatch(step));
    }

    /** The first batch of an update, from 0 within its epoch. */
    private int firstBatch(int update) {
      return update % perEpoch * stage.settings().gradientAccumulationSteps();
    }

    private boolean isEvaluated() {
      return stage.settings().evaluation().every().unit() != Every.Unit.NEVER;
    }

    private boolean endsEarly() {
      int patience = stage.settings().evaluation().earlyStoppingPatience();
      return patience > 0 && sinceBest >= patience;
    }

    private void take(Map<String, Double> measured) {
      metrics = measured;
      evaluatedAt = step;
      double value = measured.getOrDefault(evaluator.selects(), Double.NaN);
      double sign = Metrics.higherIsBetter(evaluator.selects()) ? 1 : -1;
      boolean better = Double.isNaN(best) || sign * value > sign * best;
      if (better) {
        best = value;
        bestStep = step;
        bestDecay = decay;
        sinceBest = 0;
        bestMetrics = measured;
        if (stage.settings().evaluation().saveBest()) {
          Safetensors.write(bestFile(), trained(), Map.of());
        }
      } else {
        sinceBest++;
      }
      log.evaluation(stage.name(), step, (double) step / perEpoch, measured);
      log.flush();
      around.progress().evaluation(stage.name(), step, measured, better);
    }

    /** A copy of the parameters that learn. */
    private Map<String, Tensor> trained() {
      Map<String, Tensor> copies = new LinkedHashMap<>();
      for (String p : session.gradients().names()) {
        copies.put(p, session.parameters().get(p).download());
      }
      return copies;
    }

    private Path bestFile() {
      return around.files().best(stage.name());
    }

    private void checkpoint() {
      log.flush();
      Checkpoint.State state =
          new Checkpoint.State(
              stage.name(),
              digest(),
              step,
              evaluatedAt,
              metrics,
              best,
              bestStep,
              bestMetrics,
              sinceBest,
              lossScale,
              decay,
              bestDecay);
      new Checkpoint(state, trained(), session.moments().download())
          .write(folder, around.settings().keep());
    }

    /** What must be the same for a stage to go on. */
    private String digest() {
      List<String> terms =
          stage.objective().terms().stream().map(t -> t.weight() + " " + t.name()).toList();
      MixedPrecision precision = engine.precision();
      return "seed %d; %d updates, %d an epoch; %s; %s; %s; %s%s"
          .formatted(
              seed,
              steps,
              perEpoch,
              terms,
              stage.settings(),
              rows,
              stage.model().config().json(),
              precision == MixedPrecision.NO ? "" : "; " + precision);
    }

    private Outcome outcome() {
      boolean takesBest = stage.settings().evaluation().saveBest() && bestStep > 0;
      Map<String, Tensor> parameters =
          takesBest ? Safetensors.open(bestFile()).tensors() : trained();
      int updates = takesBest ? bestStep : step;
      Finite.requireParameters(stage.name(), updates, parameters);
      Map<String, Tensor> all = rows.scatter(parameters, weights, takesBest ? bestDecay : decay);
      return new Outcome(all, updates, takesBest ? bestMetrics : metrics);
    }

    /** The session that evaluates, made when it is first needed. */
    private final class Evaluation implements AutoCloseable {
      private @Nullable ComputeSession inference;

      void evaluate() {
        ComputeSession open = inference;
        if (open == null) {
          open = engine.open(engine.inference("evaluation", stage.model()));
          open.bindInputs(session.parameters());
          inference = open;
        }
        ComputeSession session = open;
        take(evaluator.evaluate(batch -> session.run(rows.feeds(batch, session.inputs()))));
      }

      @Override
      public void close() {
        if (inference != null) {
          inference.close();
        }
      }
    }
  }

  /** Examples per second over the last updates. */
  private static final class Speed {
    private static final int WINDOW = 20;

    private final List<long[]> recent = new ArrayList<>();

    /** Notes an update of so many examples that ended now. */
    double of(int rows) {
      recent.add(new long[] {System.nanoTime(), rows});
      if (recent.size() > WINDOW) {
        recent.remove(0);
      }
      long sum = recent.stream().skip(1).mapToLong(r -> r[1]).sum();
      double seconds = (recent.get(recent.size() - 1)[0] - recent.get(0)[0]) / 1e9;
      return seconds > 0 ? sum / seconds : 0;
    }

    double secondsPerUpdate() {
      int n = recent.size() - 1;
      return n < 1 ? 0 : (recent.get(n)[0] - recent.get(0)[0]) / 1e9 / n;
    }
  }
}
