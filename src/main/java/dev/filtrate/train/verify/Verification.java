package dev.filtrate.train.verify;

import dev.filtrate.onnx.Target;
import dev.filtrate.train.Engine;
import java.util.List;

/**
 * A reference case computed again, and what came of it.
 *
 * @param name the case's
 * @param target with whose operators it was computed
 * @param quantities everything that was compared, in the order of computation
 */
public record Verification(String name, Target target, List<Quantity> quantities) {
  /** Copies the list. */
  public Verification {
    quantities = List.copyOf(quantities);
  }

  /** Computes and compares everything in a case, on the runtime, as training does it. */
  public static Verification of(ReferenceCase reference, Engine engine) {
    return new Verification(reference.name(), engine.target(), reference.compare(engine));
  }

  /** What does not hold. */
  public List<Quantity> failures() {
    return quantities.stream().filter(q -> !q.ok()).toList();
  }

  /** Whether everything holds. */
  public boolean ok() {
    return failures().isEmpty();
  }
}
