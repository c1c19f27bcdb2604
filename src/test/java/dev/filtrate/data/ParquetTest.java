package dev.filtrate.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that PyArrow wrote, in every compression that is usual. */
class ParquetTest {
  private static final Path FILES = Path.of("src/test/resources/parquet");

  private static List<String> read(String name, String... columns) {
    List<String> rows = new ArrayList<>();
    try (ParquetFile file = ParquetFile.open(FILES.resolve(name))) {
      file.read(List.of(columns), (row, cells) -> rows.add(row + Arrays.toString(cells)));
    }
    return rows;
  }

  @ParameterizedTest
  @ValueSource(strings = {"snappy", "gzip", "zstd", "lz4"})
  void everyKindOfColumnIsReadAsText(String codec) {
    String name = codec + ".parquet";
    assertEquals(
        List.of(
            "1[a fine film, 1, 0.5]",
            "2[b — ünï, \"so\"\nnew line, 1, 1]",
            "3[null, 0, null]",
            "4[dull, 0, 3.25]"),
        read(name, "text", "label", "score"));
    assertEquals(
        List.of(
            "1[[\"x\",\"y\"], [1,2], true, good]",
            "2[[], [3], false, good]",
            "3[null, [], true, bad]",
            "4[[\"z\"], [4], null, bad]"),
        read(name, "tags", "numbers", "ok", "grade"));
    assertEquals(
        List.of("1[1.00, 0.1]", "2[250.00, 2]", "3[-5.00, 3]", "4[null, 4]"),
        read(name, "price", "half"));
  }

  @Test
  void namesOfClassesThatHuggingFaceWroteAreKnown() {
    try (ParquetFile file = ParquetFile.open(FILES.resolve("reviews.parquet"))) {
      assertEquals(List.of("review", "label"), file.columns());
      assertEquals(List.of("neg", "pos"), file.classNames("label"));
      assertEquals(List.of(), file.classNames("review"));
    }
    try (ParquetFile file = ParquetFile.open(FILES.resolve("snappy.parquet"))) {
      assertEquals(List.of(), file.classNames("label"));
    }
  }

  @Test
  void whatIsNotThereOrNoTextIsNamed() {
    assertEquals(
        FILES.resolve("snappy.parquet")
            + ": no column 'txt'; known: id, text, label, score, tags, numbers, ok, grade, price,"
            + " half, info",
        assertThrows(UserError.class, () -> read("snappy.parquet", "txt")).getMessage());
    assertEquals(
        FILES.resolve("snappy.parquet")
            + ": column 'info': expected texts, numbers or lists, found records",
        assertThrows(UserError.class, () -> read("snappy.parquet", "info")).getMessage());
    assertEquals(
        FILES.resolve("brotli.parquet")
            + ": not readable as Parquet: the compression BROTLI is not supported",
        assertThrows(UserError.class, () -> read("brotli.parquet", "text")).getMessage());
  }

  @Test
  void aDamagedFileIsRefused(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("a.parquet");
    Files.writeString(file, "text,label\n");
    assertTrue(refusal(file).startsWith(file + ": not readable as Parquet: "), refusal(file));
    byte[] whole = Files.readAllBytes(FILES.resolve("snappy.parquet"));
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    assertTrue(refusal(file).startsWith(file + ": not readable as Parquet: "), refusal(file));
    byte[] wrong = whole.clone();
    Arrays.fill(wrong, 4, 300, (byte) 0x77);
    Files.write(file, wrong);
    assertThrows(
        UserError.class,
        () -> {
          try (ParquetFile damaged = ParquetFile.open(file)) {
            damaged.read(List.of("id", "text"), (row, cells) -> {});
          }
        });
    assertEquals(folder.resolve("b") + ": no such file", refusal(folder.resolve("b")));
  }

  @SuppressWarnings("MustBeClosedChecker") // nothing is opened
  private static String refusal(Path file) {
    return String.valueOf(assertThrows(UserError.class, () -> ParquetFile.open(file)).getMessage());
  }

  @Test
  void examplesAreReadAsFromOtherFiles() {
    Path file = FILES.resolve("snappy.parquet");
    Layout layout = Layout.of(FileFormat.PARQUET, "text", null, "grade");
    Labels labels = Labels.classes(List.of("bad", "good"));
    assertEquals(
        file
            + ":3: column 'text' is empty in this row; set skip_short_rows: true to leave such rows"
            + " out",
        assertThrows(UserError.class, () -> ExampleReader.read(file, layout, labels)).getMessage());
    List<String> notes = new ArrayList<>();
    List<Example> examples =
        ExampleReader.read(file, layout.skippingShortRows(), labels, notes::add);
    assertEquals(List.of(file + ": left out 1 row with too few columns"), notes);
    assertArrayEquals(
        new double[] {1, 1, 0}, examples.stream().mapToDouble(Example::label).toArray());
    List<Example> several =
        ExampleReader.read(
            file,
            Layout.of(FileFormat.PARQUET, "grade", null, "tags"),
            Labels.multiple(List.of("x", "y", "z")));
    assertEquals(List.of(1.0, 1.0, 0.0), several.get(0).targets());
    assertEquals(List.of(0.0, 0.0, 0.0), several.get(1).targets());
    assertTrue(several.get(2).targets().get(0).isNaN());
  }
}
