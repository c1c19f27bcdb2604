package dev.filtrate.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Positions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.commons.math3.stat.descriptive.moment.Kurtosis;
import org.apache.commons.math3.stat.descriptive.moment.Mean;
import org.apache.commons.math3.stat.descriptive.moment.StandardDeviation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InitializationTest {
  private final Initialization initialization = new Initialization(42, 0.02, 3, Positions.COUNTED);

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "bert.encoder.layer.0.output.dense.weight",
        "deberta.encoder.rel_embeddings.weight",
        "deberta.encoder.layer.1.filter.weight",
        "classifier.weight"
      })
  void weightsAreNormalWithTheInitializerRange(String name) {
    double[] x = doubles(name, 300, 400);
    int n = x.length;
    assertEquals(0, new Mean().evaluate(x), 4 * 0.02 / Math.sqrt(n));
    assertEquals(0.02, new StandardDeviation().evaluate(x), 4 * 0.02 / Math.sqrt(2.0 * n));
    assertEquals(0, new Kurtosis().evaluate(x), 4 * Math.sqrt(24.0 / n));
  }

  @Test
  void convolutionsAreNormalToo() {
    double[] x = doubles("deberta.encoder.conv.conv.weight", 64, 64, 3);
    assertEquals(0.02, new StandardDeviation().evaluate(x), 0.001);
  }

  @Test
  void biasesAreZeroAndLayerNormIsTheIdentity() {
    assertArrayEquals(new float[5], floats("bert.pooler.dense.bias", 5));
    assertArrayEquals(new float[5], floats("bert.embeddings.LayerNorm.bias", 5));
    float[] ones = new float[5];
    Arrays.fill(ones, 1);
    assertArrayEquals(ones, floats("bert.embeddings.LayerNorm.weight", 5));
  }

  @Test
  void thePaddingRowOfWordEmbeddingsIsZeroAndNoOther() {
    float[] x = floats("bert.embeddings.word_embeddings.weight", 6, 4);
    for (int row = 0; row < 6; row++) {
      boolean zero = row == 3;
      for (float value : Arrays.copyOfRange(x, 4 * row, 4 * row + 4)) {
        assertEquals(zero, value == 0);
      }
    }
    assertNotEquals(0, floats("bert.embeddings.position_embeddings.weight", 6, 4)[3 * 4]);
    Initialization none = new Initialization(42, 0.02, -1, Positions.COUNTED);
    Value v = value("bert.embeddings.word_embeddings.weight", 6, 4);
    assertNotEquals(0, none.initialize(v).toFloats()[3 * 4]);
  }

  @Test
  void robertasPositionOfPaddingIsZeroToo() {
    Value v = value("roberta.embeddings.position_embeddings.weight", 6, 4);
    float[] x = new Initialization(42, 0.02, 3, Positions.AFTER_PADDING).initialize(v).toFloats();
    for (int i = 0; i < x.length; i++) {
      assertEquals(i / 4 == 3, x[i] == 0);
    }
  }

  @Test
  void positionsOfADistilBertMayStartAsSinusoids() {
    Value v = value("distilbert.embeddings.position_embeddings.weight", 3, 4);
    assertArrayEquals(
        new float[] {
          0,
          1,
          0,
          1,
          0.84147096f,
          0.5403023f,
          0.009999833f,
          0.99995f,
          0.9092974f,
          -0.41614684f,
          0.019998666f,
          0.9998f
        },
        new Initialization(42, 0.02, 0, Positions.SINUSOIDAL).initialize(v).toFloats(),
        1e-7f);
  }

  @Test
  void valuesDependOnSeedAndNameOnlyNotOnTheOrder() {
    List<Value> order =
        new ArrayList<>(
            List.of(value("a.weight", 3, 3), value("b.weight", 3, 3), value("c.bias", 3)));
    Map<String, Tensor> forward = initialization.initialize(order);
    Collections.reverse(order);
    assertEquals(forward, initialization.initialize(order));
    assertNotEquals(forward.get("a.weight"), forward.get("b.weight"));
    assertNotEquals(forward, new Initialization(43, 0.02, 3, Positions.COUNTED).initialize(order));
    assertEquals(
        List.of("c.bias", "b.weight", "a.weight"),
        List.copyOf(initialization.initialize(order).keySet()));
  }

  @Test
  void theFirstNumbersStayWhatTheyAre() {
    // a run's results hang on them
    assertArrayEquals(
        new float[] {-0.022847718f, -0.013370949f, -0.0587598f}, floats("classifier.weight", 1, 3));
  }

  private float[] floats(String name, long... dims) {
    return initialization.initialize(value(name, dims)).toFloats();
  }

  private double[] doubles(String name, long... dims) {
    float[] x = floats(name, dims);
    double[] y = new double[x.length];
    Arrays.setAll(y, i -> x[i]);
    return y;
  }

  private static Value value(String name, long... dims) {
    return new Value(name, DType.FLOAT, Shape.of(dims));
  }
}
