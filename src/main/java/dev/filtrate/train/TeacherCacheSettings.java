package dev.filtrate.train;

import dev.filtrate.graph.DType;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Whether a teacher's outputs are kept, so that it runs once for every example and not in every
 * epoch, nor in every run with the same teacher, data and tokenizer.
 *
 * @param folder where; null = nowhere
 * @param dtype how: exactly, or rounded in half the room
 */
record TeacherCacheSettings(@Nullable Path folder, Dtype dtype) {
  /** No cache. */
  static final TeacherCacheSettings NONE = new TeacherCacheSettings(null, Dtype.FLOAT32);

  /** The precision of a cache. */
  enum Dtype {
    /** Exact. */
    FLOAT32(DType.FLOAT),
    /** About three digits. */
    FLOAT16(DType.FLOAT16);

    private final DType type;

    Dtype(DType type) {
      this.type = type;
    }

    DType type() {
      return type;
    }
  }

  static TeacherCacheSettings read(Config c, TeacherCacheSettings base) {
    Path path = c.find("teacher_cache", Kind.OUTPUT_PATH);
    return new TeacherCacheSettings(
        path == null ? base.folder : path,
        c.get("teacher_cache_dtype", Kind.choice(Dtype.class), base.dtype));
  }

  void write(Keys keys) {
    keys.put("teacher_cache", folder).put("teacher_cache_dtype", dtype);
  }
}
