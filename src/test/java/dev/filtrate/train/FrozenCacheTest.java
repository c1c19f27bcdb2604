package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.recipe.FrozenCacheSettings;
import dev.filtrate.recipe.FrozenCacheSettings.Dtype;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The file: what is written is read, and nothing else. */
class FrozenCacheTest {
  private static final String KEY = "0123456789abcdef".repeat(4);
  private static final List<FrozenCache.Column> COLUMNS =
      List.of(
          new FrozenCache.Column("teacher_logits", 2, false, 2),
          new FrozenCache.Column("teacher_states.0", 3, true, 3));
  private static final int[] LENGTHS = {1, 4, 2};

  @TempDir private Path folder;

  private FrozenCache open() {
    return open(KEY, Dtype.FLOAT32);
  }

  private FrozenCache open(String key, Dtype type) {
    return FrozenCache.open(folder.resolve("cache"), settings(type), key, COLUMNS, LENGTHS);
  }

  private static FrozenCacheSettings settings(Dtype type) {
    return new FrozenCacheSettings("teacher_cache", null, type);
  }

  private Path file() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cache"))) {
      return files.findFirst().orElseThrow();
    }
  }

  private static ByteBuffer record(int example, float first) {
    int values = 2 + 3 * LENGTHS[example];
    ByteBuffer record = ByteBuffer.allocate(4 * values).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < values; i++) {
      record.putFloat(4 * i, first + i);
    }
    return record;
  }

  private static List<Float> values(@Nullable ByteBuffer record) {
    assertNotNull(record);
    return Stream.iterate(0, i -> i < record.limit() / 4, i -> i + 1)
        .map(i -> record.getFloat(4 * i))
        .toList();
  }

  @Test
  void whatWasPutIsThereAlsoAfterwards() {
    try (FrozenCache cache = open()) {
      assertNull(cache.get(1));
      assertEquals(values(record(1, 10)), values(cache.put(1, record(1, 10))));
      assertEquals(values(record(1, 10)), values(cache.get(1)));
      assertNull(cache.get(0));
    }
    try (FrozenCache cache = open()) {
      assertEquals(values(record(1, 10)), values(cache.get(1)));
      assertNull(cache.get(2));
      cache.put(1, record(1, -3));
      assertEquals(values(record(1, -3)), values(cache.get(1)));
    }
  }

  @Test
  void halfPrecisionRoundsAtOnceAndTakesHalfTheRoom() throws IOException {
    long entries = 64 + 8 * 3;
    long all = 4 * (3 * 2 + 3 * 7);
    try (FrozenCache cache = open(KEY, Dtype.FLOAT16)) {
      ByteBuffer put = cache.put(0, record(0, 1.0001f));
      assertEquals(List.of(1f, 2f, 3f, 4f, 5f), values(put));
      assertEquals(values(put), values(cache.get(0)));
      assertEquals(entries + all / 2, Files.size(file()));
    }
  }

  @Test
  void aDamagedRecordCountsAsAbsent() throws IOException {
    try (FrozenCache cache = open()) {
      cache.put(0, record(0, 1));
      cache.put(1, record(1, 2));
    }
    try (RandomAccessFile file = new RandomAccessFile(file().toFile(), "rw")) {
      file.seek(64 + 8 * 3 + 4 * 5 + 7); // in the record of example 1
      file.write(99);
    }
    try (FrozenCache cache = open()) {
      assertEquals(values(record(0, 1)), values(cache.get(0)));
      assertNull(cache.get(1));
      cache.put(1, record(1, 2));
      assertEquals(values(record(1, 2)), values(cache.get(1)));
    }
  }

  @Test
  void aFileThatIsNotThisCacheIsBegunAnew() throws IOException {
    try (FrozenCache cache = open()) {
      cache.put(0, record(0, 1));
    }
    Path file = file();
    long size = Files.size(file);
    String other = KEY.substring(0, 16) + "f".repeat(48); // the same name
    try (FrozenCache cache = open(other, Dtype.FLOAT32)) {
      assertNull(cache.get(0));
      cache.put(0, record(0, 5));
    }
    for (byte[] content : List.of(new byte[0], new byte[10], new byte[(int) size])) {
      Files.write(file, content);
      try (FrozenCache cache = open()) {
        assertNull(cache.get(0));
        cache.put(0, record(0, 5));
        assertEquals(values(record(0, 5)), values(cache.get(0)));
      }
      assertEquals(size, Files.size(file));
    }
  }

  @Test
  void oneRunAtATimeUsesIt() throws IOException {
    try (FrozenCache cache = open()) {
      assertNull(cache.get(0));
      UserError e = assertThrows(UserError.class, this::open);
      assertEquals(
          file() + ": another run is using this cache; wait for it, or give another teacher_cache",
          e.getMessage());
    }
    open().close();
  }

  @Test
  void tooLittleRoomIsToldBeforehand() {
    int[] lengths = new int[2000];
    java.util.Arrays.fill(lengths, 1000);
    List<FrozenCache.Column> wide =
        List.of(new FrozenCache.Column("teacher_states.0", 3, true, 500_000));
    UserError e =
        assertThrows(
            UserError.class,
            () ->
                FrozenCache.open(
                    folder.resolve("cache"), settings(Dtype.FLOAT32), KEY, wide, lengths));
    String message = String.valueOf(e.getMessage());
    assertTrue(
        message.matches(
            ".*/0123456789abcdef.cache: all outputs take 4000[.,]0 GB, and .* GB"
                + " are free; use teacher_cache_dtype float16, a folder with more room, or no"
                + " teacher_cache"),
        message);
  }
}
