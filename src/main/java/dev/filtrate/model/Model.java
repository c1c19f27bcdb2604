package dev.filtrate.model;

import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model: an encoder of some config, a head, and filters if it has any.
 *
 * @param config the encoder, its sizes and labels
 * @param head what sits on it
 * @param filters side branches of Stage I and Stage II
 */
public record Model(ModelConfig config, Head head, Optional<Filters> filters) {
  /**
   * What a model delivers. Emitting costs nothing: what a graph's outputs do not need is dropped
   * when it is built, so one definition serves fine-tuning, filter learning, distillation and
   * export.
   *
   * @param hiddenStates L+1 values {@code [B, S, H]}
   * @param filterInputs what Stage I reads of the K states below the filters: {@code [B, H]} of the
   *     first token, or {@code [B, S, H]} where the head reads every token
   * @param filterStates K values {@code [B, S, F]}; none without filters
   * @param logits by name: {@code logits [B, C]}, or {@code start_logits} and {@code end_logits [B,
   *     S]}
   * @param filterLogits the same from each of the filter inputs, through its filter and Stage I's
   *     own heads
   */
  public record Outputs(
      List<Value> hiddenStates,
      List<Value> filterInputs,
      List<Value> filterStates,
      Map<String, Value> logits,
      List<Map<String, Value>> filterLogits) {
    /** Copies the lists. */
    public Outputs {
      hiddenStates = List.copyOf(hiddenStates);
      filterInputs = List.copyOf(filterInputs);
      filterStates = List.copyOf(filterStates);
      filterLogits = List.copyOf(filterLogits);
    }
  }

  /** The same model with these filters. */
  public Model with(Filters with) {
    return new Model(config, head, Optional.of(with));
  }

  /** The same model without filters. */
  public Model withoutFilters() {
    return new Model(config, head, Optional.empty());
  }

  /** The same model without dropout in its encoder; that of the heads stays. */
  public Model withoutEncoderDropout() {
    return new Model(config.withoutEncoderDropout(), head, filters);
  }

  /** Emits the model; {@code training} adds dropout. */
  public Outputs emit(GraphBuilder g, ModelInputs in, boolean training) {
    return emit(g.ops(), in, training);
  }

  /** Emits the model below a scope (a joined graph holds two). */
  public Outputs emit(Ops op, ModelInputs in, boolean training) {
    Encoder.States states = config.encoder().encode(op, in, training);
    List<Value> below = filters.map(f -> f.below(states)).orElse(List.of());
    List<Value> filtered = filtered(op, below);
    Map<String, Value> logits = head.logits(op, config, states.last(), training);
    List<Value> read = new ArrayList<>();
    for (int k = 0; k < below.size(); k++) {
      read.add(head.read(op.in("filter_inputs." + k), below.get(k)));
    }
    return new Outputs(
        states.hiddenStates(), read, filtered, logits, filterLogits(op, read, training));
  }

  /** Emits what is above the filter inputs alone, the filter logits. */
  public Outputs emit(Ops op, List<Value> filterInputs, boolean training) {
    return new Outputs(
        List.of(), filterInputs, List.of(), Map.of(), filterLogits(op, filterInputs, training));
  }

  private List<Value> filtered(Ops op, List<Value> states) {
    return filters.map(f -> f.apply(op, config, states)).orElse(List.of());
  }

  private List<Map<String, Value>> filterLogits(
      Ops op, List<Value> filterInputs, boolean training) {
    List<Value> filtered = filtered(op, filterInputs);
    List<Map<String, Value>> logits = new ArrayList<>();
    for (int k = 0; k < filtered.size(); k++) {
      logits.add(head.filterLogits(op, config, k, filtered.get(k), training));
    }
    return logits;
  }
}
