package dev.filtrate.recipe;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import dev.filtrate.base.UserError;
import dev.filtrate.model.Head;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.Objective.Distillation;
import dev.filtrate.model.Objective.Divergence;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What no single key can tell: whether the parts of a recipe go together, and are there. */
public final class RecipeChecks {
  private final Config c;
  private final Recipe recipe;
  private final Use use;
  private final List<Method> methods;

  RecipeChecks(Config c, Recipe recipe, Use use) {
    this.c = c;
    this.recipe = recipe;
    this.use = use;
    this.methods = use.distils() ? recipe.compare() : List.of();
  }

  /** Notes everything that does not hold. */
  void run() {
    once("seed", recipe.seeds());
    once("compare", recipe.compare());
    boolean teacherNeeded = methods.stream().anyMatch(Method::distils);
    if (teacherNeeded || (use.distils() && recipe.teacher().isGiven())) {
      model(c.in("teacher"), recipe.teacher(), use == Use.DISTILL);
    }
    single();
    model(c.in("student"), recipe.student(), use.needsWeights());
    tokenizer();
    methods.forEach(this::method);
    untaught();
    ModelConfig teacher = teacherNeeded ? config(c.in("teacher"), recipe::teacherConfig) : null;
    if (teacher != null && !teacher.hasConstantPadding()) {
      methods.forEach(this::cachedPadding);
    }
    ModelConfig student = config(c.in("student"), recipe::studentConfig);
    frozenCache(teacher, student);
    intervals(teacher, student);
    teacherLayers(student);
    positions("teacher", teacher);
    positions("student", student);
  }

  /** A single distillation is one method. */
  private void single() {
    boolean one = methods.size() == 1 && methods.get(0).distils();
    if (use == Use.DISTILL && !one) {
      List<String> got = methods.stream().map(Method::id).toList();
      c.problem("compare", "expected one of kd, lwd, ted (--method), got %s", got);
    }
  }

  /** In a run, what nobody teaches must come from somewhere. */
  private void untaught() {
    if (use == Use.DISTILL || methods.stream().noneMatch(Method::distils)) {
      return;
    }
    ModelSettings teacher = recipe.teacher();
    if (teacher.finetune().isSkipped() && teacher.folder() == null) {
      c.in("teacher")
          .in("finetune")
          .problem("num_train_epochs", "0 leaves the teacher random; give model_name_or_path");
    }
    if (methods.contains(Method.TED)) {
      for (String who : List.of("teacher", "student")) {
        ModelSettings model = who.equals("teacher") ? teacher : recipe.student();
        if (model.learnFilters().isSkipped() && model.folder() == null) {
          c.in(who)
              .in("learn_filters")
              .problem(
                  "num_train_epochs",
                  "0 leaves ted without filters; give a model_name_or_path that has them");
        }
      }
    }
  }

  private void once(String key, List<?> values) {
    if (new HashSet<>(values).size() < values.size()) {
      c.problem(key, "holds a value twice: %s", values);
    }
  }

  private void model(Config block, ModelSettings model, boolean weights) {
    Path folder = model.folder();
    if (block.has("model_name_or_path") && folder == null) {
      return; // there, but no path: noted
    }
    boolean written = model.isGiven() || block.has("config");
    if (!written || (weights && folder == null)) {
      String scratch = weights ? "" : ", or a config for a model from scratch";
      block.problem("model_name_or_path", "missing: give a Hugging Face folder%s", scratch);
      return;
    }
    boolean there = folder == null || Files.isDirectory(folder);
    if (!there && (use.needsFiles() || model.config() == null)) {
      block.problem(
          "model_name_or_path",
          "expected a Hugging Face folder at %s, found none; a model of the hub is downloaded by"
              + " 'filtrate fetch NAME'",
          folder);
    } else if (there && folder != null && model.config() == null && !hasConfig(folder)) {
      block.problem("model_name_or_path", "expected config.json in %s, found none", folder);
    }
    if (folder != null && !model.teacherLayers().isEmpty()) {
      block.problem("teacher_layers", "cannot go with model_name_or_path; leave one out");
    }
  }

