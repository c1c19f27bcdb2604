package dev.filtrate.cli;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Setting;
import dev.filtrate.recipe.Use;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.jspecify.annotations.Nullable;

/**
 * The one table from flags to recipe keys. A single stage is a recipe made of flags; its model is
 * the recipe's student. Precedence: flag, then {@code --set}, then recipe, then default.
 */
final class RecipeFlags {
  private static final Set<Use> SINGLE = EnumSet.complementOf(EnumSet.of(Use.RUN, Use.PLAN));

  /** In a key: the block of the stage that the command is about. */
  private static final String STAGE_KEY = "STAGE.";

  /**
   * A flag.
   *
   * @param argument its value as help shows it; null for a flag without one, which sets true
   * @param key the recipe's key
   */
  private record Flag(
      Set<Use> uses, String name, @Nullable String argument, String key, String description) {}

  /**
   * Flag, its value as help shows it (- for a flag that sets true), key, commands, description; two
   * spaces or more between them. STAGE stands for the block of the command's own stage.
   */
  private static final String TABLE =
      """
      model_name_or_path           FOLDER         student.model_name_or_path         single     the model: a Hugging Face folder
      config_name                  FILE           student.config                     stage      a config.json: a model from scratch, or keys that replace those of the folder
      ignore_mismatched_sizes      -              student.ignore_mismatched_sizes    stage      start a head or filters of another shape afresh instead of refusing them
      teacher_model_name_or_path   FOLDER         teacher.model_name_or_path         distill    the teacher: a Hugging Face folder (for ted: after learn-filters)
      tokenizer_name               PATH           tokenizer.path                     single     a folder with tokenizer.json, spm.model, vocab.txt or vocab.json (default: the model's folder)
      task_name                    NAME           task.task_name                     data       cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte, wnli, squad or squad_v2, or any name for files of your own
      data_dir                     FOLDER         task.data_dir                      data       the folder of such a task's files, as train.tsv and dev.tsv
      train_file                   FILE           task.train_file                    data       training examples: tsv, csv, jsonl, parquet or trec
      validation_file              FILE           task.validation_file               data       examples to evaluate on
      validation_fraction          X              task.validation_fraction           data       hold out this part of train_file instead (default 0)
      sentence1_key                COLUMN         task.sentence1_key                 data       column of the text, by name or position from 0 (default sentence)
      sentence2_key                COLUMN         task.sentence2_key                 data       column of the second text of a pair (default none)
      label_key                    COLUMN         task.label_key                     data       column of the label (default label); in multi-label classification also several, with commas
      problem_type                 TYPE           task.problem_type                  data       single_label_classification, multi_label_classification or regression (default by the task)
      max_train_samples            N              task.max_train_samples             data       only the first N training examples (default 0: all)
      max_eval_samples             N              task.max_eval_samples              data       only the first N validation examples (default 0: all)
      max_seq_length               N              tokenizer.max_length               data       the same as max_length (default for SQuAD 384)
      doc_stride                   N              task.doc_stride                    data       of SQuAD: windows of a long text share N tokens (default 128)
      version_2_with_negative      -              task.version_2_with_negative       data       of SQuAD: questions may be without an answer (default for squad_v2)
      n_best_size                  N              task.n_best_size                   data       of SQuAD: try the N best starts and ends (default 20)
      max_answer_length            N              task.max_answer_length             data       of SQuAD: tokens of the longest answer (default 30)
      null_score_diff_threshold    X              task.null_score_diff_threshold     data       of SQuAD: no answer if it scores higher by more than X (default 0)
      tune_null_score              -              task.tune_null_score               data       of SQuAD: take the threshold with the best F1 on the validation questions instead
      max_length                   N              tokenizer.max_length               single     cut texts to N tokens (default 128; of a finished model what its tokenizer_config.json says)
      pad_to_max_length            -              tokenizer.pad_to_max_length        single     pad every batch to max_length, not to its longest text
      pad_to_multiple_of           N              tokenizer.pad_to_multiple_of       single     pad batches to a multiple of N tokens: fewer shapes (default 1)
      per_device_train_batch_size  N              STAGE.per_device_train_batch_size  stage      examples of a micro-batch (default 8)
      per_device_eval_batch_size   N              STAGE.per_device_eval_batch_size   data       examples of a batch in evaluation (default 8)
      learning_rate                X              STAGE.learning_rate                stage      highest rate (default 5e-5)
      weight_decay                 X              STAGE.weight_decay                 stage      decay of matrices; biases and norms are spared (default 0)
      num_train_epochs             N              STAGE.num_train_epochs             stage      passes over the training examples (default 3)
      max_train_steps              N              STAGE.max_train_steps              stage      updates, instead of epochs
      gradient_accumulation_steps  N              STAGE.gradient_accumulation_steps  stage      micro-batches of an update (default 1)
      lr_scheduler_type            TYPE           STAGE.lr_scheduler_type            stage      linear, cosine, cosine_with_restarts, polynomial, constant or constant_with_warmup (default linear)
      num_warmup_steps             N              STAGE.num_warmup_steps             stage      updates over which the rate rises from 0 (default 0)
      max_grad_norm                X              STAGE.max_grad_norm                stage      clip gradients to this global norm (default none)
      cls_dropout                  X              STAGE.cls_dropout                  stage      dropout before the classifier (default the config's)
      hidn_dropout                 X              STAGE.hidn_dropout                 stage      dropout of hidden states (default the config's)
      att_dropout                  X              STAGE.att_dropout                  stage      dropout of attention probabilities (default the config's)
      eval_steps                   N|epoch|never  STAGE.eval_steps                   evaluated  how often to evaluate (default epoch)
      early_stopping_patience      N              STAGE.early_stopping_patience      evaluated  end after N evaluations without a new best (default 0: do not)
      save_best                    -              STAGE.save_best                    evaluated  keep the model of the best evaluation, not the last
      method                       METHOD         compare                            distill    ted, lwd or kd (default: what mse_alpha and filter_disabled say)
      kl_alpha                     X              distill.kl_alpha                   distill    weight of the divergence from the teacher's answers (default 0)
      mse_alpha                    X              distill.mse_alpha                  distill    weight of the layer-wise error (default 0)
      temperature                  X              distill.temperature                distill    softens the answers of both models (default 2)
      regression_kl                KIND           distill.regression_kl              distill    of single scores: batch (as released: a softmax over the batch) or mse (default batch)
      mse_reduction                KIND           distill.mse_reduction              distill    over the filters: mean (as released) or sum (default mean)
      mse_mask_padding             -              distill.mse_mask_padding           distill    leave padding out of the layer-wise error
      kl_mask_padding              -              distill.kl_mask_padding            distill    of answers: leave padding out of the divergence over positions
      teacher_dtype                TYPE           distill.teacher_dtype              distill    float32, bfloat16, or on a CPU int8: the teacher in half the time, to two digits (default float32)
      teacher_cache                FOLDER         distill.teacher_cache              distill    keep the teacher's outputs there, for later epochs and runs
      teacher_cache_dtype          TYPE           distill.teacher_cache_dtype        distill    float32 or float16 (default float32)
      filter_interval              N              filters.filter_interval            filters    a filter every N layers (default 1)
      teacher_filter_interval      N              filters.teacher_filter_interval    distill    the same of the teacher (default 1)
      filter_output_dim            N              filters.filter_output_dim          filters    width of filtered states (default the teacher's hidden size)
      filter_nonlinear             -              filters.filter_nonlinear           filters    filters of two layers instead of one
      filter_disabled              -              filters.filter_disabled            distill    no learned filters: lwd, or kd
      frozen_dropout               true|false     filters.frozen_dropout             learn      dropout of the frozen backbone while filters learn (default true, as released)
      frozen_cache                 FOLDER         filters.frozen_cache               learn      without frozen_dropout: keep what the filters read of the backbone there, for later epochs and runs
      frozen_cache_dtype           TYPE           filters.frozen_cache_dtype         learn      float32 or float16 (default float32)
      precision                    LIST           export.precision                   exports    fp32, fp16, int8, optimized (default fp32, which is always there)
      max_drop                     X              export.max_drop                    exports    points of the metric that another precision may lose (default 0.5)
      per_channel                  true|false     export.per_channel                 exports    of int8: a scale for each column of a weight (default true)
      reduce_range                 -              export.reduce_range                exports    of int8: weights of 7 bits, for x86 processors without VNNI
      checkpointing_steps          N|epoch|never  checkpoint.checkpointing_steps     stage      how often to write a checkpoint (default epoch)
      tensorboard                  -              report.tensorboard                 trains     also write TensorBoard's event files, into tensorboard/ in the run's folder
      csv                          -              report.csv                         trains     also write metrics.csv beside metrics.jsonl
      output_dir                   FOLDER         output_dir                         writes     where results go (default runs/ and the name)
      seed                         N[,N…]         seed                               any        of everything random (default 42)
      device                       DEVICE         device                             any        cpu, cuda or cuda:1 (default cpu)
      threads                      N              threads                            any        threads of an operator (default 0: every core)
      arena                        true|false     arena                              any        keep memory between steps: faster, larger (default true)
      memory_pattern               -              memory_pattern                     any        lay memory out once per shape: for batches of one length
      target                       TARGET         target                             any        ort, or portable: standard operators only (default ort)
      mixed_precision              no|fp16|bf16   mixed_precision                    computes   matrix products in 16 bits: on GPUs, bf16 also on CPUs that multiply it (default no)
      tf32                         -              tf32                               computes   on a GPU: round the factors of float32 products to 10 bits
      enable_cuda_graph            -              enable_cuda_graph                  computes   on a GPU: replay the kernels of teacher, gradients and evaluation per shape of batch
      """;

