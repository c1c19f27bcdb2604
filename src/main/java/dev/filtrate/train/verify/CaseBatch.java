package dev.filtrate.train.verify;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Head;
import dev.filtrate.model.ModelConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A stored batch: {@code input_ids}, {@code attention_mask}, perhaps {@code token_type_ids}, int64
 * {@code [B, S]}; {@code labels} int64 or float {@code [B]} or float {@code [B, C]}, or {@code
 * start_positions} and {@code end_positions} int64 {@code [B]}.
 *
 * @param columns by name
 * @param where file and step, for errors
 */
record CaseBatch(Map<String, Tensor> columns, String where) {
  private static final List<String> GRIDS =
      List.of("input_ids", "attention_mask", "token_type_ids");

  /** The batches of {@code batches.safetensors}, whose tensors are called {@code step.column}. */
  static List<CaseBatch> readAll(CaseFile file, int steps) {
    List<CaseBatch> batches = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      String prefix = i + ".";
      Map<String, Tensor> columns = new LinkedHashMap<>();
      file.tensors()
          .forEach(
              (name, tensor) -> {
                if (name.startsWith(prefix)) {
                  columns.put(name.substring(prefix.length()), tensor);
                }
              });
      Check.user(
          !columns.isEmpty(),
          "%s: expected the batches of %d steps, found none of step %d",
          file.path(),
          steps,
          i);
      batches.add(new CaseBatch(columns, file.path() + ": step " + i));
    }
    return batches;
  }

  /** The head that these labels are for. */
  Head head() {
    if (columns.containsKey("start_positions")) {
      return Head.QUESTION_ANSWERING;
    }
    Tensor labels = columns.get("labels");
    if (labels == null) {
      throw UserError.of(
          "%s: expected labels, or start_positions and end_positions, found none of them", where);
    }
    Check.user(
        labels.dims().length == 1 || labels.type() == DType.FLOAT,
        "%s: the labels %s are those of a language model; classification, regression and extractive"
            + " question answering are supported",
        where,
        labels);
    return Head.SEQUENCE_CLASSIFICATION;
  }

  /** Throws a {@link UserError} unless a model can take this batch. */
  CaseBatch check(ModelConfig config, Head head) {
    long[] grid = shape();
    column("input_ids", DType.INT64, grid, config.common().vocabSize());
    column("attention_mask", DType.INT64, grid, 2);
    if (columns.containsKey("token_type_ids")) {
      column("token_type_ids", DType.INT64, grid, Math.max(1, config.common().typeVocabSize()));
    }
    long[] rows = {grid[0]};
    if (head == Head.QUESTION_ANSWERING) {
      column("start_positions", DType.INT64, rows, Long.MAX_VALUE);
      column("end_positions", DType.INT64, rows, Long.MAX_VALUE);
    } else {
      long labels = config.numLabels();
      switch (config.problemType()) {
        case SINGLE_LABEL_CLASSIFICATION -> column("labels", DType.INT64, rows, labels);
        case REGRESSION -> column("labels", DType.FLOAT, rows, Long.MAX_VALUE);
        case MULTI_LABEL_CLASSIFICATION ->
            column("labels", DType.FLOAT, new long[] {grid[0], labels}, Long.MAX_VALUE);
      }
    }
    Check.user(
        grid[1] <= config.longest().orElse(Integer.MAX_VALUE),
        "%s: %d tokens, but the model has %d positions",
        where,
        grid[1],
        config.longest().orElse(0));
    return this;
  }

  private long[] shape() {
    Tensor ids = columns.get("input_ids");
    Check.user(
        ids != null && ids.dims().length == 2 && ids.size() > 0,
        "%s: expected input_ids of int64 [batch, sequence], found %s",
        where,
        ids == null ? "none" : ids);
    return Objects.requireNonNull(ids).dims();
  }

  /** Throws unless there is such a column with integers below {@code bound}. */
  private void column(String name, DType type, long[] dims, long bound) {
    @Nullable Tensor tensor = columns.get(name);
    if (tensor == null || tensor.type() != type || !Arrays.equals(tensor.dims(), dims)) {
      throw UserError.of(
          "%s: '%s': expected %s %s, found %s",
          where, name, type, Arrays.toString(dims), tensor == null ? "none" : tensor);
    }
    for (int i = 0; type == DType.INT64 && i < tensor.size(); i++) {
      long value = tensor.longs().get(i);
      boolean inside = value < bound && (value >= 0 || !GRIDS.contains(name));
      Check.user(
          inside, "%s: '%s': expected numbers below %d, found %d", where, name, bound, value);
    }
  }

  /** The columns that a graph asks for; segments are 0 where the case has none. */
  Map<String, Tensor> feeds(Collection<String> wanted) {
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (String input : wanted) {
      Tensor column = columns.get(input);
      if (column != null) {
        feeds.put(input, column);
      } else if (input.equals("token_type_ids")) {
        feeds.put(input, Tensor.zeros(DType.INT64, shape()));
      }
    }
    return feeds;
  }

  /** Whether the token at a place of {@code [B, S]} is no padding. */
  boolean isToken(int place) {
    Tensor mask = columns.get("attention_mask");
    return mask == null || mask.longs().get(place) != 0;
  }
}
