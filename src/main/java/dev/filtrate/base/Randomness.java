package dev.filtrate.base;

import java.util.SplittableRandom;

/**
 * The one source of randomness. A stream is a function of a seed and a purpose (and a step, where
 * there is one), so that everything random can be computed again: initial weights, data order,
 * splits, dropout.
 */
public final class Randomness {
  private final SplittableRandom random;

  private Randomness(long seed) {
    this.random = new SplittableRandom(seed);
  }

  /** The stream of a purpose, such as {@code "init/classifier.weight"}, under a seed. */
  public static Randomness of(long seed, String purpose) {
    return new Randomness(seedOf(seed, purpose, 0));
  }

  /** The seed of one step of a purpose: the same three values always give the same number. */
  public static long seedOf(long seed, String purpose, long step) {
    long hash = 0xcbf29ce484222325L; // FNV-1a over the purpose, then mixed with seed and step
    for (int i = 0; i < purpose.length(); i++) {
      hash = (hash ^ purpose.charAt(i)) * 0x100000001b3L;
    }
    return mix(mix(hash ^ mix(seed)) + step);
  }

  private static long mix(long z) { // the finaliser of splitmix64
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /** A uniform integer in {@code [0, bound)}. */
  public int nextInt(int bound) {
    return random.nextInt(bound);
  }

  /** A uniform number in {@code [0, 1)}. */
  public double nextDouble() {
    return random.nextDouble();
  }

  /** A standard normal number (polar method of Marsaglia). */
  public double nextGaussian() {
    while (true) {
      double u = 2 * random.nextDouble() - 1;
      double v = 2 * random.nextDouble() - 1;
      double s = u * u + v * v;
      if (s > 0 && s < 1) {
        return u * Math.sqrt(-2 * Math.log(s) / s);
      }
    }
  }

  /** Shuffles in place (Fisher and Yates). */
  public void shuffle(int[] values) {
    for (int i = values.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int t = values[i];
      values[i] = values[j];
      values[j] = t;
    }
  }
}