  private static final Map<String, Set<Use>> USES =
      Map.ofEntries(
          Map.entry("any", EnumSet.allOf(Use.class)),
          Map.entry(
              "computes",
              EnumSet.of(
                  Use.RUN, Use.PLAN, Use.FINETUNE, Use.LEARN_FILTERS, Use.DISTILL, Use.EVALUATE)),
          Map.entry("single", SINGLE),
          Map.entry("stage", EnumSet.of(Use.FINETUNE, Use.LEARN_FILTERS, Use.DISTILL)),
          Map.entry("evaluated", EnumSet.of(Use.FINETUNE, Use.DISTILL)),
          Map.entry("distill", EnumSet.of(Use.DISTILL)),
          Map.entry("learn", EnumSet.of(Use.LEARN_FILTERS)),
          Map.entry("filters", EnumSet.of(Use.LEARN_FILTERS, Use.DISTILL)),
          Map.entry(
              "data",
              EnumSet.of(Use.FINETUNE, Use.LEARN_FILTERS, Use.DISTILL, Use.EVALUATE, Use.EXPORT)),
          Map.entry("exports", EnumSet.of(Use.RUN, Use.EXPORT)),
          Map.entry("trains", EnumSet.of(Use.RUN, Use.FINETUNE, Use.LEARN_FILTERS, Use.DISTILL)),
          Map.entry(
              "writes",
              EnumSet.of(Use.RUN, Use.FINETUNE, Use.LEARN_FILTERS, Use.DISTILL, Use.EXPORT)));

