package dev.filtrate.data.batch;

import com.google.errorprone.annotations.MustBeClosed;
import dev.filtrate.base.Check;
import dev.filtrate.base.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The batches of some examples: for training in a random order that the seed and the epoch decide,
 * for evaluation in a fixed one.
 */
public final class Batches {
  /** Windows of the shuffled order that are sorted by length hold so many batches at most. */
  private static final int WINDOW = 50;

  private final EncodedExamples data;
  private final BatchOptions options;
  private final boolean shuffled;
  private final long seed;

  private Batches(EncodedExamples data, BatchOptions options, boolean shuffled, long seed) {
    Check.argument(data.size() > 0, "no examples");
    this.data = data;
    this.options = options;
    this.shuffled = shuffled;
    this.seed = seed;
  }

  /** Batches to train on; another epoch has another order. */
  public static Batches training(EncodedExamples data, BatchOptions options, long seed) {
    return new Batches(data, options, true, seed);
  }

  /**
   * Batches to evaluate on: every epoch the same. Grouped by length the longest texts come first,
   * otherwise the order is that of the data; {@link Batch#examples} tells which row is which.
   */
  public static Batches evaluation(EncodedExamples data, BatchOptions options) {
    return new Batches(data, options, false, 0);
  }

  /** The examples. */
  public EncodedExamples data() {
    return data;
  }

  /** The number of batches in an epoch. */
  public int perEpoch() {
    return (data.size() + options.batchSize() - 1) / options.batchSize();
  }

  /** One batch of an epoch. To take many in a row, {@link #stream} is faster. */
  public Batch at(long epoch, int index) {
    return batch(epoch, index, order(epoch));
  }

  /**
   * Batches from one of an epoch on, made ahead on another thread. Training batches go on into the
   * next epochs without end; evaluation ends with the epoch.
   *
   * @param index the first batch, from 0; as many as an epoch has means the next epoch's first
   */
  @MustBeClosed
  public BatchStream stream(long epoch, int index) {
    Check.argument(
        epoch >= 0 && index >= 0 && index <= perEpoch(),
        "epoch %d, batch %d: an epoch has %d batches",
        epoch,
        index,
        perEpoch());
    return new BatchStream(new Cursor(epoch, index));
  }

  /** Walks through the batches; one thread uses it. */
  private final class Cursor implements BatchStream.Source {
    private long epoch;
    private int index;
    private List<int[]> order = List.of();

    Cursor(long epoch, int index) {
      this.epoch = epoch;
      this.index = index;
    }

    @Override
    public @Nullable Batch next() {
      if (index == perEpoch()) {
        if (!shuffled) {
          return null;
        }
        epoch++;
        index = 0;
        order = List.of();
      }
      if (order.isEmpty()) {
        order = order(epoch);
      }
      return batch(epoch, index++, order);
    }
  }

  private Batch batch(long epoch, int index, List<int[]> order) {
    return new Batch(epoch, index, order.get(index), data, options);
  }

  /** The examples of every batch of an epoch. */
  List<int[]> order(long epoch) {
    int[] examples = IntStream.range(0, data.size()).toArray();
    if (!shuffled) {
      if (options.groupByLength()) {
        sortByLength(examples, 0, examples.length);
      }
      return cut(examples);
    }
    Randomness random = Randomness.of(Randomness.seedOf(seed, "data/order", epoch), "data/order");
    random.shuffle(examples);
    if (!options.groupByLength()) {
      return cut(examples);
    }
    int batches = Math.max(1, Math.min(WINDOW, perEpoch() / 4)); // few batches: smaller windows
    int window = Math.multiplyExact(batches, options.batchSize());
    for (int start = 0; start < examples.length; start += window) {
      sortByLength(examples, start, Math.min(examples.length, start + window));
    }
    List<int[]> cut = cut(examples);
    int[] places = IntStream.range(0, cut.size()).toArray();
    random.shuffle(places);
    return Arrays.stream(places).mapToObj(cut::get).toList();
  }

  private void sortByLength(int[] examples, int start, int end) {
    int[] sorted =
        Arrays.stream(examples, start, end)
            .boxed()
            .sorted(Comparator.comparingInt((Integer e) -> data.texts().length(e)).reversed())
            .mapToInt(Integer::intValue)
            .toArray();
    System.arraycopy(sorted, 0, examples, start, sorted.length);
  }

  private List<int[]> cut(int[] examples) {
    List<int[]> batches = new ArrayList<>(perEpoch());
    for (int start = 0; start < examples.length; start += options.batchSize()) {
      int end = Math.min(examples.length, start + options.batchSize());
      batches.add(Arrays.copyOfRange(examples, start, end));
    }
    return batches;
  }
}
