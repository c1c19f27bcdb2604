package dev.filtrate.model;

import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import java.util.List;

/** A stack of transformer layers, and how its family pools a sequence. */
public interface Encoder {
  /**
   * What the layers deliver.
   *
   * @param hiddenStates L+1 values {@code [B, S, H]}; 0 = output of the embeddings
   * @param layerOutputs L values {@code [B, S, H]}: where filters sit, the layers' own outputs.
   *     They are the hidden states 1 to L but for DeBERTa-v2's first one, to which a convolution is
   *     added after the filter.
   */
  record States(List<Value> hiddenStates, List<Value> layerOutputs) {
    /** Copies the lists. */
    public States {
      hiddenStates = List.copyOf(hiddenStates);
      layerOutputs = List.copyOf(layerOutputs);
    }

    /** The last hidden state. */
    public Value last() {
      return hiddenStates.get(hiddenStates.size() - 1);
    }
  }

  /** Emits embeddings and layers. */
  States encode(Ops op, ModelInputs in, boolean training);

  /**
   * The sequence's first token, made ready for the classifier: the checkpoint's own pooler, with
   * the parameters at its place ({@code bert.pooler.dense}, {@code pooler.dense}). {@code [B, S,
   * H]} to {@code [B, H]}, dropout included.
   */
  Value pool(Ops op, Value lastHiddenState, boolean training);

  /**
   * The same for a filtered state of Stage I, with parameters {@code dense} in the scope of {@code
   * op}: {@code [B, S, F]} to {@code [B, F]}, dropout included.
   */
  Value poolFiltered(Ops op, Value filtered, boolean training);
}
