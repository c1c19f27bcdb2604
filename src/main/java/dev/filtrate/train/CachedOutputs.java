package dev.filtrate.train;

import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelInputs;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.recipe.FrozenCacheSettings;
import dev.filtrate.recipe.RecipeChecks;
import dev.filtrate.runtime.DeviceTensors;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A frozen model that computes what a {@link FrozenCache} does not hold yet.
 *
 * <p>A cache holds tokens, not padding, so that a batch can be of any length. Padded rows are those
 * of a text of one token and one padding where the model's padded rows are constant; elsewhere
 * nothing reads them ({@link RecipeChecks} sees to that), and they are 0.
 */
final class CachedOutputs implements FrozenOutputs {
  private final ComputedOutputs computed;
  private final FrozenCache cache;

  /** A padded row of each output: where it is not constant nothing reads it. */
  private final Map<String, ByteBuffer> padding = new LinkedHashMap<>();

  /** What {@link #forBatch} gives, until it is called again. */
  private final Map<String, Tensor> outputs = new LinkedHashMap<>();

  private CachedOutputs(ComputedOutputs computed, FrozenCache cache) {
    this.computed = computed;
    this.cache = cache;
    for (FrozenCache.Column column : cache.columns()) {
      padding.put(column.name(), ByteBuffer.allocateDirect(4 * column.width()));
    }
  }

  /** The outputs with their cache, where there are both; closed on failure. */
  static FrozenOutputs where(Stage.Frozen frozen, ComputedOutputs computed, EncodedExamples data) {
    FrozenCacheSettings settings = frozen.cache();
    Path folder = settings.folder();
    WeightedGraph model = computed.model();
    if (folder == null || model == null) {
      return computed;
    }
    FrozenOutputs opened = computed;
    boolean complete = false;
    try {
      String key = key(model, computed.bfloat16(), data, settings.dtype().type());
      FrozenCache cache =
          FrozenCache.open(folder, settings, key, columns(model.graph()), lengths(data));
      CachedOutputs cached = new CachedOutputs(computed, cache);
      opened = cached;
      if (frozen.source().model().config().hasConstantPadding()) {
        cached.takePadding(data.padId());
      }
      complete = true;
      return cached;
    } finally {
      if (!complete) {
        opened.close();
      }
    }
  }

  private static List<FrozenCache.Column> columns(Graph frozen) {
    List<FrozenCache.Column> columns = new ArrayList<>();
    for (Value output : frozen.outputs()) {
      List<Dim> dims = output.shape().dims();
      boolean perToken = dims.size() > 1 && dims.get(1).equals(ModelInputs.SEQUENCE);
      int width = 1;
      for (Dim dim : dims.subList(perToken ? 2 : 1, dims.size())) {
        width *= (int) dim.fixed();
      }
      columns.add(new FrozenCache.Column(output.name(), dims.size(), perToken, width));
    }
    return columns;
  }

