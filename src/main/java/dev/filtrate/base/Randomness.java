package dev.filtrate.base;

import java.util.SplittableRandom;

/**
 * The one source of randomness. A stream is a function of a seed and a purpose (and a step, where
 * there is one), so that everything random can be computed again: initial weights, data order,
 * splits, dropout.
 */
public final class Randomness {
  // The ziggurat: LAYERS pieces of equal AREA under exp(-x²/2), x >= 0. Piece 0 is the tail from
  // TAIL on and the strip below it. StrictMath, so that every platform draws the same numbers.
  private static final int LAYERS = 256;
  private static final double TAIL = 3.654152885361009;
  private static final double AREA = 0.004928673233974658;
  private static final double[] EDGES = edges();

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

  /** A standard normal number (ziggurat method of Marsaglia and Tsang, in doubles). */
  public double nextGaussian() {
    while (true) {
      long bits = random.nextLong();
      int layer = (int) bits & (LAYERS - 1); // low bits: not those that make the double below
      double u = (bits >> 11) * 0x1.0p-52; // uniform in [-1, 1)
      double x = u * EDGES[layer];
      if (Math.abs(x) < EDGES[layer + 1]) {
        return x; // under the curve wherever in its layer: 98 of 100 times
      }
      if (layer == 0) {
        return Math.copySign(tail(), u);
      }
      double outer = density(EDGES[layer]);
      double inner = density(EDGES[layer + 1]);
      if (outer + random.nextDouble() * (inner - outer) < density(x)) {
        return x;
      }
    }
  }

  /** Fills with independent normal numbers of mean 0; some 100 million in a second. */
  public void fillNormal(float[] values, double standardDeviation) {
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (standardDeviation * nextGaussian());
    }
  }

  /** A normal number given that it is over {@link #TAIL} (Marsaglia's exponential rejection). */
  private double tail() {
    while (true) {
      double x = -StrictMath.log(1 - random.nextDouble()) / TAIL;
      double y = -StrictMath.log(1 - random.nextDouble());
      if (2 * y > x * x) {
        return TAIL + x;
      }
    }
  }

  private static double[] edges() {
    double[] x = new double[LAYERS + 1];
    x[0] = AREA / density(TAIL); // as wide as a strip of this height must be to have the area
    x[1] = TAIL;
    for (int i = 2; i < LAYERS; i++) {
      x[i] = Math.sqrt(-2 * StrictMath.log(AREA / x[i - 1] + density(x[i - 1])));
    }
    return x; // x[LAYERS] = 0: the top
  }

  private static double density(double x) {
    return StrictMath.exp(-0.5 * x * x);
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
