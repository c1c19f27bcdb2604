package dev.filtrate.hub;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which files of a repository are wanted. Without patterns: of a dataset all; of a model what
 * Filtrate reads, that is configs, tokenizers, and weights as safetensors, or as PyTorch's where
 * there are none.
 *
 * @param include patterns of which one must fit; {@code *} stands for any text, slashes included,
 *     {@code ?} for one character; none = the default
 * @param exclude patterns of which none may fit
 */
public record FileSelection(List<String> include, List<String> exclude) {
  /** What is wanted unless something else is said. */
  public static final FileSelection DEFAULT = new FileSelection(List.of(), List.of());

  private static final Pattern SAFETENSORS = Pattern.compile("model(-[^/]*)?\\.safetensors");
  private static final Pattern PICKLED = Pattern.compile("pytorch_model(-[^/]*)?\\.bin");
  private static final Pattern BESIDE = Pattern.compile("[^/]*\\.(json|txt|model)");

  /** Copies the lists. */
  public FileSelection {
    include = List.copyOf(include);
    exclude = List.copyOf(exclude);
  }

  /** The wanted ones among a repository's files. */
  List<String> of(Repo.Type type, List<String> files) {
    boolean safetensors = files.stream().anyMatch(f -> SAFETENSORS.matcher(f).matches());
    return files.stream()
        .filter(f -> include.isEmpty() ? isDefault(type, f, safetensors) : fits(f, include))
        .filter(f -> !fits(f, exclude))
        .toList();
  }

  /** What is asked for by a pattern that no file fits. */
  List<String> unmet(List<String> files) {
    return include.stream()
        .filter(pattern -> files.stream().noneMatch(f -> fits(f, List.of(pattern))))
        .toList();
  }

  private static boolean isDefault(Repo.Type type, String file, boolean safetensors) {
    if (type == Repo.Type.DATASET) {
      return !file.equals(".gitattributes");
    }
    if (file.endsWith(".index.json")) { // of weights that are fetched too
      return file.startsWith(safetensors ? "model." : "pytorch_model.");
    }
    return BESIDE.matcher(file).matches()
        || (safetensors ? SAFETENSORS : PICKLED).matcher(file).matches();
  }

  private static boolean fits(String file, List<String> patterns) {
    return patterns.stream().anyMatch(pattern -> regex(pattern).matcher(file).matches());
  }

  private static Pattern regex(String pattern) {
    return Pattern.compile(
        pattern
            .codePoints()
            .mapToObj(
                c ->
                    switch (c) {
                      case '*' -> ".*";
                      case '?' -> ".";
                      default -> Pattern.quote(Character.toString(c));
                    })
            .collect(Collectors.joining()));
  }
}
