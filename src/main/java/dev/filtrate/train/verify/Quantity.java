package dev.filtrate.train.verify;

/**
 * Something that was computed and compared with its reference.
 *
 * @param name what it is: {@code hidden_states.2}, {@code grad.classifier.bias}, {@code ted: loss}
 * @param difference the largest absolute difference of its entries; NaN if one of them is not a
 *     number. Of losses over several steps the one that comes closest to its tolerance.
 * @param tolerance how large the difference may be
 * @param at where it is: the entry's indices ({@code [3, 0]}), or the step
 */
public record Quantity(String name, double difference, double tolerance, String at) {
  /** Whether it holds. */
  public boolean ok() {
    return difference <= tolerance; // not so for NaN
  }
}