  private static int[] lengths(EncodedExamples data) {
    int[] lengths = new int[data.size()];
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = data.texts().length(i);
    }
    return lengths;
  }

  /** A hash of everything that the outputs are a function of: graph, weights, tokens. */
  private static String key(
      WeightedGraph model, boolean bfloat16, EncodedExamples data, DType type) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      sha.update((type + "\n" + bfloat16 + "\n" + model.graph()).getBytes(StandardCharsets.UTF_8));
      for (Value parameter : model.graph().parameters()) {
        Tensor weight = model.values().get(parameter.name());
        if (weight != null) {
          sha.update(weight.bytes().duplicate().rewind());
        }
      }
      Encoded texts = data.texts();
      for (int text = 0; text < texts.size(); text++) {
        sha.update(tokens(texts, text));
      }
      return HexFormat.of().formatHex(sha.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static ByteBuffer tokens(Encoded texts, int text) {
    ByteBuffer all = ByteBuffer.allocate(4 + 5 * texts.length(text)).putInt(texts.length(text));
    for (int i = 0; i < texts.length(text); i++) {
      all.putInt(texts.id(text, i)).put((byte) texts.type(text, i));
    }
    return all.flip();
  }

  private void takePadding(int padId) {
    long[] grid = {1, 2};
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (String input : computed.inputs()) {
      switch (input) {
        case "input_ids" -> feeds.put(input, Tensor.ofLongs(grid, padId, padId));
        case "attention_mask" -> feeds.put(input, Tensor.ofLongs(grid, 1, 0));
        default -> feeds.put(input, Tensor.ofLongs(grid, 0, 0));
      }
    }
    Map<String, Tensor> outputs = computed.fetched(feeds);
    for (FrozenCache.Column column : cache.columns()) {
      if (column.perToken()) {
        int row = 4 * column.width();
        padding.put(column.name(), output(outputs, column).slice(row, row));
      }
    }
  }

  private static ByteBuffer output(Map<String, Tensor> outputs, FrozenCache.Column column) {
    Tensor output = outputs.get(column.name());
    if (output == null) {
      throw new IllegalStateException("the frozen model has no output " + column.name());
    }
    return output.bytes();
  }

  @Override
  public Given forBatch(Batch batch) {
    Map<String, Tensor> outputs = room(batch);
    Map<String, Tensor> fresh = null;
    int[] examples = batch.examples();
    for (int row = 0; row < examples.length; row++) {
      ByteBuffer record = cache.get(examples[row]);
      if (record == null) {
        if (fresh == null) {
          fresh = computed.fetched(Feeds.of(batch, computed.inputs()));
        }
        record = cache.put(examples[row], record(fresh, row, examples[row], batch.length()));
      }
      place(record, batch, row, outputs);
    }
    return new Given(outputs, DeviceTensors.empty());
  }

  /** Outputs to be filled: those of the last batch, which are done with, where they fit. */
  private Map<String, Tensor> room(Batch batch) {
    for (FrozenCache.Column column : cache.columns()) {
      long[] dims = dims(column, batch);
      Tensor last = outputs.get(column.name());
      if (last == null || !Arrays.equals(last.dims(), dims)) {
        outputs.put(column.name(), Tensor.zeros(DType.FLOAT, dims));
      }
    }
    return outputs;
  }

  /** The record of an example that is a row of a batch of this length. */
  private ByteBuffer record(Map<String, Tensor> outputs, int row, int example, int length) {
    int tokens = cache.tokens(example);
    Tensor record = Tensor.zeros(DType.FLOAT, cache.values(example));
    ByteBuffer to = record.bytes().duplicate();
    for (FrozenCache.Column column : cache.columns()) {
      int from = 4 * column.values(length) * row;
      to.put(output(outputs, column).slice(from, 4 * column.values(tokens)));
    }
    return record.bytes();
  }

  /** Writes a record into its row of the outputs, and padding behind it. */
  private void place(ByteBuffer record, Batch batch, int row, Map<String, Tensor> outputs) {
    int tokens = cache.tokens(batch.examples()[row]);
    int read = 0;
    for (FrozenCache.Column column : cache.columns()) {
      ByteBuffer output = output(outputs, column);
      int bytes = 4 * column.values(tokens);
      int at = 4 * column.values(batch.length()) * row;
      output.put(at, record, read, bytes);
      read += bytes;
      int end = at + 4 * column.values(batch.length());
      ByteBuffer padded = padding.getOrDefault(column.name(), record);
      for (int t = at + bytes; t < end; t += 4 * column.width()) {
        output.put(t, padded, 0, 4 * column.width());
      }
    }
  }

  private static long[] dims(FrozenCache.Column column, Batch batch) {
    if (!column.perToken()) {
      return new long[] {batch.size(), column.width()};
    }
    return column.rank() == 2 // logits of answers
        ? new long[] {batch.size(), batch.length()}
        : new long[] {batch.size(), batch.length(), column.width()};
  }

  @Override
  public void close() {
    computed.close();
    cache.close();
  }
}