  private static boolean hasConfig(Path folder) {
    return Files.isRegularFile(folder.resolve("config.json"));
  }

  /** The config, or null when it is not known or not allowed; the latter is noted. */
  private @Nullable ModelConfig config(Config block, Supplier<Optional<ModelConfig>> read) {
    try {
      return read.get().orElse(null);
    } catch (UserError e) { // named by the block's own key, or a file
      String message = String.valueOf(e.getMessage());
      block.problem("config", "%s", message.replaceFirst("^(teacher|student)\\.config: ", ""));
      return null;
    }
  }

  private void tokenizer() {
    Config block = c.in("tokenizer");
    Path given = recipe.tokenizer().path();
    if (recipe.tokenizerPath().isEmpty() && use != Use.PLAN) {
      block.problem("path", "missing: give a folder with tokenizer.json, spm.model or vocab.txt");
    } else if (given != null && use.needsFiles() && Files.notExists(given)) {
      block.problem("path", "expected a tokenizer at %s, found none", given);
    }
  }

  private void method(Method method) {
    if (!method.distils()) {
      return;
    }
    Config block = c.in("methods").in(method.id());
    DistillSettings settings = recipe.settings(method);
    Distillation objective = settings.objective();
    if (method.isLayerwise() && objective.mseAlpha() == 0) {
      at(block, "mse_alpha", "%s needs mse_alpha above 0, got 0", method.id());
    }
    if (method == Method.KD && objective.klAlpha() == 0) {
      at(block, "kl_alpha", "kd needs kl_alpha above 0, got 0");
    }
    if (method == Method.KD && objective.mseAlpha() > 0) {
      at(block, "mse_alpha", "kd has no layer-wise term; leave it out, or use lwd");
    }
    if (method == Method.TED && recipe.filters().disabled()) {
      c.in("filters").problem("filter_disabled", "ted needs filters; use lwd or kd without them");
    }
    if (settings.stage().isSkipped()) {
      at(block, "num_train_epochs", "distillation needs at least one epoch, or max_train_steps");
    }
    if (settings.teacherDtype() == FrozenDtype.INT8 && recipe.device().isCuda()) {
      at(
          block,
          "teacher_dtype",
          "int8 is for the CPU, and device is %s; there mixed_precision makes the teacher faster",
          recipe.device());
    }
    divergence(block, settings);
  }

  private void divergence(Config block, DistillSettings settings) {
    Distillation objective = settings.objective();
    if (objective.klMaskPadding() && recipe.task() != null) {
      at(block, "kl_mask_padding", "is for question answering; other answers have no positions");
    }
    if (objective.klAlpha() > 0
        && objective.divergence() == Divergence.BATCH
        && settings.stage().trainBatchSize() == 1) {
      at(
          block,
          "per_device_train_batch_size",
          "regression_kl: batch is always 0 in a batch of 1; use a larger batch, or"
              + " regression_kl: mse");
    }
  }

  /** A cache holds no padding, so a loss must not read what the teacher says of it. */
  private void cachedPadding(Method method) {
    if (!method.distils() || recipe.settings(method).teacherCache().folder() == null) {
      return;
    }
    Config block = c.in("methods").in(method.id());
    Distillation objective = recipe.settings(method).objective();
    String message = "%s's %s counts padding, which a cache does not hold; set %s: true";
    if (method.isLayerwise() && !objective.maskPadding()) {
      at(block, "teacher_cache", message, method.id(), "layer-wise error", "mse_mask_padding");
    }
    if (recipe.head() == Head.QUESTION_ANSWERING
        && objective.klAlpha() > 0
        && !objective.klMaskPadding()) {
      at(block, "teacher_cache", message, method.id(), "KL over answers", "kl_mask_padding");
    }
  }

