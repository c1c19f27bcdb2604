package dev.filtrate.data.batch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.Randomness;
import dev.filtrate.base.TestSeed;
import dev.filtrate.data.Example;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.tokenize.Encoded;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BatchesTest {
  private static final int PAD = 9;
  private final long seed = TestSeed.get();

  /** Examples of lengths 3 to 42; example e holds ids e, e+1, ... and has label e mod 3. */
  private EncodedExamples examples(int count, ProblemType type) {
    Randomness random = Randomness.of(seed, "lengths");
    Encoded.Builder texts = new Encoded.Builder(count);
    List<Example> examples = new ArrayList<>();
    for (int e = 0; e < count; e++) {
      int example = e;
      int length = 3 + random.nextInt(40);
      long[] ids = IntStream.range(0, length).mapToLong(i -> example + i).toArray();
      long[] types = IntStream.range(0, length).mapToLong(i -> i > 1 ? 1 : 0).toArray();
      texts.add(ids, types);
      examples.add(new Example("", null, type == ProblemType.REGRESSION ? e + 0.5 : e % 3 - 1));
    }
    return EncodedExamples.of(texts.build(), examples, type, PAD);
  }

  private EncodedExamples examples(int count) {
    return examples(count, ProblemType.SINGLE_LABEL_CLASSIFICATION);
  }

  private static long[] longs(ByteBuffer buffer) {
    LongBuffer view = buffer.asLongBuffer();
    long[] values = new long[view.remaining()];
    view.get(values);
    return values;
  }

  private static List<List<Integer>> examplesOf(List<int[]> order) {
    return order.stream().map(b -> Arrays.stream(b).boxed().toList()).toList();
  }

  @Test
  void aBatchIsPaddedMaskedAndLabelled() {
    EncodedExamples data = examples(10);
    Batch batch = Batches.evaluation(data, new BatchOptions(4, 8, 0, false)).at(0, 1);
    assertArrayEquals(new int[] {4, 5, 6, 7}, batch.examples());
    int longest = IntStream.of(4, 5, 6, 7).map(data.texts()::length).max().orElseThrow();
    assertEquals((longest + 7) / 8 * 8, batch.length());
    assertEquals(IntStream.of(4, 5, 6, 7).map(data.texts()::length).sum(), batch.tokens());
    long[] ids = longs(batch.inputIds());
    long[] mask = longs(batch.attentionMask());
    long[] types = longs(batch.tokenTypeIds());
    assertEquals(4 * batch.length(), ids.length);
    for (int row = 0; row < 4; row++) {
      for (int i = 0; i < batch.length(); i++) {
        boolean real = i < data.texts().length(4 + row);
        int at = row * batch.length() + i;
        assertEquals(real ? 4 + row + i : PAD, ids[at]);
        assertEquals(real ? 1 : 0, mask[at]);
        assertEquals(real && i > 1 ? 1 : 0, types[at]);
      }
    }
    assertArrayEquals(new long[] {0, 1, -1, 0}, longs(batch.labels()));
    assertTrue(batch.inputIds().isDirect() && batch.labels().isDirect());
    assertFalse(batch.floatLabels());
  }

  @Test
  void windowsOfQuestionsHavePositions() {
    Encoded texts = examples(3).texts();
    EncodedExamples data =
        EncodedExamples.ofSpans(texts, new int[] {0, 1, 2}, new int[] {0, 5, 6}, PAD);
    Batch batch = Batches.evaluation(data, new BatchOptions(2, 1, 0, false)).at(0, 1);
    assertArrayEquals(new long[] {2}, longs(batch.startPositions()));
    assertArrayEquals(new long[] {6}, longs(batch.endPositions()));
    Batch first = Batches.evaluation(data, new BatchOptions(2, 1, 0, false)).at(0, 0);
    assertArrayEquals(new long[] {0, 1}, longs(first.startPositions()));
    assertArrayEquals(new long[] {0, 5}, longs(first.endPositions()));
    Batch labelled = Batches.evaluation(examples(3), BatchOptions.of(2)).at(0, 0);
    assertThrows(IllegalStateException.class, labelled::startPositions);
  }

  @Test
  void scoresAreFloats() {
    EncodedExamples data = examples(3, ProblemType.REGRESSION);
    Batch batch = Batches.evaluation(data, new BatchOptions(3, 1, 0, false)).at(0, 0);
    FloatBuffer labels = batch.labels().asFloatBuffer();
    assertEquals(FloatBuffer.wrap(new float[] {0.5f, 1.5f, 2.5f}), labels);
    assertTrue(batch.floatLabels());
  }

  @Test
  void everyEpochHoldsEveryExampleOnceInAnOrderOfItsOwn() {
    EncodedExamples data = examples(1001);
    for (boolean grouped : new boolean[] {true, false}) {
      BatchOptions options = new BatchOptions(8, 1, 0, grouped);
      Batches batches = Batches.training(data, options, seed);
      assertEquals(126, batches.perEpoch());
      for (long epoch = 0; epoch < 3; epoch++) {
        List<int[]> order = batches.order(epoch);
        assertEquals(126, order.size());
        assertArrayEquals(
            IntStream.range(0, 1001).toArray(),
            order.stream().flatMapToInt(Arrays::stream).sorted().toArray());
        assertEquals(1, order.stream().filter(b -> b.length == 1).count(), "the remainder");
      }
      List<List<Integer>> first = examplesOf(batches.order(0));
      assertEquals(first, examplesOf(Batches.training(data, options, seed).order(0)));
      assertNotEquals(first, examplesOf(batches.order(1)));
      assertNotEquals(first, examplesOf(Batches.training(data, options, seed + 1).order(0)));
    }
  }

  @Test
  void groupingSavesPaddingAndStaysRandom() {
    EncodedExamples data = examples(2048);
    Batches grouped = Batches.training(data, new BatchOptions(16, 1, 0, true), seed);
    Batches plain = Batches.training(data, new BatchOptions(16, 1, 0, false), seed);
    double padded = padding(grouped);
    assertTrue(padded < 0.06, "padding " + padded + TestSeed.hint(seed));
    assertTrue(padding(plain) > 0.3, "padding " + padding(plain) + TestSeed.hint(seed));
    // Tokens in the halves of an epoch, over many epochs: alike. One epoch's halves differ by 9 %
    // (standard deviation), 64 epochs' by 1.2 %; batches in order of length by 75 %.
    double[] tokens = new double[2];
    for (long epoch = 0; epoch < 64; epoch++) {
      List<int[]> order = grouped.order(epoch);
      for (int b = 0; b < order.size(); b++) {
        tokens[2 * b / order.size()] += Arrays.stream(order.get(b)).map(data.texts()::length).sum();
      }
    }
    assertEquals(1, tokens[0] / tokens[1], 0.08, TestSeed.hint(seed));
  }

  private static double padding(Batches batches) {
    double cells = 0;
    double tokens = 0;
    for (int[] b : batches.order(0)) {
      int longest = Arrays.stream(b).map(batches.data().texts()::length).max().orElse(0);
      cells += longest * (double) b.length;
      tokens += Arrays.stream(b).map(batches.data().texts()::length).sum();
    }
    return 1 - tokens / cells;
  }

  @Test
  void aStreamGoesOnAnywhere() {
    Batches batches = Batches.training(examples(50), BatchOptions.of(8), seed);
    List<int[]> all = new ArrayList<>();
    try (BatchStream stream = batches.stream(0, 0)) {
      for (int i = 0; i < 20; i++) {
        Batch batch = stream.next();
        assertEquals(i / 7, batch.epoch());
        assertEquals(i % 7, batch.index());
        assertArrayEquals(batches.at(i / 7, i % 7).examples(), batch.examples());
        all.add(batch.examples());
      }
    }
    try (BatchStream resumed = batches.stream(1, 3);
        BatchStream boundary = batches.stream(0, 7)) {
      for (int i = 10; i < 20; i++) {
        assertArrayEquals(all.get(i), resumed.next().examples());
      }
      assertArrayEquals(all.get(7), boundary.next().examples());
    }
    assertThrows(IllegalArgumentException.class, () -> batches.stream(0, 8).close());
  }

  @Test
  void evaluationEndsAndStartsWithTheLongest() {
    EncodedExamples data = examples(50);
    Batches batches = Batches.evaluation(data, BatchOptions.of(8));
    List<Integer> lengths = new ArrayList<>();
    try (BatchStream stream = batches.stream(0, 0)) {
      while (stream.hasNext()) {
        lengths.add(stream.next().length());
      }
      assertFalse(stream.hasNext());
      assertThrows(NoSuchElementException.class, stream::next);
    }
    assertEquals(7, lengths.size());
    List<Integer> sorted = new ArrayList<>(lengths);
    sorted.sort((a, b) -> b - a);
    assertEquals(sorted, lengths);
  }

  @Test
  void aFixedLengthIsKept() {
    EncodedExamples data = examples(5);
    assertEquals(64, Batches.evaluation(data, new BatchOptions(5, 1, 64, true)).at(0, 0).length());
    assertThrows(
        IllegalArgumentException.class,
        () -> Batches.evaluation(data, new BatchOptions(5, 1, 2, true)).at(0, 0));
  }

  @Test
  void failuresReachTheOneWhoTakes() {
    IllegalStateException failure = new IllegalStateException("made to fail");
    Batch batch = Batches.evaluation(examples(3), BatchOptions.of(3)).at(0, 0);
    int[] made = {0};
    try (BatchStream stream =
        new BatchStream(
            () -> {
              if (made[0]++ == 2) {
                throw failure;
              }
              return batch;
            })) {
      assertSame(batch, stream.next());
      assertSame(batch, stream.next());
      assertTrue(stream.hasNext());
      assertSame(failure, assertThrows(IllegalStateException.class, stream::next));
      assertSame(failure, assertThrows(IllegalStateException.class, stream::next));
    }
  }

  @Test
  void closingStopsTheThread() {
    Batches batches = Batches.training(examples(50), BatchOptions.of(8), seed);
    try (BatchStream stream = batches.stream(0, 0)) {
      stream.next();
      assertTrue(stream.running(), "it waits for room in the queue");
      stream.close();
      assertFalse(stream.running());
      assertEquals(
          "the stream of batches is closed",
          assertThrows(IllegalStateException.class, stream::next).getMessage());
    }
  }
}
