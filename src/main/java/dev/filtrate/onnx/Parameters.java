package dev.filtrate.onnx;

import dev.filtrate.graph.Tensor;
import java.util.Map;

/**
 * How a graph's parameters are written.
 *
 * @param style where their data is
 * @param values the data by name, where the style carries data; else empty
 */
public record Parameters(Style style, Map<String, Tensor> values) {
  /** Where the data of parameters is. */
  public enum Style {
    /** Fed at every run: parameters are inputs of the model, after its data inputs. */
    INPUTS,
    /** Inside the model, as initializers; beside it where it would pass protobuf's 2 GiB. */
    EMBEDDED,
    /** In one file beside the model, {@code <model file>_data}. */
    BESIDE,
    /** Initializers of right type and size without data, which the session's owner hands over. */
    DECLARED
  }

  /** Copies the map. */
  public Parameters {
    values = Map.copyOf(values);
  }

  /** Parameters are inputs, as in training graphs. */
  public static Parameters inputs() {
    return new Parameters(Style.INPUTS, Map.of());
  }

  /** Parameters are initializers with their data inside. */
  public static Parameters embedded(Map<String, Tensor> values) {
    return new Parameters(Style.EMBEDDED, values);
  }

  /** Parameters are initializers with their data in a file beside the model. */
  public static Parameters beside(Map<String, Tensor> values) {
    return new Parameters(Style.BESIDE, values);
  }

  /** Parameters are initializers whose data is handed over when a session is made. */
  public static Parameters declared() {
    return new Parameters(Style.DECLARED, Map.of());
  }
}