  private static final List<Flag> FLAGS = TABLE.lines().map(RecipeFlags::flag).toList();

  private static final String SET = "set";
  private static final String RECIPE = "recipe";

  private RecipeFlags() {}

  private static Flag flag(String row) {
    String[] cells = row.strip().split(" {2,}");
    Set<Use> uses = USES.get(cells[3]);
    if (cells.length != 5 || uses == null) {
      throw new IllegalArgumentException(row);
    }
    return new Flag(uses, cells[0], cells[1].equals("-") ? null : cells[1], cells[2], cells[4]);
  }

  /** The flags of a command that reads a recipe for this use. */
  static Options options(Use use) {
    Options options = new Options();
    for (Flag flag : FLAGS) {
      if (flag.uses.contains(use)) {
        options.addOption(
            flag.argument == null
                ? Flags.flag(flag.name, flag.description)
                : Flags.valued(flag.name, flag.argument, flag.description));
      }
    }
    if (SINGLE.contains(use)) {
      options.addOption(Flags.valued(RECIPE, "FILE", "take what no flag says from this recipe"));
    }
    options.addOption(Flags.valued(SET, "KEY=VALUE", "set any key of the recipe; may be repeated"));
    return options;
  }

  /** The key of a recipe that a flag stands for; STAGE is whichever stage the command is about. */
  static Map<String, String> keys() {
    return FLAGS.stream()
        .collect(
            Collectors.toMap(
                Flag::name, flag -> flag.key.replace(STAGE_KEY, "training."), (a, b) -> a));
  }

