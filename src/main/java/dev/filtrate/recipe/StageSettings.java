package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Check;
import dev.filtrate.model.AdamW;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * How a stage trains, whatever it trains. Defaults are the released ones: 3 epochs of batches of 8,
 * rate 5e-5 falling linearly to 0 without warm-up, no decay, no clipping. (Grouping by length is
 * not: it changes which examples meet in a batch, and saves padding.)
 *
 * @param numTrainEpochs passes over the training examples; 0 = the stage is left out
 * @param maxTrainSteps updates, instead of epochs
 * @param trainBatchSize examples of a micro-batch ({@code per_device_train_batch_size})
 * @param evalBatchSize examples of a batch in evaluation ({@code per_device_eval_batch_size})
 * @param gradientAccumulationSteps micro-batches of an update
 * @param groupByLength whether texts of like length share a batch
 * @param schedule the learning rate
 * @param optimizer AdamW with decay and clipping
 * @param dropouts ratios other than the config's
 * @param evaluation when to evaluate; none in filter learning
 */
public record StageSettings(
    int numTrainEpochs,
    OptionalInt maxTrainSteps,
    int trainBatchSize,
    int evalBatchSize,
    int gradientAccumulationSteps,
    boolean groupByLength,
    Schedule schedule,
    AdamW optimizer,
    Dropouts dropouts,
    Evaluation evaluation) {

  /** The released defaults, evaluated after every epoch. */
  public static final StageSettings RELEASED =
      new StageSettings(
          3,
          OptionalInt.empty(),
          8,
          8,
          1,
          true,
          new Schedule(SchedulerType.LINEAR, 5e-5, 0),
          AdamW.with(0, OptionalDouble.empty()),
          Dropouts.OF_CONFIG,
          new Evaluation(Every.EPOCH, 0, false));

  /** Checks the numbers. */
  public StageSettings {
    Check.argument(numTrainEpochs >= 0, "%d epochs", numTrainEpochs);
    Check.argument(
        maxTrainSteps.isEmpty() || maxTrainSteps.getAsInt() > 0, "%s updates", maxTrainSteps);
    Check.argument(
        trainBatchSize > 0 && evalBatchSize > 0,
        "batches of %d, %d",
        trainBatchSize,
        evalBatchSize);
    Check.argument(gradientAccumulationSteps > 0, "%d micro-batches", gradientAccumulationSteps);
  }

  /** Whether the stage is left out. */
  public boolean isSkipped() {
    return numTrainEpochs == 0 && maxTrainSteps.isEmpty();
  }

  /** Updates of one pass over so many training examples; the last one may be smaller. */
  public int updatesPerEpoch(int examples) {
    int batches = ceilDiv(examples, trainBatchSize);
    return ceilDiv(batches, gradientAccumulationSteps);
  }

  /** All updates of the stage: {@code max_train_steps}, else those of all epochs. */
  public int updates(int examples) {
    return maxTrainSteps.orElseGet(
        () -> Math.multiplyExact(numTrainEpochs, updatesPerEpoch(examples)));
  }

  private static int ceilDiv(int a, int b) {
    return Math.floorDiv(a + b - 1, b);
  }

  /** The same without evaluation. */
  StageSettings unevaluated() {
    return new StageSettings(
        numTrainEpochs,
        maxTrainSteps,
        trainBatchSize,
        evalBatchSize,
        gradientAccumulationSteps,
        groupByLength,
        schedule,
        optimizer,
        dropouts,
        Evaluation.NONE);
  }

  /** Reads a stage whose absent keys are those of {@code base}; evaluation only if it has one. */
  static StageSettings read(Config c, StageSettings base) {
    AdamW o = base.optimizer;
    Dropouts d = base.dropouts;
    Schedule s = base.schedule;
    StageSettings stage =
        new StageSettings(
            c.get("num_train_epochs", Kind.wholeFrom(0), base.numTrainEpochs),
            c.optional("max_train_steps", Kind.wholeFrom(1), base.maxTrainSteps),
            c.get("per_device_train_batch_size", Kind.wholeFrom(1), base.trainBatchSize),
            c.get("per_device_eval_batch_size", Kind.wholeFrom(1), base.evalBatchSize),
            c.get("gradient_accumulation_steps", Kind.wholeFrom(1), base.gradientAccumulationSteps),
            c.get("group_by_length", Kind.FLAG, base.groupByLength),
            new Schedule(
                c.get("lr_scheduler_type", Kind.choice(SchedulerType.class), s.type()),
                c.get("learning_rate", Kind.positive(), s.learningRate()),
                c.get("num_warmup_steps", Kind.wholeFrom(0), s.warmupSteps())),
            new AdamW(
                c.get("adam_beta1", Kind.fraction(), o.beta1()),
                c.get("adam_beta2", Kind.fraction(), o.beta2()),
                c.get("adam_epsilon", Kind.positive(), o.epsilon()),
                c.get("weight_decay", Kind.notNegative(), o.weightDecay()),
                c.optional("max_grad_norm", Kind.positive(), o.maxGradNorm())),
            new Dropouts(
                c.optional("cls_dropout", Kind.fraction(), d.cls()),
                c.optional("hidn_dropout", Kind.fraction(), d.hidden()),
                c.optional("att_dropout", Kind.fraction(), d.attention())),
            base.evaluation.equals(Evaluation.NONE)
                ? Evaluation.NONE
                : evaluation(c, base.evaluation));
    stage.check(c);
    return stage;
  }

  private static Evaluation evaluation(Config c, Evaluation base) {
    Evaluation evaluation =
        new Evaluation(
            c.get("eval_steps", Every.KIND, base.every()),
            c.get("early_stopping_patience", Kind.wholeFrom(0), base.earlyStoppingPatience()),
            c.get("save_best", Kind.FLAG, base.saveBest()));
    if (evaluation.every().equals(Every.NEVER)) {
      if (evaluation.saveBest()) {
        c.problem(
            "save_best", "cannot go with eval_steps: never; evaluate, or keep the last model");
      }
      if (evaluation.earlyStoppingPatience() > 0) {
        c.problem(
            "early_stopping_patience",
            "cannot go with eval_steps: never; evaluate, or set it to 0");
      }
    }
    return evaluation;
  }

  private void check(Config c) {
    if (schedule.type() == SchedulerType.CONSTANT && schedule.warmupSteps() > 0) {
      c.problem(
          "num_warmup_steps",
          "lr_scheduler_type constant has no warm-up; use constant_with_warmup, or 0");
    }
    if (schedule.type() == SchedulerType.POLYNOMIAL
        && schedule.learningRate() <= Schedule.POLYNOMIAL_END) {
      c.problem(
          "learning_rate",
          "lr_scheduler_type polynomial ends at %s and must start above it, got %s",
          Schedule.POLYNOMIAL_END,
          schedule.learningRate());
    }
  }

  /** Writes all keys, evaluation only if there is one. */
  ObjectNode write() {
    Keys keys =
        new Keys()
            .put("num_train_epochs", numTrainEpochs)
            .put("max_train_steps", maxTrainSteps)
            .put("per_device_train_batch_size", trainBatchSize)
            .put("per_device_eval_batch_size", evalBatchSize)
            .put("gradient_accumulation_steps", gradientAccumulationSteps)
            .put("group_by_length", groupByLength)
            .put("learning_rate", schedule.learningRate())
            .put("lr_scheduler_type", schedule.type())
            .put("num_warmup_steps", schedule.warmupSteps())
            .put("weight_decay", optimizer.weightDecay())
            .put("max_grad_norm", optimizer.maxGradNorm())
            .put("adam_beta1", optimizer.beta1())
            .put("adam_beta2", optimizer.beta2())
            .put("adam_epsilon", optimizer.epsilon())
            .put("cls_dropout", dropouts.cls())
            .put("hidn_dropout", dropouts.hidden())
            .put("att_dropout", dropouts.attention());
    if (!evaluation.equals(Evaluation.NONE)) {
      keys.put("eval_steps", evaluation.every().toString())
          .put("early_stopping_patience", evaluation.earlyStoppingPatience())
          .put("save_best", evaluation.saveBest());
    }
    return keys.object();
  }
}
