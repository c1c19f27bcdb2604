package dev.filtrate.hub;

import dev.filtrate.base.UserError;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A repository of the hub.
 *
 * @param type what it holds
 * @param name {@code organisation/name}, or {@code name} alone for some old ones
 */
public record Repo(Type type, String name) {
  /** What a repository holds. */
  public enum Type {
    /** A model. */
    MODEL(""),
    /** Data. */
    DATASET("datasets/");

    /** What addresses have before the name. */
    private final String prefix;

    Type(String prefix) {
      this.prefix = prefix;
    }

    String plural() {
      return label() + "s";
    }

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final Pattern NAME = Pattern.compile("\\w[\\w.-]*(/\\w[\\w.-]*)?");

  /** Checks the name. */
  public Repo {
    if (!isName(name)) {
      throw UserError.of(
          "'%s': expected the name of a model or dataset, such as microsoft/deberta-v3-base", name);
    }
  }

  /** Whether a text can be the name of a repository. */
  static boolean isName(String text) {
    return NAME.matcher(text).matches() && !text.contains("..") && !text.contains("--");
  }

  /** Reads a name, which {@code datasets/} may precede as in the hub's own addresses. */
  public static Repo parse(String text, Type type) {
    String prefix = Type.DATASET.prefix;
    return text.startsWith(prefix)
        ? new Repo(Type.DATASET, text.substring(prefix.length()))
        : new Repo(type, text);
  }

  /** Where its files are, below the hub's address. */
  String path() {
    return type.prefix + name;
  }

  /** Where the hub tells of it, below the hub's address. */
  String apiPath() {
    return "api/" + type.plural() + "/" + name;
  }

  /** Its folder in the cache. */
  String folder() {
    return type.plural() + "--" + name.replace("/", "--");
  }

  @Override
  public String toString() {
    return type.label() + " " + name;
  }
}
