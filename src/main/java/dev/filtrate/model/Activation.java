package dev.filtrate.model;

import dev.filtrate.base.UserError;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Value;

/** The activations of Hugging Face configs ({@code hidden_act}), by their names there. */
enum Activation {
  /** x·Φ(x), exact. */
  GELU,
  /** The tanh approximation of gelu (Hendrycks and Gimpel 2016, section 2). */
  GELU_NEW,
  RELU,
  /** x·σ(x). */
  SILU,
  TANH,
  LINEAR;

  /** The activation of a config's name; throws {@link UserError} naming those there are. */
  static Activation of(String name, String where) {
    return switch (name) {
      case "gelu", "gelu_python" -> GELU;
      case "gelu_new", "gelu_pytorch_tanh" -> GELU_NEW;
      case "relu" -> RELU;
      case "silu", "swish" -> SILU;
      case "tanh" -> TANH;
      case "linear" -> LINEAR;
      default ->
          throw new UserError(
              where
                  + ": the activation '"
                  + name
                  + "' is not supported; use one of gelu, gelu_new, gelu_pytorch_tanh, relu, silu,"
                  + " tanh, linear");
    };
  }

  Value apply(Ops op, Value x) {
    return switch (this) {
      case GELU -> op.gelu(x);
      case GELU_NEW -> {
        Value cubed = op.mul(op.mul(op.mul(x, x), x), 0.044715);
        Value inner = op.mul(op.add(x, cubed), Math.sqrt(2 / Math.PI));
        yield op.mul(op.mul(x, op.add(op.tanh(inner), 1)), 0.5);
      }
      case RELU -> op.relu(x);
      case SILU -> op.mul(x, op.sigmoid(x));
      case TANH -> op.tanh(x);
      case LINEAR -> x;
    };
  }
}
