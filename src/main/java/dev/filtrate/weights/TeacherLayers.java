package dev.filtrate.weights;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A student that starts as a shallower copy of its teacher: chosen layers of the teacher become its
 * layers, embeddings and everything else outside of layers are copied where they have the same
 * shape, filters start afresh.
 *
 * @param layers for each layer of the student the teacher's layer, both counted from 0
 */
public record TeacherLayers(List<Integer> layers) {
  /** Copies the list. */
  public TeacherLayers {
    layers = List.copyOf(layers);
  }

  /**
   * The last layer of each of {@code student} equal blocks, as TED pairs layers: 12 to 6 is 1, 3,
   * 5, 7, 9, 11.
   */
  public static TeacherLayers lastOfBlocks(int teacher, int student) {
    Check.user(
        student >= 1 && student <= teacher,
        "student layers: expected 1 to the teacher's %d, found %d",
        teacher,
        student);
    return new TeacherLayers(
        IntStream.range(0, student).mapToObj(i -> (i + 1) * teacher / student - 1).toList());
  }

  /**
   * The student's parameters. Throws {@link UserError} when the models do not go together: another
   * hidden size, a layer that the teacher does not have.
   *
   * @param source where the teacher is from, for messages
   * @param teacher its tensors, by the names of the checkpoint
   * @param parameters names and shapes that the student wants
   * @param loading the student's backbone, and what makes the rest
   */
  public LoadedWeights initialize(
      String source, Map<String, Tensor> teacher, List<Value> parameters, WeightLoading loading) {
    Set<String> wanted = new LinkedHashSet<>();
    parameters.forEach(p -> wanted.add(p.name()));
    Map<String, String> names =
        Names.canonical(source, teacher.keySet(), loading.backbone(), wanted);
    checkLayers(source, Names.layers(names.keySet()), Names.layers(wanted));
    parameters.forEach(p -> checkHiddenSize(source, p, teacher.get(names.get(p.name()))));
    Map<String, Tensor> copied = new LinkedHashMap<>();
    List<String> initialized = new ArrayList<>();
    for (Value p : parameters) {
      int layer = Filters.owns(p.name()) ? -1 : Names.layer(p.name());
      String original = layer < 0 ? p.name() : Names.inLayer(p.name(), layers.get(layer));
      String name = Filters.owns(p.name()) ? null : names.get(original);
      Tensor tensor = name == null ? null : teacher.get(name);
      if (tensor != null && Names.fits(tensor, p)) {
        copied.put(p.name(), WeightLoading.toFloat(source, original, tensor));
      } else if (layer >= 0) {
        throw UserError.of(
            "%s: the teacher's %s cannot become the student's %s: expected %s, found %s; layers are copied between models of the same architecture and sizes",
            source, original, p.name(), p.shape(), tensor == null ? "nothing" : tensor.shape());
      } else {
        initialized.add(p.name());
        copied.put(p.name(), loading.initialization().initialize(p));
      }
    }
    return new LoadedWeights(copied, initialized, List.of());
  }

  private void checkLayers(String source, int teacher, int student) {
    Check.user(
        layers.size() == student,
        "layers of the teacher: expected one for each of the student's %d layers, found %s",
        student,
        layers);
    for (int layer : layers) {
      Check.user(
          layer >= 0 && layer < teacher,
          "layers of the teacher: expected numbers from 0 to %d, as %s has %d layers, found %d",
          teacher - 1,
          source,
          teacher,
          layer);
    }
  }

  /** A LayerNorm inside a layer is as wide as the hidden states. */
  private static void checkHiddenSize(String source, Value parameter, @Nullable Tensor teacher) {
    boolean tells = Names.layer(parameter.name()) >= 0 && Names.isNorm(parameter.name());
    Check.user(
        !tells || teacher == null || Names.fits(teacher, parameter),
        "%s: the teacher's hidden size is %s, the student's is %s, so its layers cannot be copied; give the student the same hidden_size, or another start",
        source,
        teacher == null ? "unknown" : teacher.size(),
        parameter.dim(0));
  }
}
