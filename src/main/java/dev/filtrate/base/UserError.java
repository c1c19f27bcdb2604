package dev.filtrate.base;

import com.google.errorprone.annotations.FormatMethod;
import org.jspecify.annotations.Nullable;

/**
 * Something the user can mend: a file, a flag, a recipe, a model, a line of data. The message is
 * one sentence that says where, what was expected, what was found and what to do; the command line
 * prints it without a stack trace and exits with code 2.
 */
public final class UserError extends RuntimeException {
  /** An error with a finished message. */
  public UserError(String message) {
    super(message);
  }

  /** An error with a finished message and what led to it. */
  public UserError(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** An error whose message is formatted as {@link String#format} does. */
  @FormatMethod
  public static UserError of(String format, @Nullable Object... arguments) {
    return new UserError(String.format(format, arguments));
  }
}
