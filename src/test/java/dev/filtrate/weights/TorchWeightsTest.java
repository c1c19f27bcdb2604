package dev.filtrate.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class TorchWeightsTest {
  /** Written by torch 2.13: every supported type, views of one storage, a parameter. */
  private static final Path TORCH = Path.of("src/test/resources/weights/types.bin");

  private static final String MEND = "; the file is damaged, fetch or write it again";

  @TempDir Path folder;
  private Path file = Path.of("");

  @BeforeEach
  void choosePlace() {
    file = folder.resolve("pytorch_model.bin");
  }

  @Test
  void readsEveryTypeThatTorchWrote() {
    Map<String, Tensor> t = TorchWeights.read(TORCH);
    assertEquals("f32", t.keySet().iterator().next());
    assertEquals(
        Tensor.ofFloats(
            new long[] {2, 2}, 1.5f, -2.25f, Float.POSITIVE_INFINITY, Float.intBitsToFloat(714)),
        t.get("f32"));
    assertEquals(Tensor.ofDoubles(new long[] {2}, 0.1, -1e300), t.get("f64"));
    assertEquals(Tensor.scalar(-5L), t.get("i64"));
    assertEquals(7, get(t, "i32").get(0));
    assertEquals(-8, get(t, "i8").get(0));
    assertEquals(200, get(t, "u8").get(0));
    assertEquals("bool[2]", get(t, "bool").toString());
    assertEquals(1, get(t, "bool").get(0));
    assertEquals("float32[0, 3]", get(t, "empty").toString());
    assertEquals(9, get(t, "ünicode \"name\"").get(0));
    assertArrayEquals(
        new float[] {1, -0.099975586f, 65504, 5.9604645e-8f},
        HalfPrecision.toFloat(get(t, "f16")).toFloats());
    assertArrayEquals(
        new float[] {1, -0.100097656f, 3.0040553e38f},
        HalfPrecision.toFloat(get(t, "bf16")).toFloats());
  }

  @Test
  void readsViewsOfOneStorageWhateverTheirStrides() {
    Map<String, Tensor> t = TorchWeights.read(TORCH); // views of 0, 1, … 23
    assertEquals("float32[2, 3, 4]", get(t, "whole").toString());
    assertEquals(23, get(t, "whole").get(23));
    assertEquals(Tensor.ofFloats(new long[] {2, 3}, 4, 5, 6, 7, 8, 9), t.get("part"));
    assertEquals("float32[6, 4]", get(t, "transposed").toString());
    assertArrayEquals(
        new float[] {0, 6, 12, 18, 1, 7}, Arrays.copyOf(get(t, "transposed").toFloats(), 6));
    assertEquals(Tensor.ofFloats(new long[] {2, 2}, 6, 9, 18, 21), t.get("every other"));
    assertEquals("float16[4, 2, 3]", get(t, "halves").toString());
    assertArrayEquals(
        new float[] {0, 4, 8, 12, 16, 20, 1},
        Arrays.copyOf(HalfPrecision.toFloat(get(t, "halves")).toFloats(), 7));
    assertEquals(Tensor.ofLongs(new long[] {1, 5}, 0, 1, 2, 3, 4), t.get("ids"));
    assertEquals(Tensor.ofFloats(new long[] {2}, 3, 4), t.get("parameter"));
  }

  @Test
  void readsWhatTheTestsWriterWrites() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("a.weight", Tensor.ofFloats(new long[] {2, 3}, 1, 2, 3, 4, 5, 6));
    tensors.put("a.bias", Tensor.ofDoubles(new long[] {1}, 7));
    tensors.put("n", Tensor.scalar(8L));
    TorchFile.write(file, tensors);
    assertEquals(tensors, TorchWeights.read(file));
    assertEquals(List.copyOf(tensors.keySet()), List.copyOf(TorchWeights.read(file).keySet()));
  }

  @Test
  void readsTheNewerProtocolsAndPlainDicts() {
    new TorchFile()
        .op(0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0, '}', 0x94, '(')
        .op(0x8c, 1, 'x')
        .floats("0", 0, new long[] {1}, new long[] {1}, 5)
        .op(0x8d, 1, 0, 0, 0, 0, 0, 0, 0, 'y')
        .op(0x8c, 12)
        .raw("torch._utils")
        .op(0x8c, 18)
        .raw("_rebuild_parameter")
        .op(0x93, '(')
        .floats("1", 0, new long[] {1}, new long[] {1}, 6)
        .op(0x88, 'N', 't', 'R')
        .op('u')
        .save(file);
    assertEquals(
        Map.of("x", Tensor.ofFloats(new long[] {1}, 5), "y", Tensor.ofFloats(new long[] {1}, 6)),
        TorchWeights.read(file));
  }

  @Test
  void everyOtherClassIsRefusedByName() {
    new TorchFile().dict().global("posix", "system").text("touch x").op(0x85, 'R').save(file);
    assertEquals(refusal("posix.system"), error());
    new TorchFile()
        .op(0x80, 4, 0x8c, 8)
        .raw("builtins")
        .op(0x8c, 4)
        .raw("eval")
        .op(0x93)
        .save(file);
    assertEquals(refusal("builtins.eval"), error());
    new TorchFile().op('(').text("ls").op('i').raw("os\nsystem\n").save(file);
    assertEquals(refusal("os.system"), error());
    new TorchFile().dict().global("torch._utils", "_rebuild_tensor_v3").save(file);
    assertEquals(refusal("torch._utils._rebuild_tensor_v3"), error());
    new TorchFile().dict().global("torch", "FloatStorage.__reduce__").save(file);
    assertEquals(refusal("torch.FloatStorage.__reduce__"), error());
    new TorchFile().dict().global("collections", "a\u001b[31m").save(file);
    assertEquals(refusal("collections.a?[31m"), error());
  }

  private String refusal(String name) {
    return file
        + ": its pickle asks for '"
        + name
        + "'; only tensors in plain containers are read, so save the model's state_dict() alone, or"
        + " as safetensors";
  }

  @Test
  void whatIsNoStateDictSaysWhatItIs() {
    new TorchFile().op(0x80, 2, '}').text("model").op('}', 's').save(file);
    assertEquals(
        file
            + ": expected tensors by name, found a dict under 'model'; save the model's state_dict() alone",
        error());
    new TorchFile().op(0x80, 2, '}').text("step").number(3).op('s').save(file);
    assertEquals(
        file
            + ": expected tensors by name, found a plain value under 'step'; save the model's state_dict() alone",
        error());
    new TorchFile().op(0x80, 2, ']').save(file);
    assertEquals(
        file + ": expected a dict of tensors by name, found a list; save the model's state_dict()",
        error());
    new TorchFile().floats("0", 0, new long[] {1}, new long[] {1}, 5).save(file);
    assertEquals(
        file
            + ": expected a dict of tensors by name, found a tensor; save the model's state_dict()",
        error());
  }

  @ParameterizedTest(name = "{0}, {1}, {2}")
  @CsvSource({
    "1, 2 3, 3 1",
    "0, 7, 1",
    "0, 2 2, 5 1",
    "-1, 2, 1",
    "0, 2, -1",
    "0, -2, 1",
    "0, 2 3, 3",
    "0, 4611686018427387904 4, 1 1",
    "9223372036854775807, 2, 1"
  })
  void aTensorThatLeadsOutOfItsStorageIsRefused(long offset, String size, String stride) {
    long[] sizes = numbers(size);
    long[] strides = numbers(stride);
    new TorchFile()
        .dict()
        .text("w")
        .floats("0", offset, sizes, strides, 1, 2, 3, 4, 5, 6)
        .op('s')
        .save(file);
    assertEquals(
        file
            + ": tensor 'w': sizes %s, strides %s from number %d on lead out of its storage of 6 numbers"
                .formatted(Arrays.toString(sizes), Arrays.toString(strides), offset)
            + MEND,
        error());
  }

  private static long[] numbers(String text) {
    return Arrays.stream(text.split(" ")).mapToLong(Long::parseLong).toArray();
  }

  @Test
  void aFewNumbersCannotBecomeGigabytes() {
    long[] size = {100_000, 5_000};
    new TorchFile().dict().text("w").floats("0", 0, size, new long[] {0, 0}, 1).op('s').save(file);
    assertEquals(
        file
            + ": tensor 'w': repeats 1 numbers as 500000000 (an expanded view); save it as .contiguous()",
        error());
  }

  @Test
  void aStorageThatIsMissingOrOfAnotherSizeIsNamed() {
    long[] one = {1};
    new TorchFile().dict().text("w").tensor("FloatStorage", "7", 1, 0, one, one).op('s').save(file);
    assertEquals(
        file + ": tensor 'w': expected its numbers in data/7, which is missing" + MEND, error());
    new TorchFile()
        .dict()
        .text("w")
        .tensor("FloatStorage", "0", 2, 0, one, one)
        .op('s')
        .entry("data/0", new byte[9])
        .save(file);
    assertEquals(
        file + ": tensor 'w': expected 2 numbers of float32 in data/0, found 9 bytes" + MEND,
        error());
    new TorchFile().dict().text("w").tensor("ShortStorage", "0", 1, 0, one, one).op('s').save(file);
    assertEquals(
        file
            + ": tensor 'w': numbers of a torch.ShortStorage are not supported; expected one of"
            + " [BFloat16Storage, BoolStorage, ByteStorage, CharStorage, DoubleStorage, FloatStorage,"
            + " HalfStorage, IntStorage, LongStorage]",
        error());
  }

  @Test
  void everyBeginningOfAFileIsOneSentence() throws IOException {
    byte[] whole = Files.readAllBytes(TORCH);
    for (int length = 0; length < whole.length; length += 7) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertTrue(error().startsWith(file + ": "), error());
    }
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    assertEquals(
        file + ": a zip that is cut short: its directory is missing; fetch or write it again",
        error());
  }

  @Test
  void aFileWithDamagedBytesIsReadOrRefusedAndNothingElse() throws IOException {
    byte[] whole = Files.readAllBytes(TORCH);
    long seed = TestSeed.get();
    Randomness random = Randomness.of(seed, "damaged bytes");
    for (int i = 0; i < 500; i++) {
      byte[] damaged = whole.clone();
      for (int k = random.nextInt(4); k >= 0; k--) {
        damaged[random.nextInt(whole.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, damaged);
      try {
        TorchWeights.read(file);
      } catch (UserError e) {
        assertTrue(String.valueOf(e.getMessage()).startsWith(file + ": "), e.getMessage());
      } catch (RuntimeException e) {
        throw new AssertionError("damage was taken for a defect" + TestSeed.hint(seed), e);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void aPickleThatIsNoneIsOneSentence(String what, int[] instructions) {
    new TorchFile().op(instructions).save(file);
    assertEquals(file + ": its pickle is damaged: " + what + "; fetch or write it again", error());
  }

  static List<Arguments> aPickleThatIsNoneIsOneSentence() {
    return List.of(
        Arguments.of("a value is missing", new int[] {0x80, 2}),
        Arguments.of("it ends early", new int[] {'X', 255, 255, 255, 127}),
        Arguments.of("it ends early", new int[] {'J', 0, 0}),
        Arguments.of("it ends early", new int[] {'c', 'o', 's'}),
        Arguments.of("instruction 0x00 at byte 0 is not one of tensors", new int[] {0}),
        Arguments.of(
            "instruction 0x81 at byte 2 is not one of tensors", new int[] {'}', '}', 0x81}),
        Arguments.of("a value is missing", new int[] {'h', 3}),
        Arguments.of("a value is missing", new int[] {'(', 's'}),
        Arguments.of("a dict has another form", new int[] {'}', '(', 'N', 'u'}),
        Arguments.of("a dict has another form", new int[] {'}', ']', 'N', 's'}),
        Arguments.of("a dict is missing", new int[] {']', 'K', 1, 'K', 2, 's'}),
        Arguments.of("a list is missing", new int[] {'}', 'N', 'a'}),
        Arguments.of("a tuple is missing", new int[] {'N', 'N', 'R'}),
        Arguments.of("a call of '' has another form", new int[] {'N', ')', 'R'}),
        Arguments.of("a reference to a storage has another form", new int[] {')', 'Q'}),
        Arguments.of("a number has 9 bytes", new int[] {0x8a, 9}));
  }

  @Test
  void whatIsNoZipOfTorchIsOneSentence() throws IOException {
    Files.write(file, new byte[] {(byte) 0x80, 2, (byte) 0x8a, 10, 'l', (byte) 0xfc});
    assertEquals(
        file
            + ": is in the format of PyTorch before 1.6, which is not read; load it with torch and"
            + " save it again, or as safetensors",
        error());
    Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    assertEquals(
        file + ": holds a pointer of Git LFS, not the weights; run 'git lfs pull' there", error());
    String other = file + ": not a PyTorch checkpoint: expected a zip that torch.save wrote";
    Files.writeString(file, "");
    assertEquals(other, error());
    Files.writeString(file, "<!DOCTYPE html>");
    assertEquals(other, error());
    TorchFile.zip(file, ZipEntry.STORED, Map.of("code/x.py", new byte[1]));
    assertEquals(
        file + ": not a PyTorch checkpoint: expected data.pkl in the zip, found none", error());
    TorchFile.zip(file, ZipEntry.DEFLATED, Map.of("data.pkl", new byte[100]));
    assertEquals(
        file
            + ": entry 'archive/data.pkl': expected it stored as it is, found it compressed or"
            + " encrypted; write the file again with torch.save",
        error());
    new TorchFile().dict().entry("byteorder", bytes("big")).save(file);
    assertEquals(
        file + ": expected little-endian numbers, found others; write it on another machine",
        error());
    assertEquals(
        folder + ": not a file; expected a PyTorch checkpoint",
        assertThrows(UserError.class, () -> TorchWeights.read(folder)).getMessage());
  }

  @Test
  void entriesThatOverlapOrLieOutsideAreRefused() throws IOException {
    new TorchFile().dict().entry("data/0", new byte[8]).entry("data/1", new byte[8]).save(file);
    byte[] zip = Files.readAllBytes(file);
    int second = find(zip, "PK\1\2", 2);
    int third = find(zip, "PK\1\2", 3);
    ByteBuffer bytes = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN);
    int place = bytes.getInt(third + 42);
    bytes.putInt(third + 42, bytes.getInt(second + 42)); // both where the first one is
    Files.write(file, zip);
    assertEquals(
        file
            + ": a zip that is damaged: entries 'archive/data/0' and 'archive/data/1', which overlap;"
            + " fetch or write it again",
        error());
    bytes.putInt(third + 42, place);
    bytes.putInt(third + 24, 1 << 20);
    Files.write(file, zip);
    assertEquals(
        file
            + ": a zip that is damaged: entry 'archive/data/1', which is not where the directory"
            + " says; fetch or write it again",
        error());
  }

  @Test
  void aDirectoryOfAbsurdLengthIsRefused() throws IOException {
    new TorchFile().dict().save(file);
    byte[] zip = Files.readAllBytes(file);
    ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN).putInt(zip.length - 22 + 12, -2);
    Files.write(file, zip);
    assertEquals(
        file
            + ": a zip that is cut short: expected a directory of 4294967294 bytes at byte %d, found %d bytes; fetch or write it again"
                .formatted(find(zip, "PK\1\2", 1), zip.length),
        error());
  }

  @Test
  void thePickleOfAbsurdLengthIsRefusedUnread() throws IOException {
    long length = SafetensorsHeader.LONGEST + 1;
    byte[] name = bytes("archive/data.pkl");
    ByteBuffer local = ByteBuffer.allocate(30 + name.length).order(ByteOrder.LITTLE_ENDIAN);
    local.putInt(0, 0x04034b50).putShort(26, (short) name.length).position(30).put(name);
    ByteBuffer end = ByteBuffer.allocate(46 + name.length + 22).order(ByteOrder.LITTLE_ENDIAN);
    end.putInt(0, 0x02014b50).putInt(20, (int) length).putInt(24, (int) length);
    end.putShort(28, (short) name.length).position(46).put(name);
    int at = end.position();
    end.putInt(at, 0x06054b50).putInt(at + 12, at).putInt(at + 16, (int) (local.limit() + length));
    try (var out =
        java.nio.channels.FileChannel.open(
            file,
            java.nio.file.StandardOpenOption.CREATE_NEW,
            java.nio.file.StandardOpenOption.WRITE)) {
      out.write(local.rewind());
      out.write(end.rewind(), local.limit() + length); // a hole: the file takes no room
    }
    assertEquals(
        file + ": entry 'archive/data.pkl' has 100000001 bytes; expected at most 100000000",
        error());
  }

  private static int find(byte[] bytes, String pattern, int times) {
    int at = -1;
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    for (int i = 0; i < times; i++) {
      at = text.indexOf(pattern, at + 1);
    }
    return at;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Tensor get(Map<String, Tensor> tensors, String name) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  private String error() {
    return String.valueOf(
        assertThrows(UserError.class, () -> TorchWeights.read(file)).getMessage());
  }
}
