package dev.filtrate.base;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.Arrays;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.stat.inference.KolmogorovSmirnovTest;
import org.junit.jupiter.api.Test;

class RandomnessTest {
  @Test
  void sameSeedAndPurposeGiveTheSameNumbersAndOthersGiveOthers() {
    float[] a = draw(7, "init/a", 1000);
    assertArrayEquals(a, draw(7, "init/a", 1000));
    assertNotEquals(a[0], draw(7, "init/b", 1000)[0]);
    assertNotEquals(a[0], draw(8, "init/a", 1000)[0]);
  }

  @Test
  void normalNumbersFollowTheNormalDistributionAlsoInTheTails() {
    double[] x = new double[1_000_000];
    Randomness random = Randomness.of(1, "normal");
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextGaussian();
    }
    NormalDistribution normal = new NormalDistribution();
    double distance = new KolmogorovSmirnovTest().kolmogorovSmirnovStatistic(normal, x);
    // 1.63 / sqrt(n) is the 1 % bound; the seed is fixed, so this does not flicker
    assertEquals(0, distance, 1.63 / Math.sqrt(x.length));
    for (double bound : new double[] {2, 3, 3.654152885361009, 4}) {
      double expected = 2 * x.length * normal.cumulativeProbability(-bound);
      double beyond = Arrays.stream(x).filter(v -> Math.abs(v) > bound).count();
      assertEquals(expected, beyond, 4 * Math.sqrt(expected), "numbers beyond " + bound);
    }
  }

  private static float[] draw(long seed, String purpose, int n) {
    float[] values = new float[n];
    Randomness.of(seed, purpose).fillNormal(values, 0.02);
    return values;
  }
}
