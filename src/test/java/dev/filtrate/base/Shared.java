package dev.filtrate.base;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/**
 * The folder of shared reference material, {@code ../shared} beside the checkout; the system
 * property {@code filtrate.shared} or the environment variable {@code FILTRATE_SHARED} names
 * another place.
 */
public final class Shared {
  private Shared() {}

  /** A file or folder of the shared material; without it the calling test is skipped. */
  public static Path path(String relative) {
    String property = System.getProperty("filtrate.shared");
    String variable = System.getenv("FILTRATE_SHARED");
    Path root = Path.of(property != null ? property : variable != null ? variable : "../shared");
    Path path = root.resolve(relative);
    Assumptions.assumeTrue(Files.exists(path), () -> "skipped: no " + path);
    return path;
  }
}
