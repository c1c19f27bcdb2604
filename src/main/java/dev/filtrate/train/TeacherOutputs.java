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
import dev.filtrate.runtime.DeviceTensors;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a stage's teacher says of its batches: computed, or read from a {@link TeacherCache} where
 * the stage has one.
 *
 * <p>A cache holds tokens, not padding, so that a batch can be of any length. Padded rows are those
 * of a text of one token and one padding where the model's padded rows are constant; elsewhere
 * nothing reads them ({@link RecipeChecks} sees to that), and they are 0.
 */
final class TeacherOutputs implements AutoCloseable {
  private final Frozen teacher;
  private final @Nullable TeacherCache cache;

  /** A padded row of each output of tokens, in the order of the columns. */
  private final List<ByteBuffer> padding = new ArrayList<>();

  /**
   * The outputs for a batch, to be closed after the step.
   *
   * @param fed those that come from the host
   * @param onDevice those that the teacher left on the device
   */
  record Given(Map<String, Tensor> fed, DeviceTensors onDevice) implements AutoCloseable {
    @Override
    public void close() {
      onDevice.close();
    }
  }

  private TeacherOutputs(Frozen teacher, @Nullable TeacherCache cache) {
    this.teacher = teacher;
    this.cache = cache;
  }

  /** The teacher as far as the stage's gradients graph takes anything from it. */
  static TeacherOutputs of(Engine engine, Stage stage, Graph gradients, EncodedExamples data) {
    Frozen frozen = Frozen.of(engine, stage, gradients);
    Stage.FrozenTeacher t = stage.teacher().orElse(null);
    Path folder = t == null ? null : t.cache().folder();
    if (t == null || folder == null || frozen.inputs().isEmpty()) {
      return new TeacherOutputs(frozen, null);
    }
    TeacherOutputs outputs = new TeacherOutputs(frozen, null);
    boolean complete = false;
    try {
      Graph graph = StageGraphs.teacher("teacher", t.teacher(), gradients);
      DType type = t.cache().dtype().type();
      TeacherCache cache =
          TeacherCache.open(
              folder, key(graph, t.weights(), data, type), columns(graph), lengths(data), type);
      outputs = new TeacherOutputs(frozen, cache);
      if (t.teacher().model().config().hasConstantPadding()) {
        outputs.takePadding(data.padId());
      }
      complete = true;
      return outputs;
    } finally {
      if (!complete) {
        outputs.close();
      }
    }
  }

  private static List<TeacherCache.Column> columns(Graph teacher) {
    List<TeacherCache.Column> columns = new ArrayList<>();
    for (Value output : teacher.outputs()) {
      List<Dim> dims = output.shape().dims();
      boolean perToken = dims.size() > 1 && dims.get(1).equals(ModelInputs.SEQUENCE);
      int width = 1;
      for (Dim dim : dims.subList(perToken ? 2 : 1, dims.size())) {
        width *= (int) dim.fixed();
      }
      columns.add(new TeacherCache.Column(output.name(), dims.size(), perToken, width));
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
      Graph graph, Map<String, Tensor> weights, EncodedExamples data, DType type) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      sha.update((type + "\n" + graph).getBytes(StandardCharsets.UTF_8));
      for (Value parameter : graph.parameters()) {
        Tensor weight = weights.get(parameter.name());
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
    for (String input : teacher.inputs()) {
      switch (input) {
        case "input_ids" -> feeds.put(input, Tensor.ofLongs(grid, padId, padId));
        case "attention_mask" -> feeds.put(input, Tensor.ofLongs(grid, 1, 0));
        default -> feeds.put(input, Tensor.ofLongs(grid, 0, 0));
      }
    }
    Map<String, Tensor> outputs = teacher.fetched(feeds);
    for (TeacherCache.Column column : columns(cache)) {
      if (column.perToken()) {
        int row = 4 * column.width();
        padding.add(output(outputs, column).slice(row, row));
      }
    }
  }

  private static List<TeacherCache.Column> columns(@Nullable TeacherCache cache) {
    return cache == null ? List.of() : cache.columns();
  }

  private static ByteBuffer output(Map<String, Tensor> outputs, TeacherCache.Column column) {
    Tensor output = outputs.get(column.name());
    if (output == null) {
      throw new IllegalStateException("the teacher has no output " + column.name());
    }
    return output.bytes();
  }

  /** The outputs for a batch. */
  Given of(Batch batch) {
    TeacherCache open = cache;
    if (open == null) {
      return new Given(Map.of(), teacher.outputs(Feeds.of(batch, teacher.inputs())));
    }
    List<ByteBuffer> records = new ArrayList<>();
    Map<String, Tensor> computed = null;
    int[] examples = batch.examples();
    for (int row = 0; row < examples.length; row++) {
      ByteBuffer record = open.get(examples[row]);
      if (record == null) {
        if (computed == null) {
          computed = teacher.fetched(Feeds.of(batch, teacher.inputs()));
        }
        record = open.put(examples[row], record(computed, batch, row));
      }
      records.add(record);
    }
    return new Given(assembled(open.columns(), records, batch), DeviceTensors.empty());
  }

  /** The tokens of a row of a batch. */
  private static int tokens(Batch batch, int row) {
    ByteBuffer mask = batch.attentionMask();
    int tokens = 0;
    while (tokens < batch.length() && mask.getLong(8 * (row * batch.length() + tokens)) == 1) {
      tokens++;
    }
    return tokens;
  }

  private ByteBuffer record(Map<String, Tensor> outputs, Batch batch, int row) {
    int tokens = tokens(batch, row);
    int values = 0;
    for (TeacherCache.Column column : columns(cache)) {
      values += column.values(tokens);
    }
    Tensor record = Tensor.zeros(DType.FLOAT, values);
    ByteBuffer to = record.bytes().duplicate();
    for (TeacherCache.Column column : columns(cache)) {
      int from = 4 * column.values(batch.length()) * row;
      to.put(output(outputs, column).slice(from, 4 * column.values(tokens)));
    }
    return record.bytes();
  }

  private Map<String, Tensor> assembled(
      List<TeacherCache.Column> columns, List<ByteBuffer> records, Batch batch) {
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    int[] read = new int[records.size()];
    int padded = 0;
    for (TeacherCache.Column column : columns) {
      long[] dims = dims(column, batch);
      Tensor output = Tensor.zeros(DType.FLOAT, dims);
      ByteBuffer row = column.perToken() && !padding.isEmpty() ? padding.get(padded++) : null;
      for (int i = 0; i < records.size(); i++) {
        int tokens = tokens(batch, i);
        int bytes = 4 * column.values(tokens);
        int at = 4 * column.values(batch.length()) * i;
        output.bytes().put(at, records.get(i), read[i], bytes);
        read[i] += bytes;
        if (row != null) {
          for (int t = tokens; t < batch.length(); t++) {
            output.bytes().put(at + 4 * column.width() * t, row, 0, row.limit());
          }
        }
      }
      outputs.put(column.name(), output);
    }
    return outputs;
  }

  private static long[] dims(TeacherCache.Column column, Batch batch) {
    if (!column.perToken()) {
      return new long[] {batch.size(), column.width()};
    }
    return column.rank() == 2 // logits of answers
        ? new long[] {batch.size(), batch.length()}
        : new long[] {batch.size(), batch.length(), column.width()};
  }

  @Override
  public void close() {
    teacher.close();
    if (cache != null) {
      cache.close();
    }
  }
}
