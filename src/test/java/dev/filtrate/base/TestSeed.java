package dev.filtrate.base;

/** The seed of tests that draw: another one every time, or the one that is given. */
public final class TestSeed {
  private TestSeed() {}

  /** System property {@code tests.seed}, else the clock. */
  public static long get() {
    String given = System.getProperty("tests.seed", "");
    return given.isBlank() ? System.nanoTime() : Long.parseLong(given);
  }

  /** What to add to a failure's message. */
  public static String hint(long seed) {
    return "; reproduce with -Dtests.seed=" + seed;
  }
}
