package dev.filtrate.train.verify;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.weights.Safetensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A file of a case whose tensors are asked for by name and shape. */
record CaseFile(Path path, Map<String, Tensor> tensors) {
  static CaseFile open(Path file) {
    return new CaseFile(file, Safetensors.open(file).tensors());
  }

  Set<String> names() {
    return tensors.keySet();
  }

  /** A float32 tensor of these sizes. */
  Tensor floats(String name, long... dims) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw UserError.of("%s: expected a tensor '%s', found none", path, name);
    }
    Check.user(
        tensor.type() == DType.FLOAT && Arrays.equals(tensor.dims(), dims),
        "%s: tensor '%s': expected float32 %s, found %s",
        path,
        name,
        Arrays.toString(dims),
        tensor);
    return tensor;
  }

  /** The tensors of these parameters: all of them, each in its shape. */
  Map<String, Tensor> parameters(List<Value> wanted) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    wanted.forEach(p -> found.put(p.name(), floats(p.name(), p.shape().fixed())));
    return found;
  }

  /**
   * Compares parameters at the end of a trajectory with all that are stored here.
   *
   * @param trained those that learned; each must be stored
   * @param initial all of them at the start; those that did not learn must not have changed
   */
  void compareParameters(
      String prefix,
      Map<String, Tensor> trained,
      Map<String, Tensor> initial,
      Comparison comparison) {
    for (String name : trained.keySet()) {
      Check.user(names().contains(name), "%s: expected a tensor '%s', found none", path, name);
    }
    for (String name : names()) {
      Tensor actual = trained.getOrDefault(name, initial.get(name));
      if (actual == null) {
        throw UserError.of("%s: '%s': the model has no such parameter", path, name);
      }
      comparison.parameter(prefix + name, floats(name, actual.dims()), actual);
    }
  }
}
