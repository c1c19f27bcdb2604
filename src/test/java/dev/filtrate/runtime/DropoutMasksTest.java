package dev.filtrate.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.TestSeed;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.DeviceKind;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Target;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Masks made of a few words, drawn or of a seed, must look as if every element had been drawn. */
@Tag("ort")
class DropoutMasksTest {
  /** Six deviations: one failure in 500 million where a statistic is as it should be. */
  private static final double FAR = 6;

  private static final double RATIO = 0.1;
  private static final Map<String, Long> SIZES = Map.of("batch", 6L, "sequence", 64L);

  private final long seed = TestSeed.get();

  /** Three masks of one shape, 1 = dropped. */
  private static int[][] masks(ComputeSession session, long[] dims, long seed) {
    float[] ones = new float[(int) Tensor.count(dims)];
    Arrays.fill(ones, 1);
    OnnxRuntime.setSeed(seed);
    Map<String, Tensor> feeds = new HashMap<>(Map.of("x", Tensor.ofFloats(dims, ones)));
    if (session.inputs().contains(Lowering.DROPOUT_SEED)) {
      feeds.put(Lowering.DROPOUT_SEED, Tensor.scalar(seed));
    }
    Map<String, Tensor> run = session.run(feeds);
    int[][] masks = new int[3][ones.length];
    for (int m = 0; m < 3; m++) {
      float[] y = Objects.requireNonNull(run.get("y" + m)).toFloats();
      for (int i = 0; i < y.length; i++) {
        assertTrue(y[i] == 0 || Math.abs(y[i] - 1 / (1 - RATIO)) < 1e-6);
        masks[m][i] = y[i] == 0 ? 1 : 0;
      }
    }
    return masks;
  }

