package dev.filtrate.runtime;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a session computes and its tensors live. Text form: {@code cpu}, {@code cuda} (the first
 * one), {@code cuda:1}.
 *
 * @param isCuda whether it is a CUDA device, not the CPU
 * @param index which CUDA device, from 0; 0 for the CPU
 */
public record Device(boolean isCuda, int index) {
  /** The host's processor and memory. */
  public static final Device CPU = new Device(false, 0);

  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,4}))?");

  /** Checks the index. */
  public Device {
    Check.argument(index >= 0 && (isCuda || index == 0), "no device of index %d", index);
  }

  /** The CUDA device of an index. */
  public static Device cuda(int index) {
    return new Device(true, index);
  }

  /** Reads the text form; throws {@link UserError} if it is none. */
  public static Device parse(String text) {
    Matcher cuda = CUDA.matcher(text);
    if (cuda.matches()) {
      String index = cuda.group(1);
      return cuda(index == null ? 0 : Integer.parseInt(index));
    }
    if (text.equals("cpu")) {
      return CPU;
    }
    throw new UserError("device: expected cpu, cuda or cuda:<number>, got \"" + text + "\"");
  }

  @Override
  public String toString() {
    return isCuda ? "cuda:" + index : "cpu";
  }
}
