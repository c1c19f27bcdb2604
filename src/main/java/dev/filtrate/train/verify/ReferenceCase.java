package dev.filtrate.train.verify;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.train.Engine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A model (or a teacher and a student) with inputs, and what another implementation computed from
 * them: a folder in one of two layouts. Both are in the Hugging Face layout, float32, with every
 * dropout 0.
 *
 * <ul>
 *   <li>Plain: {@code config.json}, {@code model.safetensors}; {@code reference.safetensors} with a
 *       batch, logits, hidden states, loss and gradients; {@code batches.safetensors}, {@code
 *       trajectory.json} and {@code final.safetensors} with a training trajectory.
 *   <li>TED: {@code teacher/} and {@code student/} with a model and its filters each, {@code
 *       batches.safetensors}, and {@code trajectory.json} with the losses of Stage I of both and of
 *       Stage II by TED, LWD and KD. Its {@code kl_over} says what a KL is over: the classes
 *       ({@code last_axis}), the {@code batch}, or each of several {@code labels} by itself.
 * </ul>
 */
public sealed interface ReferenceCase permits PlainCase, TedCase {
  /**
   * Reads a case; its tensors stay views of the files.
   *
   * @throws UserError if there is none, if a part of it is missing or damaged, or if its
   *     architecture or task is not supported
   */
  static ReferenceCase read(Path folder) {
    Check.user(Files.isDirectory(folder), "%s: no such folder; expected a reference case", folder);
    if (Files.isDirectory(folder.resolve("teacher"))) {
      return TedCase.read(folder);
    }
    Check.user(
        Files.exists(folder.resolve("config.json")),
        "%s: not a reference case: expected config.json and reference.safetensors, or the folders"
            + " teacher and student",
        folder);
    return PlainCase.read(folder);
  }

  /** The folder's name. */
  String name();

  /** Computes everything that the case has a reference for, and compares. */
  List<Quantity> compare(Engine engine);
}
