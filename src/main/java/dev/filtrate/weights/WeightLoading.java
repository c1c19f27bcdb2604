package dev.filtrate.weights;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelConfig;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * From the tensors of a checkpoint to the parameters of a model. Inside the backbone every
 * parameter must be there, in its shape, and nothing else; a missing head or filter is made afresh;
 * pretraining heads, index buffers, and filters that the model does not have are left out. Old
 * spellings and a backbone without its prefix are understood, half precision is widened.
 *
 * @param backbone the prefix of the backbone's names, without the dot: {@code bert}, {@code
 *     deberta}
 * @param initialization makes what is missing
 * @param ignoreMismatchedSizes whether a head or filter of another shape is made afresh too,
 *     instead of being an error
 */
public record WeightLoading(
    String backbone, Initialization initialization, boolean ignoreMismatchedSizes) {

  /** Strict loading for models of a config. */
  public static WeightLoading of(ModelConfig config, long seed) {
    return new WeightLoading(config.prefix(), Initialization.of(config, seed), false);
  }

  /** The same, with heads and filters of another shape made afresh or not. */
  public WeightLoading ignoringMismatchedSizes(boolean ignore) {
    return new WeightLoading(backbone, initialization, ignore);
  }

  /** Loads a folder's weights for the parameters of a model's graph. */
  public LoadedWeights load(ModelFolder folder, List<Value> parameters) {
    return load(folder.path().toString(), folder.tensors(), parameters);
  }

  /**
   * Loads tensors for the parameters of a model's graph.
   *
   * @param source where the tensors are from, for messages
   * @param tensors by the names of the checkpoint
   * @param parameters names and shapes that the model wants
   */
  public LoadedWeights load(String source, Map<String, Tensor> tensors, List<Value> parameters) {
    Map<String, Value> expected = new LinkedHashMap<>();
    parameters.forEach(p -> expected.put(p.name(), p));
    Map<String, String> names =
        Names.canonical(source, tensors.keySet(), backbone, expected.keySet());
    Misfits misfits = new Misfits();
    Map<String, Tensor> loaded = new LinkedHashMap<>();
    List<String> initialized = new ArrayList<>();
    for (Value p : parameters) {
      String name = names.get(p.name());
      Tensor tensor = name == null ? null : tensors.get(name);
      boolean strict = Names.part(p.name(), backbone) == Names.Part.BACKBONE;
      if (name != null && tensor != null && Names.fits(tensor, p)) {
        loaded.put(p.name(), toFloat(source, name, tensor));
      } else if (tensor != null && (strict || !ignoreMismatchedSizes)) {
        (strict ? misfits.backbone : misfits.heads).add(difference(p, tensor));
      } else if (strict) {
        misfits.missing.add(Names.show(p));
      } else {
        initialized.add(p.name());
        loaded.put(p.name(), initialization.initialize(p));
      }
    }
    List<String> ignored = new ArrayList<>();
    names.forEach(
        (canonical, name) -> {
          if (!expected.containsKey(canonical)) {
            boolean stray = isStray(canonical, Objects.requireNonNull(tensors.get(name)));
            (stray ? misfits.unexpected : ignored).add(name);
          }
        });
    misfits.refuse(source, backbone, names);
    refuseOtherFilters(source, initialized, names, expected);
    return new LoadedWeights(loaded, initialized, ignored);
  }

  private boolean isStray(String name, Tensor tensor) {
    return Names.part(name, backbone) == Names.Part.BACKBONE
        && tensor.type().isFloatingPoint()
        && !Names.isLeftover(name);
  }

  private static String difference(Value parameter, Tensor tensor) {
    return "%s (expected %s, found %s)"
        .formatted(parameter.name(), parameter.shape(), tensor.shape());
  }

  static Tensor toFloat(String source, String name, Tensor tensor) {
    Check.user(
        tensor.type().isFloatingPoint(),
        "%s: tensor '%s': expected floating-point numbers, found %s",
        source,
        name,
        tensor.type());
    return HalfPrecision.toFloat(tensor);
  }

  /** A linear filter where a non-linear one is wanted, or the reverse: the flag was forgotten. */
  private void refuseOtherFilters(
      String source,
      List<String> initialized,
      Map<String, String> names,
      Map<String, Value> expected) {
    if (ignoreMismatchedSizes) {
      return;
    }
    for (String parameter : initialized) {
      int end = parameter.indexOf(".filter.") + ".filter.".length();
      if (end < ".filter.".length()) {
        continue;
      }
      String filter = parameter.substring(0, end);
      for (String name : names.keySet()) {
        if (name.startsWith(filter) && !expected.containsKey(name)) {
          throw new UserError(
              "%s: expected %s, found a filter of the other kind, %s; set filter_nonlinear as it was when the filters were learnt, or pass --ignore_mismatched_sizes to start them afresh"
                  .formatted(source, parameter, name));
        }
      }
    }
  }

  /** What does not fit, gathered so that one message names all of it. */
  private static final class Misfits {
    final List<String> missing = new ArrayList<>();
    final List<String> backbone = new ArrayList<>();
    final List<String> unexpected = new ArrayList<>();
    final List<String> heads = new ArrayList<>();

    void refuse(String source, String prefix, Map<String, String> names) {
      List<String> parts = new ArrayList<>();
      if (!missing.isEmpty()) {
        boolean other = names.keySet().stream().noneMatch(n -> n.startsWith(prefix + "."));
        parts.add(
            "missing are "
                + Names.some(missing)
                + (other ? ", found are " + Names.some(names.keySet()) : ""));
      }
      if (!backbone.isEmpty()) {
        parts.add("of another shape are " + Names.some(backbone));
      }
      if (!unexpected.isEmpty()) {
        parts.add("not in the model are " + Names.some(unexpected));
      }
      Check.user(
          parts.isEmpty(),
          "%s: the weights do not fit the model: %s; use the config.json that belongs to them",
          source,
          String.join("; ", parts));
      Check.user(
          heads.isEmpty(),
          "%s: the head does not fit the task: %s; set the labels (or filter_output_dim) that the checkpoint was trained with, or pass --ignore_mismatched_sizes to start it afresh",
          source,
          Names.some(heads));
    }
  }
}
