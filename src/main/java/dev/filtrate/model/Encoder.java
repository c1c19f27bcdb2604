package dev.filtrate.model;

import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.List;

/** Embeddings and a stack of transformer layers. */
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

    /** The states of layers that follow one another, from the embeddings' output. */
    static States of(Value embedded, int layers, Layer layer) {
      List<Value> states = new ArrayList<>(List.of(embedded));
      for (int i = 0; i < layers; i++) {
        states.add(layer.emit(states.get(i), i));
      }
      return new States(states, states.subList(1, states.size()));
    }

    /** The last hidden state. */
    public Value last() {
      return hiddenStates.get(hiddenStates.size() - 1);
    }
  }

  /** A layer by its number, from 0. */
  @FunctionalInterface
  interface Layer {
    /** {@code [B, S, H]} to {@code [B, S, H]}. */
    Value emit(Value h, int number);
  }

  /** Emits embeddings and layers. */
  States encode(Ops op, ModelInputs in, boolean training);
}
