package dev.filtrate.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsTest {
  /** Written by the Python library (safetensors 0.8.0), every supported type. */
  private static final Path PYTHON = Path.of("src/test/resources/weights/types.safetensors");

  private static final String MEND = "; the file is damaged, fetch or write it again";

  @TempDir Path folder;

  @Test
  void readsEveryTypeThatThePythonLibraryWrote() {
    Map<String, Tensor> t = Safetensors.open(PYTHON).tensors();
    assertEquals(
        Tensor.ofFloats(
            new long[] {2, 2}, 1.5f, -2.25f, Float.POSITIVE_INFINITY, Float.intBitsToFloat(714)),
        t.get("f32"));
    assertEquals(Tensor.ofDoubles(new long[] {2}, 0.1, -1e300), t.get("f64"));
    assertEquals(Tensor.scalar(-5L), t.get("i64"));
    assertEquals("int32[1]", get(t, "i32").toString());
    assertEquals(7, get(t, "i32").get(0));
    assertEquals(-8, get(t, "i8").get(0));
    assertEquals(200, get(t, "u8").get(0));
    assertEquals("bool[2]", get(t, "bool").toString());
    assertEquals(1, get(t, "bool").get(0));
    assertEquals(0, get(t, "bool").get(1));
    assertEquals("float32[0, 3]", get(t, "empty").toString());
    assertEquals(9, get(t, "ünicode \"name\"").get(0));
    // torch's own float32 of these
    assertArrayEquals(
        new float[] {1, -0.099975586f, 65504, 5.9604645e-8f},
        HalfPrecision.toFloat(get(t, "f16")).toFloats());
    assertArrayEquals(
        new float[] {1, -0.100097656f, 3.0040553e38f},
        HalfPrecision.toFloat(get(t, "bf16")).toFloats());
    assertEquals(Map.of("format", "pt"), Safetensors.open(PYTHON).metadata());
  }

  @Test
  void writesTheSameBytesAsThePythonLibraryWhateverTheOrderGiven() throws IOException {
    List<Map.Entry<String, Tensor>> reversed =
        new ArrayList<>(Safetensors.open(PYTHON).tensors().entrySet());
    java.util.Collections.reverse(reversed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    reversed.forEach(e -> tensors.put(e.getKey(), e.getValue()));
    Path file = folder.resolve("again.safetensors");
    Safetensors.write(file, tensors, Map.of());
    assertArrayEquals(Files.readAllBytes(PYTHON), Files.readAllBytes(file));
  }

  @Test
  void whatWasWrittenIsReadAgainWithItsMetadata() {
    Path file = folder.resolve("deep/er/x.safetensors");
    Map<String, Tensor> tensors =
        Map.of(
            "a.weight", Tensor.ofFloats(new long[] {2, 3}, 1, 2, 3, 4, 5, 6),
            "b", Tensor.scalar(3L),
            "none", Tensor.zeros(DType.FLOAT, 0, 4));
    Safetensors.write(file, tensors, Map.of("step", "12", "say", "\"hello\""));
    Safetensors read = Safetensors.open(file);
    assertEquals(tensors, read.tensors());
    assertEquals(Map.of("format", "pt", "step", "12", "say", "\"hello\""), read.metadata());
    assertEquals(List.of("b", "a.weight", "none"), List.copyOf(read.names()));
    assertEquals(file, read.path());
  }

  @Test
  void tensorsMadeOneByOneAreAskedForOnceInTheFilesOrder() {
    Path file = folder.resolve("x.safetensors");
    List<Value> values = List.of(value("b", 2), value("a", 2), value("c", 2));
    List<String> asked = new ArrayList<>();
    Safetensors.write(
        file,
        values,
        name -> {
          asked.add(name);
          return Tensor.ofFloats(new long[] {2}, name.charAt(0), 0);
        },
        Map.of());
    assertEquals(List.of("a", "b", "c"), asked);
    assertEquals('b', Safetensors.open(file).tensor("b").get(0));
  }

  @Test
  void aNameTwiceOrOtherThanAnnouncedIsTheCallersMistakeAndLeavesNoFile() throws IOException {
    Path file = folder.resolve("x.safetensors");
    IllegalArgumentException twice =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                Safetensors.write(
                    file, List.of(value("a", 2), value("a", 3)), n -> Tensor.scalar(0f), Map.of()));
    assertEquals("tensor 'a' is given twice", twice.getMessage());
    IllegalArgumentException other =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                Safetensors.write(file, List.of(value("a", 2)), n -> Tensor.scalar(0f), Map.of()));
    assertEquals("tensor 'a': announced float32[2], got float32[]", other.getMessage());
    assertThrows(
        IllegalArgumentException.class,
        () -> Safetensors.write(file, Map.of("__metadata__", Tensor.scalar(1L)), Map.of()));
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void aFileMayBeReplacedWhileItIsMapped() {
    Path file = folder.resolve("x.safetensors");
    Safetensors.write(file, Map.of("a", Tensor.scalar(1f)), Map.of());
    Tensor old = Safetensors.open(file).tensor("a");
    Safetensors.write(file, Map.of("a", Tensor.scalar(2f)), Map.of());
    assertEquals(1, old.scalarValue());
    assertEquals(2, Safetensors.open(file).tensor("a").scalarValue());
  }

  @Test
  void readsFilesOverTwoGibibytes() throws IOException {
    long big = 1_500_000_000; // int8, three of them: three mappings
    Path file = folder.resolve("sparse.safetensors");
    String json =
        "{'a':{'dtype':'I8','shape':[%1$d],'data_offsets':[0,%1$d]},".formatted(big)
            + "'b':{'dtype':'I8','shape':[%d],'data_offsets':[%d,%d]},".formatted(big, big, 2 * big)
            + "'c':{'dtype':'I8','shape':[%d],'data_offsets':[%d,%d]},"
                .formatted(big, 2 * big, 3 * big)
            + "'d':{'dtype':'F32','shape':[2],'data_offsets':[%d,%d]}}"
                .formatted(3 * big, 3 * big + 8);
    byte[] header = padded(json);
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
      f.write(little(header.length));
      f.write(header);
      f.setLength(8 + header.length + 3 * big + 8); // a hole: takes no room
      f.seek(8 + header.length + 2 * big - 1);
      f.write(-7);
      f.seek(8 + header.length + 3 * big);
      f.write(new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, (byte) 0xc0});
    }
    Safetensors read = Safetensors.open(file);
    assertEquals(-7, read.tensor("b").get((int) big - 1));
    assertEquals(0, read.tensor("c").get((int) big - 1));
    assertArrayEquals(new float[] {1, -2}, read.tensor("d").toFloats());
    Files.delete(file);
  }

  @Test
  void numbersAtOddAddressesAreCopiedToEvenOnes() throws IOException {
    // as writers do that do not pad the header
    String json = "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}";
    byte[] header =
        (json.length() % 2 == 0 ? json + ' ' : json)
            .replace('\'', '"')
            .getBytes(StandardCharsets.UTF_8);
    Path file = write(header, floats(1.5f, -3));
    Tensor a = Safetensors.open(file).tensor("a");
    assertArrayEquals(new float[] {1.5f, -3}, a.toFloats());
    assertEquals(0, a.bytes().alignmentOffset(0, 4));
  }

  @Test
  void anEmptyFileOfTensorsIsNoError() throws IOException {
    assertEquals(Map.of(), Safetensors.open(write(padded("{}"), new byte[0])).tensors());
    Safetensors none =
        Safetensors.open(
            write(padded("{'a':{'dtype':'F32','shape':[0,3],'data_offsets':[0,0]}}"), new byte[0]));
    assertEquals(0, none.tensor("a").size());
  }

  static Stream<Arguments> damagedHeaders() {
    String types = "I64, F64, F32, I32, BF16, F16, I8, U8, BOOL";
    String a = "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}";
    return Stream.of(
        Arguments.of("[1, 2]  ", "not a safetensors file: its header is not a JSON object"),
        Arguments.of(
            a, // the closing brace is missing
            "not a safetensors file: its header is not JSON, see byte 61"),
        Arguments.of(
            a + "} {}", "not a safetensors file: its header goes on after the JSON object"),
        Arguments.of(
            a + ",'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
            "tensor 'a': expected once, found twice" + MEND),
        Arguments.of(
            "{'a':{'dtype':'F8_E4M3','shape':[8],'data_offsets':[0,8]}}",
            "tensor 'a': expected a dtype of " + types + ", found 'F8_E4M3'" + MEND),
        Arguments.of("{'a':7}", "tensor 'a': expected a dtype of " + types + ", found none" + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}",
            "tensor 'a': expected a shape of whole numbers, found [-2]" + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','data_offsets':[0,8]}}",
            "tensor 'a': expected a shape of whole numbers, found none" + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}",
            "tensor 'a': expected data_offsets [begin, end], found [8,0]" + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8.5]}}",
            "tensor 'a': expected data_offsets [begin, end], found [0,8.5]" + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,12]}}",
            "tensor 'a': expected data up to byte 12, found a file with 8 bytes of data (cut short?)"
                + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}",
            "tensor 'a': float32 [3]: expected 12 bytes, found data_offsets [0, 8], which are 8"
                + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,8]}}",
            "tensor 'a': float32 [4294967296, 4294967296]: expected 2^63 or more bytes, found data_offsets [0, 8], which are 8"
                + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'b':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
            "tensor 'b': expected its data at byte 4, where the tensor before it ends, found 0 (overlap)"
                + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}",
            "tensor 'a': expected its data at byte 0, where the tensor before it ends, found 4 (gap)"
                + MEND),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}",
            "expected 4 bytes of data behind the header, found 8" + MEND));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("damagedHeaders")
  void aDamagedHeaderIsOneSentence(String json, String message) throws IOException {
    Path file = write(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8), new byte[8]);
    assertEquals(file + ": " + message, error(file));
  }

  @Test
  void aTensorOverTwoGibibytesIsRefused() throws IOException {
    byte[] header =
        padded("{'a':{'dtype':'F32','shape':[600000000],'data_offsets':[0,2400000000]}}");
    Path file = write(header, new byte[0]);
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
      f.setLength(8 + header.length + 2_400_000_000L);
    }
    assertEquals(
        file
            + ": tensor 'a': float32 [600000000] has 2400000000 bytes; a tensor of 2 GiB or more is not supported",
        error(file));
    Files.delete(file);
  }

  @Test
  void whatIsNoSafetensorsFileIsOneSentence() throws IOException {
    Path file = folder.resolve("x.safetensors");
    assertEquals(file + ": no such file; expected a safetensors file", error(file));
    assertEquals(folder + ": not a file; expected a safetensors file", error(folder));
    Files.write(file, new byte[] {1, 2, 3});
    assertEquals(
        file + ": not a safetensors file: expected at least 8 bytes, found 3", error(file));
    Files.writeString(file, "PK\3\4 an archive that is much longer than 8 bytes");
    assertEquals(
        file
            + ": not a safetensors file: expected a header of 2 to 40 bytes, found a length of 2336912046786038608",
        error(file));
    Files.write(file, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, '{', '}'});
    assertEquals(
        file
            + ": not a safetensors file: expected a header of 2 to 2 bytes, found a length of 18446744073709551615",
        error(file));
    Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    assertEquals(
        file + ": holds a pointer of Git LFS, not the weights; run 'git lfs pull' there",
        error(file));
  }

  @Test
  void aTensorThatIsNotThereIsOneSentence() {
    UserError e = assertThrows(UserError.class, () -> Safetensors.open(PYTHON).tensor("nope"));
    assertEquals(
        PYTHON
            + ": expected a tensor 'nope'; found i64, f64, empty, f32, ünicode \"name\" and 6 more",
        e.getMessage());
  }

  @Test
  void aFolderThatCannotBeWrittenIsOneSentenceAndNothingIsLeft() throws IOException {
    Path blocked = folder.resolve("blocked");
    Files.writeString(blocked, "a file, not a folder");
    Path file = blocked.resolve("x.safetensors");
    UserError e =
        assertThrows(
            UserError.class,
            () -> Safetensors.write(file, Map.of("a", Tensor.scalar(1f)), Map.of()));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.startsWith(file + ": cannot be written: "), message);
    assertFalse(Files.exists(file));
  }

  @Test
  void aFailureWhileWritingKeepsTheOldFile() {
    Path file = folder.resolve("x.safetensors");
    Safetensors.write(file, Map.of("a", Tensor.scalar(1f)), Map.of());
    assertThrows(
        UncheckedIOException.class,
        () ->
            Safetensors.write(
                file,
                List.of(value("a", 1)),
                name -> {
                  throw new UncheckedIOException(new IOException("device lost"));
                },
                Map.of()));
    assertEquals(1, Safetensors.open(file).tensor("a").scalarValue());
  }

  private static Tensor get(Map<String, Tensor> tensors, String name) {
    return java.util.Objects.requireNonNull(tensors.get(name), name);
  }

  private static Value value(String name, long size) {
    return new Value(name, DType.FLOAT, Shape.of(size));
  }

  private static String error(Path file) {
    return String.valueOf(assertThrows(UserError.class, () -> Safetensors.open(file)).getMessage());
  }

  private Path write(byte[] header, byte[] data) throws IOException {
    Path file = folder.resolve("x.safetensors");
    ByteBuffer all = ByteBuffer.allocate(8 + header.length + data.length);
    all.put(little(header.length)).put(header).put(data);
    Files.write(file, all.array());
    return file;
  }

  private static byte[] padded(String json) {
    return (json + " ".repeat(7 - (json.length() + 7) % 8))
        .replace('\'', '"')
        .getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] little(long number) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(number).array();
  }

  private static byte[] floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }
}
