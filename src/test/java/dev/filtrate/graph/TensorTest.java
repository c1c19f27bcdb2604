package dev.filtrate.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {
  @Test
  void valuesAreKeptRowMajorAndLittleEndian() {
    Tensor t = Tensor.ofFloats(new long[] {2, 2}, 1, 2, 3, 4);
    assertEquals(3, t.get(2));
    assertEquals((byte) 0x80, t.bytes().get(2));
    assertEquals((byte) 0x3f, t.bytes().get(3));
    assertArrayEquals(new float[] {1, 2, 3, 4}, t.toFloats());
    assertArrayEquals(new long[] {5, -6}, Tensor.ofLongs(new long[] {2}, 5, -6).toLongs());
    assertEquals(1, Tensor.scalar(true).scalarValue());
    assertEquals(Shape.of(2, 2), t.shape());
  }

  @Test
  void equalityIsThatOfTypeSizesAndBytes() {
    Tensor t = Tensor.ofFloats(new long[] {2}, 1, 2);
    assertEquals(t, Tensor.ofFloats(new long[] {2}, 1, 2));
    assertEquals(t.hashCode(), Tensor.ofFloats(new long[] {2}, 1, 2).hashCode());
    assertNotEquals(t, Tensor.ofFloats(new long[] {1, 2}, 1, 2));
    assertNotEquals(t, Tensor.ofFloats(new long[] {2}, 1, 3));
    assertNotEquals(Tensor.zeros(DType.INT32, 2), Tensor.zeros(DType.FLOAT, 2));
  }

  @Test
  void whatDoesNotFitIsNamed() {
    assertEquals(
        "tensor of float32 [2, 3]: expected 24 bytes, got 20",
        assertThrows(
                IllegalArgumentException.class,
                () -> Tensor.wrap(DType.FLOAT, new long[] {2, 3}, ByteBuffer.allocate(20)))
            .getMessage());
    assertEquals(
        "int64[2] is not of type float32",
        assertThrows(IllegalStateException.class, Tensor.zeros(DType.INT64, 2)::floats)
            .getMessage());
    assertEquals(
        "tensor [100000, 100000]: 40000000000 bytes are over 2 GiB",
        assertThrows(
                IllegalArgumentException.class, () -> Tensor.zeros(DType.FLOAT, 100000, 100000))
            .getMessage());
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void elementTypesAreFoundByNumberAndByName(DType type) {
    assertEquals(type, DType.ofOnnx(type.onnx()));
    assertEquals(type, DType.ofLabel(type.toString()));
  }

  @Test
  void attributesSayWhatWasExpected() {
    Node n = new Node(OpType.SOFTMAX, List.of(), List.of(), Map.of("axis", new Attr.Real(1)));
    assertEquals(
        "attribute 'axis': expected Int, got 1.0",
        assertThrows(IllegalArgumentException.class, () -> n.integer("axis")).getMessage());
    assertEquals(7, n.integer("other", 7));
  }
}
