package dev.filtrate.base;

import com.google.errorprone.annotations.FormatMethod;
import org.jspecify.annotations.Nullable;

/** Checks that name what is wrong. */
public final class Check {
  private Check() {}

  /**
   * Throws {@link IllegalArgumentException} (a caller's mistake) unless {@code condition} holds.
   */
  @FormatMethod
  public static void argument(boolean condition, String format, @Nullable Object... arguments) {
    if (!condition) {
      throw new IllegalArgumentException(String.format(format, arguments));
    }
  }

  /** Throws {@link IllegalStateException} (misuse of an object) unless {@code condition} holds. */
  @FormatMethod
  public static void state(boolean condition, String format, @Nullable Object... arguments) {
    if (!condition) {
      throw new IllegalStateException(String.format(format, arguments));
    }
  }

  /** Throws {@link UserError} (bad input) unless {@code condition} holds. */
  @FormatMethod
  public static void user(boolean condition, String format, @Nullable Object... arguments) {
    if (!condition) {
      throw new UserError(String.format(format, arguments));
    }
  }
}
