package dev.filtrate.weights;

import dev.filtrate.base.Randomness;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.Positions;
import java.nio.FloatBuffer;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Fresh parameters as Hugging Face's {@code _init_weights} makes them, TED's filters included:
 * weights of rank 2 and more (linear, embedding, convolution) from N(0, initializer_range²), the
 * padding token's row of the word embeddings 0 (of RoBERTa's position embeddings too), sinusoids
 * where a DistilBERT asks for them, biases 0, LayerNorm's weight 1. A value depends on the seed and
 * the parameter's name only, not on which other parameters there are or in which order they are
 * asked for.
 *
 * @param seed of the run
 * @param initializerRange the standard deviation
 * @param padTokenId the row of {@code word_embeddings.weight} that is 0; none if out of range
 * @param positions how the table of positions starts
 */
public record Initialization(
    long seed, double initializerRange, int padTokenId, Positions positions) {
  /** The initialisation that a config asks for. */
  public static Initialization of(ModelConfig config, long seed) {
    return new Initialization(
        seed, config.common().initializerRange(), config.common().padTokenId(), config.positions());
  }

  /** All of these parameters, by name, in their order. */
  public Map<String, Tensor> initialize(Collection<Value> parameters) {
    Map<String, Tensor> all = new LinkedHashMap<>();
    parameters.forEach(p -> all.put(p.name(), initialize(p)));
    return all;
  }

  /** A fresh float32 tensor for a parameter of known shape. */
  public Tensor initialize(Value parameter) {
    Tensor tensor = Tensor.zeros(DType.FLOAT, parameter.shape().fixed());
    boolean words = parameter.name().endsWith("word_embeddings.weight");
    boolean table = parameter.name().endsWith("position_embeddings.weight");
    if (table && positions == Positions.SINUSOIDAL) {
      long[] dims = tensor.dims();
      tensor.floats().put(Positions.sinusoids((int) dims[0], (int) dims[1]));
    } else if (parameter.rank() >= 2) {
      fillNormal(tensor.floats(), Randomness.of(seed, "init/" + parameter.name()));
      if (words || (table && positions == Positions.AFTER_PADDING)) {
        zeroRow(tensor);
      }
    } else if (parameter.name().endsWith("weight")) { // of a normalisation
      FloatBuffer ones = tensor.floats();
      while (ones.hasRemaining()) {
        ones.put(1);
      }
    }
    return tensor;
  }

  private void fillNormal(FloatBuffer out, Randomness random) {
    float[] piece = new float[Math.min(out.remaining(), 1 << 14)];
    while (out.hasRemaining()) {
      random.fillNormal(piece, initializerRange);
      out.put(piece, 0, Math.min(piece.length, out.remaining()));
    }
  }

  private void zeroRow(Tensor embeddings) {
    long[] dims = embeddings.dims();
    if (padTokenId >= 0 && padTokenId < dims[0]) {
      int width = (int) dims[1];
      embeddings.floats().put(padTokenId * width, new float[width]);
    }
  }
}