  /** What flags say about their keys: by full key, or of a stage or method by its last part. */
  static Map<String, String> descriptions() {
    return FLAGS.stream()
        .filter(flag -> !flag.description.startsWith("the same as"))
        .collect(
            Collectors.toMap(
                flag -> flag.key.replace(STAGE_KEY, "").replaceFirst("^distill\\.", ""),
                Flag::description,
                (a, b) -> a));
  }

  /** The recipe that a command names, which must be one. */
  static String argument(CommandLine line) {
    List<String> arguments = line.getArgList();
    if (arguments.size() != 1) {
      throw UserError.of(
          "expected one recipe, got %s",
          arguments.isEmpty() ? "none" : "'" + String.join(" ", arguments) + "'");
    }
    return arguments.get(0);
  }

  /** The recipe that a command names, or this one. */
  static String argument(CommandLine line, String otherwise) {
    return line.getArgList().isEmpty() ? otherwise : argument(line);
  }

  /** The recipe of a single stage: flags, over {@code --set}, over {@code --recipe} if given. */
  static Recipe read(CommandLine line, Use use) {
    return read(line, use, List.of());
  }

  /** The same with settings that stand for other arguments of the command. */
  static Recipe read(CommandLine line, Use use, List<Setting> arguments) {
    Check.argument(SINGLE.contains(use), "%s takes its recipe as an argument", use);
    String file = line.getOptionValue(RECIPE);
    List<Setting> settings = new ArrayList<>(settings(line, use));
    settings.addAll(arguments);
    return Recipe.read(file == null ? null : Home.recipe(file), settings, use);
  }

  /** A recipe with what the command line says over it. */
  static Recipe read(Path file, CommandLine line, Use use) {
    return Recipe.read(file, settings(line, use), use);
  }

  /** What the command line says of a recipe. */
  static List<Setting> settings(CommandLine line, Use use) {
    List<Setting> settings = new ArrayList<>();
    String[] assignments = line.getOptionValues(SET);
    for (String assignment : assignments == null ? new String[0] : assignments) {
      settings.add(Setting.assignment(assignment));
    }
    for (Option given : line.getOptions()) {
      for (Flag flag : FLAGS) {
        if (flag.uses.contains(use) && flag.name.equals(given.getLongOpt())) {
          String value = flag.argument == null ? "true" : given.getValue();
          settings.add(Setting.flag("--" + flag.name, key(flag, use), value));
        }
      }
    }
    return settings;
  }

  private static String key(Flag flag, Use use) {
    if (!flag.key.startsWith(STAGE_KEY)) {
      return flag.key;
    }
    String stage =
        switch (use) {
          case DISTILL -> "distill.";
          case LEARN_FILTERS -> "student.learn_filters.";
          case FINETUNE, EVALUATE, EXPORT -> "student.finetune.";
          case RUN, PLAN, PREDICT -> "training.";
        };
    return stage + flag.key.substring(STAGE_KEY.length());
  }
}
