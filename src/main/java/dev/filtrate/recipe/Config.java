package dev.filtrate.recipe;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import dev.filtrate.base.Spelling;
import dev.filtrate.base.UserError;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One block of a recipe while it is read. Every value is asked for by key and {@link Kind}; what is
 * wrong is noted and a default stands in, so that reading goes on and {@link #finish} can report
 * all of it: wrong values, impossible combinations, and keys that nobody asked for.
 */
final class Config {
  private final String prefix;
  private final @Nullable Yaml block;
  private final Yaml.Origin place;
  private final Shared shared;

  private record Problem(int line, String text) {}

  /**
   * A key that a recipe may hold.
   *
   * @param kind of its value; null for a block of keys
   * @param fallback what it is where nothing is said; null where there is no such value
   */
  record Known(@Nullable Kind<?> kind, @Nullable Object fallback) {}

  /** What the blocks of one recipe have in common. */
  private static final class Shared {
    final List<Problem> problems = new ArrayList<>();

    /** Every full key that was asked for, blocks included. */
    final Map<String, Known> known = new LinkedHashMap<>();

    /** Every full key whose value was wrong, so that a default stands in. */
    final Set<String> misread = new LinkedHashSet<>();

    /** Blocks whose keys are not ours. */
    final Set<String> free = new LinkedHashSet<>();
  }

  private Config(String prefix, @Nullable Yaml block, Yaml.Origin place, Shared shared) {
    this.prefix = prefix;
    this.block = block;
    this.place = place;
    this.shared = shared;
  }

  /** The top of a recipe. */
  static Config of(Yaml.Mapping top) {
    return new Config("", top, top.origin().whole(), new Shared());
  }

  /** The block under a key; an absent one is empty. */
  Config in(String key) {
    String full = prefix + key;
    shared.known.putIfAbsent(full, new Known(null, null));
    Yaml value = value(key);
    if (value != null && !(value instanceof Yaml.Mapping)) {
      note(value.origin(), full, "expected a block of keys, got " + value.shown());
      value = null;
    }
    return new Config(full + ".", value, value == null ? place : value.origin(), shared);
  }

  /** The value of a key, or {@code fallback} when the key is absent (or its value wrong). */
  <T> T get(String key, Kind<T> kind, T fallback) {
    shared.known.putIfAbsent(prefix + key, new Known(kind, fallback));
    T value = find(key, kind);
    return value == null ? fallback : value;
  }

  /** As {@link #get} for a number that may be missing altogether. */
  OptionalDouble optional(String key, Kind<Double> kind, OptionalDouble fallback) {
    Double value = find(key, kind);
    return value == null ? fallback : OptionalDouble.of(value);
  }

  /** As {@link #get} for a whole number that may be missing altogether. */
  OptionalInt optional(String key, Kind<Integer> kind, OptionalInt fallback) {
    Integer value = find(key, kind);
    return value == null ? fallback : OptionalInt.of(value);
  }

  /** The value of a key, or null when the key is absent (or its value wrong). */
  <T> @Nullable T find(String key, Kind<T> kind) {
    String full = prefix + key;
    shared.known.putIfAbsent(full, new Known(kind, null));
    Yaml value = value(key);
    if (value == null) {
      return null;
    }
    T read = kind.reader().read(value);
    if (read == null) {
      shared.misread.add(full);
      note(value.origin(), full, "expected " + kind.description() + ", got " + value.shown());
    } else if (value instanceof Yaml.Mapping) {
      shared.free.add(full);
    }
    return read;
  }

  /** Whether the key has a value here. */
  boolean has(String key) {
    return value(key) != null;
  }

  /** Whether the key has a value here that was asked for. */
  boolean holds(String key) {
    return has(key) && shared.known.containsKey(prefix + key);
  }

  /**
   * Notes a problem with a key: at its line when it is there, else at its block's place. A value
   * that could not be read was noted already.
   */
  @FormatMethod
  void problem(String key, @FormatString String format, @Nullable Object... arguments) {
    Yaml value = value(key);
    if (!shared.misread.contains(prefix + key)) {
      note(value == null ? place : value.origin(), prefix + key, String.format(format, arguments));
    }
  }

  /** Every full key that was asked for so far, with what it may hold. */
  Map<String, Known> known() {
    return Collections.unmodifiableMap(shared.known);
  }

  /** Reports everything at once, if there is anything. */
  void finish() {
    if (block instanceof Yaml.Mapping top) {
      unknown("", top);
    }
    List<String> lines =
        shared.problems.stream()
            .sorted(Comparator.comparingInt(Problem::line))
            .map(Problem::text)
            .distinct()
            .toList();
    if (lines.size() == 1) {
      throw new UserError(lines.get(0));
    }
    if (!lines.isEmpty()) {
      throw new UserError(
          lines.size() + " problems in the recipe:\n  " + String.join("\n  ", lines));
    }
  }

  private @Nullable Yaml value(String key) {
    Yaml value = block instanceof Yaml.Mapping m ? m.entries().get(key) : null;
    return value instanceof Yaml.Scalar s && s.isNull() ? null : value;
  }

  private void note(Yaml.Origin origin, String full, String what) {
    shared.problems.add(new Problem(origin.line(), origin.where() + ": " + full + ": " + what));
  }

  private void unknown(String path, Yaml.Mapping mapping) {
    mapping
        .entries()
        .forEach(
            (key, value) -> {
              String full = path + key;
              if (!shared.known.containsKey(full)) {
                Yaml.Origin origin = value.origin();
                shared.problems.add(
                    new Problem(
                        origin.line(),
                        origin.where() + ": unknown key '" + full + "'" + hint(path, key)));
              } else if (value instanceof Yaml.Mapping below && !shared.free.contains(full)) {
                unknown(full + ".", below);
              }
            });
  }

  /** A near key of the same block, else the same key in another block, else the block's keys. */
  private String hint(String path, String key) {
    List<String> here =
        shared.known.keySet().stream()
            .filter(k -> k.startsWith(path) && k.indexOf('.', path.length()) < 0)
            .map(k -> k.substring(path.length()))
            .toList();
    String near = Spelling.suggestion(key, here);
    if (!near.isEmpty()) {
      return near;
    }
    List<String> elsewhere =
        shared.known.keySet().stream().filter(k -> k.endsWith("." + key)).toList();
    return elsewhere.isEmpty()
        ? "; known here: " + String.join(", ", here)
        : "; it belongs under '" + parent(elsewhere.get(0)) + "'";
  }

  private static String parent(String full) {
    return full.substring(0, full.lastIndexOf('.'));
  }
}