  private static ComputeSession session(Shape shape, DeviceKind device) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.FLOAT, shape);
    Map<String, Value> outputs = new LinkedHashMap<>();
    for (int m = 0; m < 3; m++) {
      outputs.put("y" + m, g.ops().dropout(x, RATIO));
    }
    return ComputeSession.open(
        "masks",
        OnnxCodec.encode(Lowering.toOnnx(g.build("masks", outputs), Target.ORT, device)),
        RuntimeOptions.defaults().withThreads(2));
  }

  @ParameterizedTest(name = "{0}, {1}")
  @CsvSource(
      delimiter = ';',
      value = {
        "[batch, 4, sequence, sequence]; CPU",
        "[batch, sequence, 96]; CPU",
        "[sequence, sequence]; CPU",
        "[1, 511, 128]; CPU",
        "[batch, 4, sequence, sequence]; CUDA_GRAPH",
        "[batch, sequence, 96]; CUDA_GRAPH",
        "[sequence, sequence]; CUDA_GRAPH",
        "[1, 511, 128]; CUDA_GRAPH"
      })
  void everyElementIsDroppedOnItsOwn(String text, DeviceKind device) {
    Shape shape = Shape.parse(text);
    long[] dims = shape.evaluate(SIZES);
    try (ComputeSession session = session(shape, device)) {
      int[][] masks = masks(session, dims, seed);
      for (int[] mask : masks) {
        int dropped = Arrays.stream(mask).sum();
        assertNear(RATIO * mask.length, dropped, mask.length * RATIO * (1 - RATIO), "share");
        for (int axis = 0; axis < dims.length; axis++) {
          slicesVaryAsTheyShould(mask, dims, axis);
          neighboursDoNotKnowEachOther(mask, dims, axis);
        }
        rowsDoNotResembleEachOther(mask, (int) dims[dims.length - 1]);
      }
      apart(masks[0], masks[1], "first and second");
      apart(masks[1], masks[2], "second and third");
      int[][] others = masks(session, dims, seed + 1);
      apart(masks[0], others[0], "two seeds");
      assertArrayEquals(masks, masks(session, dims, seed), "the same seed again");
    }
  }

  private void assertNear(double expected, double actual, double variance, String what) {
    assertEquals(expected, actual, FAR * Math.sqrt(variance) + 1e-9, what + TestSeed.hint(seed));
  }

  /**
   * The sum of squared deviations of the slices' counts is chi-squared distributed, and its cube
   * root nearly normally (Wilson and Hilferty 1931), also where there are few slices.
   */
  private void slicesVaryAsTheyShould(int[] mask, long[] dims, int axis) {
    int slices = (int) dims[axis];
    int stride = stride(dims, axis);
    double[] counts = new double[slices];
    for (int i = 0; i < mask.length; i++) {
      counts[i / stride % slices] += mask[i];
    }
    double size = (double) mask.length / slices;
    double chi = 0;
    for (double count : counts) {
      chi += Math.pow(count - size * RATIO, 2) / (size * RATIO * (1 - RATIO));
    }
    double spread = 2 / (9.0 * slices);
    assertNear(1 - spread, Math.cbrt(chi / slices), 1.25 * spread, "slices along axis " + axis);
  }

  private static int stride(long[] dims, int axis) {
    return (int) Tensor.count(Arrays.copyOfRange(dims, axis + 1, dims.length));
  }

  private void neighboursDoNotKnowEachOther(int[] mask, long[] dims, int axis) {
    int stride = stride(dims, axis);
    int both = 0;
    int pairs = 0;
    for (int i = 0; i + stride < mask.length; i++) {
      if (i / stride % dims[axis] + 1 < dims[axis]) {
        both += mask[i] * mask[i + stride];
        pairs++;
      }
    }
    double p = RATIO * RATIO;
    assertNear(pairs * p, both, 1.5 * pairs * p, "neighbours along axis " + axis);
  }

  /**
   * Two rows whose words are the same, or related, would agree far too often. How often two rows
   * agree is compared with what their own counts lead to (hypergeometric), as a row with many
   * dropped would show in all its pairs.
   */
  private void rowsDoNotResembleEachOther(int[] mask, int width) {
    int rows = mask.length / width;
    int[] counts = new int[rows];
    for (int i = 0; i < mask.length; i++) {
      counts[i / width] += mask[i];
    }
    Random random = new Random(seed);
    double squares = 0;
    double variances = 0;
    int pairs = 4000;
    double p = RATIO * RATIO;
    for (int k = 0; k < pairs; k++) {
      int a = random.nextInt(rows);
      int b = (a + 1 + random.nextInt(rows - 1)) % rows;
      int both = 0;
      for (int i = 0; i < width; i++) {
        both += mask[a * width + i] * mask[b * width + i];
      }
      assertTrue(both < width * p + 12 * Math.sqrt(width * p) + 6, "rows " + a + " and " + b);
      double mean = (double) counts[a] * counts[b] / width;
      squares += (both - mean) * (both - mean);
      variances += mean * (width - counts[a]) * (width - counts[b]) / (width * (width - 1.0));
    }
    double distinct = Math.min(pairs, rows * (rows - 1) / 2.0);
    double kurtosis = 3 + 1 / (width * p); // of a binomial distribution, nearly
    assertNear(1, squares / variances, 2 * kurtosis / distinct, "rows in pairs");
  }

  private void apart(int[] a, int[] b, String what) {
    int both = 0;
    for (int i = 0; i < a.length; i++) {
      both += a[i] * b[i];
    }
    double p = RATIO * RATIO;
    assertNear(a.length * p, both, a.length * p * (1 - p), what);
  }

  @Test
  void shapesThatCannotBeSplitKeepTheKernel() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.FLOAT, Shape.parse("[batch]"));
    Map<String, Value> outputs = Map.of("y", g.ops().dropout(x, 0.5));
    String listing =
        Lowering.lower(g.build("g", outputs), Target.ORT, DeviceKind.CPU).nodes().toString();
    assertTrue(listing.contains("Dropout(x"), listing);
    assertFalse(listing.contains("GreaterOrEqual"), listing);
    Graph kernel = g.build("g", outputs);
    assertEquals(
        "y: a replay of Dropout would repeat its mask; of rank 1, or with a ratio or flag that is"
            + " not constant, it cannot be replayed",
        assertThrows(
                IllegalStateException.class,
                () -> Lowering.lower(kernel, Target.ORT, DeviceKind.CUDA_GRAPH))
            .getMessage());
  }
}
