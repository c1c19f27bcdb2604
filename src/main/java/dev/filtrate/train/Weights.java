package dev.filtrate.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.DebertaV2Config;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.Objective;
import dev.filtrate.weights.Initialization;
import dev.filtrate.weights.LoadedWeights;
import dev.filtrate.weights.ModelFolder;
import dev.filtrate.weights.TeacherLayers;
import dev.filtrate.weights.WeightLoading;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A model with its parameters.
 *
 * @param model config, head, filters
 * @param parameters float32, by their names in the checkpoint
 */
public record Weights(Model model, Map<String, Tensor> parameters) {
  /** The parameters of a model without filters: backbone and head. */
  private static List<Value> backbone(Model model) {
    return StageGraphs.inference("parameters", model.withoutFilters()).parameters();
  }

  /** The parameters of Stage I that fine-tuning does not have: filters, their poolers and heads. */
  private static List<Value> filters(Model model) {
    Graph stageOne =
        StageGraphs.gradients("parameters", model, Objective.filterTask(), Filters::owns, false);
    return StageGraphs.trained(stageOne);
  }

  /**
   * A model from a Hugging Face folder; what is missing is made under {@code seed}. Of Stage I's
   * parameters only the filters are loaded, as the released Stage II does.
   *
   * @param ignoreMismatchedSizes whether a head or filters of another shape count as missing
   */
  static LoadedWeights load(Model model, Path folder, long seed, boolean ignoreMismatchedSizes) {
    return load(model, parameters(model), folder, seed, ignoreMismatchedSizes);
  }

  /** The same with Stage I's poolers and heads, for filters that learn on. */
  static LoadedWeights loadStageOne(
      Model model, Path folder, long seed, boolean ignoreMismatchedSizes) {
    List<Value> all = new ArrayList<>(backbone(model));
    all.addAll(filters(model));
    return load(model, all, folder, seed, ignoreMismatchedSizes);
  }

  private static LoadedWeights load(
      Model model, List<Value> parameters, Path folder, long seed, boolean ignoreMismatchedSizes) {
    return WeightLoading.of(model.config(), seed)
        .ignoringMismatchedSizes(ignoreMismatchedSizes)
        .load(ModelFolder.open(folder), parameters);
  }

  /** A model from scratch. */
  static LoadedWeights random(Model model, long seed) {
    Map<String, Tensor> made =
        Initialization.of(model.config(), seed).initialize(parameters(model));
    return new LoadedWeights(made, List.of(), List.of());
  }

  /** A student made of layers of its teacher. */
  static LoadedWeights ofTeacher(Model model, List<Integer> layers, Weights teacher, long seed) {
    return new TeacherLayers(layers)
        .initialize(
            "the teacher",
            teacher.parameters(),
            parameters(model),
            WeightLoading.of(model.config(), seed));
  }

  private static List<Value> parameters(Model model) {
    List<Value> all = new ArrayList<>(backbone(model));
    if (model.filters().isPresent()) {
      filters(model).stream().filter(p -> !Filters.isStageOne(p.name())).forEach(all::add);
    }
    return all;
  }

  /**
   * The same backbone with filters, which are made under {@code seed} unless they are there.
   *
   * @param stageOne whether poolers and heads of Stage I are wanted too
   */
  Weights with(Filters filters, long seed, boolean stageOne) {
    Model extended = model.with(filters);
    Initialization initialization = Initialization.of(model.config(), seed);
    Map<String, Tensor> all = new LinkedHashMap<>(withoutFilters().parameters());
    for (Value p : filters(extended)) {
      if (stageOne || !Filters.isStageOne(p.name())) {
        Tensor known = parameters.get(p.name());
        boolean fits = known != null && known.shape().equals(p.shape());
        all.put(p.name(), fits ? known : initialization.initialize(p));
      }
    }
    return new Weights(extended, all);
  }

  /** The same without filters. */
  Weights withoutFilters() {
    Map<String, Tensor> kept = new LinkedHashMap<>(parameters);
    kept.keySet().removeIf(Filters::owns);
    return new Weights(model.withoutFilters(), kept);
  }

  /** The same backbone with the filters of another model. */
  Weights withFiltersOf(Weights other) {
    Map<String, Tensor> all = new LinkedHashMap<>(withoutFilters().parameters());
    other.parameters().forEach((name, tensor) -> putFilter(all, name, tensor));
    return new Weights(other.model(), all);
  }

  private static void putFilter(Map<String, Tensor> all, String name, Tensor tensor) {
    if (Filters.owns(name)) {
      all.put(name, tensor);
    }
  }

  /** Writes the files of a Hugging Face folder into one that holds other things too. */
  void writeInto(Path folder, List<Path> tokenizerFiles) {
    Path whole = folder.resolve(".model");
    write(whole, tokenizerFiles);
    try (Stream<Path> files = Files.list(whole)) {
      for (Path file : files.toList()) {
        Files.move(file, folder.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
      Files.delete(whole);
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(folder, e);
    }
  }

  /**
   * Writes a Hugging Face folder. Filters are told in its config under the release's keys, and a
   * DeBERTa with filters has the release's model type and class, so that the released code opens it
   * as its own; without filters it is what everybody knows.
   */
  void write(Path folder, List<Path> tokenizerFiles) {
    ObjectNode config = model.config().json();
    boolean released = model.filters().isPresent() && model.config() instanceof DebertaV2Config;
    config.put(
        "model_type",
        (released ? "ted-" : "") + model.config().common().modelType().replaceFirst("^ted-", ""));
    config.putArray("architectures").add((released ? "TED" : "") + architecture(model));
    config.put("dtype", "float32");
    config.remove(
        List.of(
            "train_filters",
            "filter_interval",
            "filter_output_dim",
            "filter_nonlinear",
            "filter_disabled"));
    Optional<Filters> filters = model.filters();
    filters.ifPresent(
        f -> {
          config.put("train_filters", parameters.keySet().stream().anyMatch(Filters::isStageOne));
          config.put("filter_interval", f.interval());
          config.put("filter_output_dim", f.outputDim());
          config.put("filter_nonlinear", f.nonlinear());
          config.put("filter_disabled", false);
        });
    ModelFolder.write(folder, config, parameters, tokenizerFiles);
  }

  /** The class that transformers has for a model, as {@code architectures} in a config names it. */
  public static String architecture(Model model) {
    return model.config().className()
        + (model.head() == Head.QUESTION_ANSWERING
            ? "ForQuestionAnswering"
            : "ForSequenceClassification");
  }

  /** The number of parameters of backbone and head, what an export holds. */
  public long count() {
    return withoutFilters().parameters().values().stream().mapToLong(Tensor::size).sum();
  }
}
