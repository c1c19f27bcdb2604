package dev.filtrate.recipe;

import dev.filtrate.graph.DType;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Whether a frozen model's outputs are kept, so that it runs once for every example and not in
 * every epoch, nor in every run with the same weights, data and tokenizer.
 *
 * @param key the recipe's key with the folder; the type is under the same with {@code _dtype}
 * @param folder where; null = nowhere
 * @param dtype how: exactly, or rounded in half the room
 */
public record FrozenCacheSettings(String key, @Nullable Path folder, Dtype dtype) {
  /** No cache, whatever a recipe says. */
  public static final FrozenCacheSettings NONE = none("");

  /** The precision of a cache. */
  public enum Dtype {
    /** Exact. */
    FLOAT32(DType.FLOAT),
    /** About three digits. */
    FLOAT16(DType.FLOAT16);

    private final DType type;

    Dtype(DType type) {
      this.type = type;
    }

    /** Of the numbers in the file. */
    public DType type() {
      return type;
    }
  }

  /** No cache under this key. */
  static FrozenCacheSettings none(String key) {
    return new FrozenCacheSettings(key, null, Dtype.FLOAT32);
  }

  static FrozenCacheSettings read(Config c, FrozenCacheSettings base) {
    Path path = c.find(base.key, Kind.OUTPUT_PATH);
    return new FrozenCacheSettings(
        base.key,
        path == null ? base.folder : path,
        c.get(base.dtypeKey(), Kind.choice(Dtype.class), base.dtype));
  }

  void write(Keys keys) {
    keys.put(key, folder).put(dtypeKey(), dtype);
  }

  /** The key of the precision. */
  public String dtypeKey() {
    return key + "_dtype";
  }
}
