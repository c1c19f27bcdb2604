package dev.filtrate.data.squad;

import dev.filtrate.base.Check;

/**
 * How questions are asked and answers are found, under the released names.
 *
 * @param version2WithNegative whether a question may be without an answer (SQuAD 2.0)
 * @param docStride a context that is too long is cut into windows that share so many tokens
 * @param nBestSize so many starts and ends of a window are tried, and so many answers are kept
 * @param maxAnswerLength the most tokens of an answer
 * @param nullScoreDiffThreshold a question is not answered if "no answer" scores higher by more
 * @param tuneNullScore whether the threshold is instead the one with the best F1 on the validation
 *     questions
 */
public record SquadSettings(
    boolean version2WithNegative,
    int docStride,
    int nBestSize,
    int maxAnswerLength,
    double nullScoreDiffThreshold,
    boolean tuneNullScore) {
  /** Checks the ranges. */
  public SquadSettings {
    Check.argument(
        docStride >= 0 && nBestSize > 0 && maxAnswerLength > 0,
        "%d, %d, %d",
        docStride,
        nBestSize,
        maxAnswerLength);
  }

  /** The released values. */
  public static SquadSettings released(boolean version2WithNegative) {
    return new SquadSettings(version2WithNegative, 128, 20, 30, 0, false);
  }
}
