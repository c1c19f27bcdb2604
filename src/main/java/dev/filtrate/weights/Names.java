package dev.filtrate.weights;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What the names in a checkpoint say about its tensors. */
final class Names {
  private static final int SHOWN = 5;
  private static final Pattern LAYER = Pattern.compile("(.*\\.layer\\.)(\\d+)(\\..*)");

  /** Position and type numbers that some versions stored, and embeddings of pretraining only. */
  private static final Pattern NOT_WEIGHTS = Pattern.compile(".*_ids|.*_embeddings\\._weight");

  private Names() {}

  /** Where a parameter belongs, which decides how strictly it is loaded. */
  enum Part {
    /** The encoder: must be there, in the right shape. */
    BACKBONE,
    /** On top of it, the pooler included: may be missing. */
    HEAD,
    /** TED's filters with their poolers and heads: may be missing. */
    FILTER
  }

  /** Where a parameter of a model with this backbone ({@code bert}, {@code deberta}) belongs. */
  static Part part(String parameter, String backbone) {
    if (Filters.owns(parameter)) {
      return Part.FILTER;
    }
    boolean inside =
        parameter.startsWith(backbone + ".") && !parameter.startsWith(backbone + ".pooler.");
    return inside ? Part.BACKBONE : Part.HEAD;
  }

  /**
   * Whether an unexpected tensor inside the backbone is one that checkpoints carry and no model
   * needs: index buffers, DeBERTa's embeddings of positions where the config adds none, the second
   * word embeddings of its pretraining.
   */
  static boolean isLeftover(String name) {
    return NOT_WEIGHTS.matcher(name).matches()
        || name.endsWith(".embeddings.position_embeddings.weight");
  }

  /**
   * Tensors under the names that the model uses: {@code LayerNorm.gamma} and {@code beta} become
   * {@code weight} and {@code bias}, and a bare backbone ({@code encoder.layer…}) gets its prefix.
   * The value is the name in the file.
   */
  static Map<String, String> canonical(
      String source, Set<String> names, String backbone, Set<String> parameters) {
    String prefix = backbone + ".";
    boolean bare = names.stream().noneMatch(n -> n.startsWith(prefix));
    Set<String> inside =
        parameters.stream()
            .filter(p -> p.startsWith(prefix))
            .map(p -> first(p.substring(prefix.length())))
            .collect(Collectors.toSet());
    Map<String, String> found = new LinkedHashMap<>();
    for (String name : names) {
      String modern =
          name.replaceFirst("LayerNorm\\.gamma$", "LayerNorm.weight")
              .replaceFirst("LayerNorm\\.beta$", "LayerNorm.bias");
      boolean prefixed = bare && !parameters.contains(modern) && inside.contains(first(modern));
      String other = found.put(prefixed ? prefix + modern : modern, name);
      Check.user(
          other == null,
          "%s: tensors '%s' and '%s' stand for the same parameter",
          source,
          other,
          name);
    }
    return found;
  }

  private static String first(String name) {
    return name.replaceFirst("\\..*", "");
  }

  /**
   * Whether this is the scale of a LayerNorm: {@code …LayerNorm.weight}, {@code
   * …_layer_norm.weight}.
   */
  static boolean isNorm(String parameter) {
    return parameter.endsWith("LayerNorm.weight") || parameter.endsWith("layer_norm.weight");
  }

  /** The number of a layer in a parameter's name; -1 outside of layers. */
  static int layer(String name) {
    Matcher m = LAYER.matcher(name);
    return m.matches() ? Integer.parseInt(m.group(2)) : -1;
  }

  /** The same name in another layer. */
  static String inLayer(String name, int layer) {
    return LAYER.matcher(name).replaceFirst("$1" + layer + "$3");
  }

  /** How many layers these names speak of. */
  static int layers(Collection<String> names) {
    return 1 + names.stream().mapToInt(Names::layer).max().orElse(-1);
  }

  /** A parameter as messages show it. */
  static String show(Value v) {
    return v.name() + " " + v.shape();
  }

  /** Whether a tensor has the shape of a parameter. */
  static boolean fits(Tensor tensor, Value parameter) {
    return tensor.shape().equals(parameter.shape());
  }

  /** The first few and how many more there are. */
  static String some(Collection<String> names) {
    if (names.isEmpty()) {
      return "none";
    }
    String shown = names.stream().limit(SHOWN).collect(Collectors.joining(", "));
    return names.size() <= SHOWN ? shown : shown + " and " + (names.size() - SHOWN) + " more";
  }
}
