package dev.filtrate.recipe;

import com.fasterxml.jackson.core.JsonToken;
import dev.filtrate.base.UserError;

/** One key of a recipe that is given on the command line; a later setting wins. */
public final class Setting {
  private final String key;
  private final Yaml value;

  private Setting(String key, Yaml value) {
    this.key = key;
    this.value = value;
  }

  /**
   * From {@code --set}: {@code distill.kl_alpha=10}. The value is YAML, so that lists ({@code [42,
   * 43]}) and blocks can be given.
   */
  public static Setting assignment(String text) {
    int equals = text.indexOf('=');
    String key = equals < 0 ? "" : text.substring(0, equals).strip();
    if (!key.matches("[^.\\s]+(\\.[^.\\s]+)*")) {
      throw UserError.of("--set: expected KEY=VALUE such as distill.kl_alpha=10, got \"%s\"", text);
    }
    return new Setting(key, Yaml.value(text.substring(equals + 1), "--set " + key));
  }

  /**
   * From a flag.
   *
   * @param flag as messages show it, {@code --kl_alpha}
   * @param key the full key that it stands for
   * @param value taken literally
   */
  public static Setting flag(String flag, String key, String value) {
    return new Setting(
        key, new Yaml.Scalar(value, JsonToken.VALUE_STRING, Yaml.Origin.given(flag)));
  }

  /** Writes it into a recipe. */
  void applyTo(Yaml.Mapping recipe) {
    recipe.put(key, value);
  }
}
