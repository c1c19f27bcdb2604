package dev.filtrate.data.batch;

import dev.filtrate.base.Check;

/**
 * How batches are cut.
 *
 * @param batchSize the number of examples in a batch
 * @param padToMultipleOf a batch is as long as its longest text, rounded up to a multiple of this;
 *     1: not rounded
 * @param padToLength every batch has this length; 0: as long as its longest text
 * @param groupByLength whether texts of like length share a batch
 */
public record BatchOptions(
    int batchSize, int padToMultipleOf, int padToLength, boolean groupByLength) {

  /** Checks the ranges. */
  public BatchOptions {
    Check.argument(batchSize > 0, "batch size: expected > 0, got %d", batchSize);
    Check.argument(padToMultipleOf > 0, "pad to multiple: expected > 0, got %d", padToMultipleOf);
    Check.argument(padToLength >= 0, "pad to length: expected >= 0, got %d", padToLength);
  }

  /** Batches padded to their longest text, grouped by length. */
  public static BatchOptions of(int batchSize) {
    return new BatchOptions(batchSize, 1, 0, true);
  }

  /** The length of a batch whose longest text has so many tokens. */
  int length(int longest) {
    Check.argument(
        padToLength == 0 || longest <= padToLength,
        "a text of %d tokens does not fit the fixed length %d",
        longest,
        padToLength);
    return padToLength > 0
        ? padToLength
        : (longest + padToMultipleOf - 1) / padToMultipleOf * padToMultipleOf;
  }
}