  /** The same of Stage I, whose backbone must besides say the same of a text every time. */
  private void frozenCache(@Nullable ModelConfig teacher, @Nullable ModelConfig student) {
    if (recipe.filters().frozenCache().folder() == null) {
      return;
    }
    Config block = c.in("filters");
    if (recipe.filters().frozenDropout()) {
      block.problem(
          "frozen_cache",
          "under dropout the backbone says something else of a text every time; set frozen_dropout:"
              + " false, or leave it out");
    }
    if (recipe.head() == Head.QUESTION_ANSWERING) {
      for (ModelConfig model : Arrays.asList(teacher, student)) {
        if (model != null && !model.hasConstantPadding()) {
          block.problem(
              "frozen_cache",
              "the loss over answers counts padding, which a cache does not hold; leave it out");
        }
      }
    }
  }

  /** A problem of a method's key: at the method where it says the key, else where all share it. */
  @FormatMethod
  private void at(Config method, String key, @FormatString String format, Object... arguments) {
    Config distill = c.in("distill");
    Config training = c.in("training");
    Config place =
        method.holds(key)
            ? method
            : !distill.holds(key) && training.holds(key) ? training : distill;
    place.problem(key, format, arguments);
  }

  private void intervals(@Nullable ModelConfig teacher, @Nullable ModelConfig student) {
    FilterSettings filters = recipe.filters();
    boolean layerwise = methods.stream().anyMatch(Method::isLayerwise);
    if (student != null && (layerwise || use == Use.LEARN_FILTERS)) {
      fits("filter_interval", filters.filterInterval(), "student", student);
    }
    if (teacher == null || !layerwise) {
      return;
    }
    fits("teacher_filter_interval", filters.teacherFilterInterval(), "teacher", teacher);
    int ofTeacher = teacher.numHiddenLayers() / filters.teacherFilterInterval();
    int ofStudent =
        student == null ? ofTeacher : student.numHiddenLayers() / filters.filterInterval();
    if (ofTeacher != ofStudent && student != null) {
      c.in("filters")
          .problem(
              "teacher_filter_interval",
              "teacher and student need the same number of filters, but %d layers every %d make"
                  + " %d and %d layers every %d make %d",
              teacher.numHiddenLayers(),
              filters.teacherFilterInterval(),
              ofTeacher,
              student.numHiddenLayers(),
              filters.filterInterval(),
              ofStudent);
    }
  }

  private void fits(String key, int interval, String who, ModelConfig config) {
    if (interval > config.numHiddenLayers()) {
      c.in("filters")
          .problem(
              key,
              "%d leaves the %s's %d layers without a filter",
              interval,
              who,
              config.numHiddenLayers());
    }
  }

  private void teacherLayers(@Nullable ModelConfig student) {
    List<Integer> layers = recipe.student().teacherLayers();
    if (layers.isEmpty()) {
      return;
    }
    Config block = c.in("student");
    ModelConfig teacher = config(c.in("teacher"), recipe::teacherConfig);
    if (!recipe.teacher().isGiven()) {
      block.problem("teacher_layers", "need a teacher; give teacher.model_name_or_path or config");
    }
    if (teacher == null || student == null) {
      return;
    }
    for (int layer : layers) {
      if (layer >= teacher.numHiddenLayers()) {
        block.problem(
            "teacher_layers",
            "expected layers from 0 to %d, got %d",
            teacher.numHiddenLayers() - 1,
            layer);
      }
    }
    if (student.numHiddenLayers() != layers.size()) {
      block.problem(
          "teacher_layers",
          "expected one for each of the student's %d layers, got %d",
          student.numHiddenLayers(),
          layers.size());
    }
    if (student.hiddenSize() != teacher.hiddenSize()
        || !student.prefix().equals(teacher.prefix())) {
      block.problem(
          "teacher_layers",
          "only fit a student of the teacher's kind and hidden size: %s of %d against %s of %d",
          student.prefix(),
          student.hiddenSize(),
          teacher.prefix(),
          teacher.hiddenSize());
    }
  }

  /** Most families have an embedding for every position, so texts can be too long for them. */
  private void positions(String who, @Nullable ModelConfig config) {
    int length = recipe.tokenizer().maxLength();
    if (config != null && length > config.longest().orElse(length)) {
      c.in("tokenizer")
          .problem(
              "max_length",
              "%d is more than the %s's %d positions (max_position_embeddings)",
              length,
              who,
              config.longest().orElse(0));
    }
  }
}
