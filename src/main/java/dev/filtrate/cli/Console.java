package dev.filtrate.cli;

import com.google.errorprone.annotations.FormatMethod;
import dev.filtrate.base.Check;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What commands print to: results on standard output, everything about the way there on standard
 * error. On a terminal a progress line is rewritten in place; elsewhere it appears now and then as
 * a plain line, so that logs stay short. Not for several threads at once.
 */
public final class Console {
  /** Set by the launcher: how wide the terminal at standard error is, if there is one. */
  static final String COLUMNS = "filtrate.columns";

  /** Elsewhere than on a terminal, progress is told at most this often. */
  private static final long SPARSE_NANOS = 30_000_000_000L;

  /** On a terminal, the line is rewritten at most this often. */
  private static final long REDRAW_NANOS = 100_000_000L;

  /** What a terminal takes for "stand out", and for the end of it. */
  private static final String BOLD = "\u001b[1m";

  private static final String PLAIN = "\u001b[0m";

  private static final Pattern CONTROLS = Pattern.compile("[\\x00-\\x1f\\x7f-\\x9f&&[^\\n\\t]]");

  private final PrintStream out;
  private final PrintStream err;
  private final int columns;
  private final boolean coloured;
  private boolean quiet;
  private int progressWidth;
  private @Nullable Long lastProgress;

  /**
   * A console on these streams.
   *
   * @param columns how wide the terminal is that somebody watches; 0 = none
   */
  public Console(PrintStream out, PrintStream err, int columns) {
    this(out, err, columns, false);
  }

  /**
   * A console that may be in colours.
   *
   * @param coloured whether names stand out on a terminal
   */
  Console(PrintStream out, PrintStream err, int columns, boolean coloured) {
    this.out = out;
    this.err = err;
    this.columns = columns;
    this.coloured = coloured && columns > 0;
  }

  /**
   * The process's own. Whether standard error is a terminal only the launcher knows, which says how
   * wide it is. {@code NO_COLOR} that is set to anything leaves out colours, a dumb terminal also
   * has no lines rewritten.
   */
  static Console system() {
    String noColor = System.getenv("NO_COLOR");
    boolean coloured = noColor == null || noColor.isEmpty();
    int columns = "dumb".equals(System.getenv("TERM")) ? 0 : Integer.getInteger(COLUMNS, 0);
    return new Console(System.out, System.err, columns, coloured);
  }

  /** Leaves out notes and progress from now on; results and errors stay. */
  void beQuiet() {
    quiet = true;
  }

  /** Whether lines may be rewritten. */
  public boolean isTerminal() {
    return columns > 0;
  }

  /** Prints a line of a result on standard output. */
  public void print(String line) {
    clearProgress();
    out.println(line);
  }

  /** Prints a formatted line of a result on standard output. */
  @FormatMethod
  public void printf(String format, @Nullable Object... arguments) {
    print(String.format(format, arguments));
  }

  /** Tells what goes on, on standard error, unless quiet. */
  public void note(String line) {
    note("", line);
  }

  /** The same with what it is about at its front, which stands out where there are colours. */
  void note(String about, String rest) {
    if (!quiet) {
      clearProgress();
      err.println(bold(harmless(about)) + harmless(rest));
    }
  }

  private String bold(String text) {
    return coloured && !text.isEmpty() ? BOLD + text + PLAIN : text;
  }

  /** Tells what is wrong, on standard error. */
  void error(String line) {
    clearProgress();
    err.println(harmless(line));
  }

  /** Without what a terminal takes for commands: names in messages are whatever a file says. */
  private static String harmless(String line) {
    return CONTROLS.matcher(line).replaceAll("?");
  }

  /** Prints a stack trace on standard error. */
  void trace(Throwable thrown) {
    clearProgress();
    thrown.printStackTrace(err);
  }

  /** Shows how far something is; may be called as often as there is news. */
  public void progress(String line) {
    progress("", line, System.nanoTime());
  }

  /** The same with what it is about at its front, which stands out where there are colours. */
  void progress(String about, String rest) {
    progress(about, rest, System.nanoTime());
  }

  /** As {@link #progress(String)} at a given time, in nanoseconds. */
  void progress(String line, long now) {
    progress("", line, now);
  }

  private void progress(String about, String rest, long now) {
    Long last = lastProgress;
    if (quiet || (last != null && now - last < (isTerminal() ? REDRAW_NANOS : SPARSE_NANOS))) {
      return;
    }
    lastProgress = now;
    String line = about + rest;
    if (!isTerminal()) {
      err.println(line);
      return;
    }
    String cut = line.length() < columns ? line : line.substring(0, columns - 1); // never two lines
    int front = Math.min(about.length(), cut.length());
    String shown = bold(cut.substring(0, front)) + cut.substring(front);
    err.print("\r" + shown + " ".repeat(Math.max(0, progressWidth - cut.length())));
    err.flush();
    progressWidth = cut.length();
  }

  /** Ends a progress line; the next one starts afresh. */
  public void endProgress() {
    clearProgress();
    lastProgress = null;
  }

  private void clearProgress() {
    if (progressWidth > 0) {
      err.print("\r" + " ".repeat(progressWidth) + "\r");
      err.flush();
      progressWidth = 0;
    }
  }

  /**
   * Prints a table on standard output: columns as wide as needed, two spaces between them. Columns
   * whose cells all start with a digit or a sign are right-aligned, their heads too.
   */
  public void table(List<String> head, List<List<String>> rows) {
    List<Integer> widths = new ArrayList<>();
    List<Boolean> numbers = new ArrayList<>();
    for (int c = 0; c < head.size(); c++) {
      int width = head.get(c).length();
      boolean number = !rows.isEmpty();
      for (List<String> row : rows) {
        Check.argument(row.size() == head.size(), "%d cells below %s", row.size(), head);
        width = Math.max(width, row.get(c).length());
        number &= row.get(c).isEmpty() || row.get(c).matches("[-+±]?[0-9].*|[-–]");
      }
      widths.add(width);
      numbers.add(number);
    }
    print(line(head, widths, numbers));
    print("-".repeat(widths.stream().mapToInt(w -> w + 2).sum() - 2));
    rows.forEach(row -> print(line(row, widths, numbers)));
  }

  private static String line(List<String> cells, List<Integer> widths, List<Boolean> numbers) {
    StringBuilder line = new StringBuilder();
    for (int c = 0; c < cells.size(); c++) {
      String pad = " ".repeat(widths.get(c) - cells.get(c).length());
      line.append(c == 0 ? "" : "  ");
      line.append(numbers.get(c) ? pad + cells.get(c) : cells.get(c) + pad);
    }
    return line.toString().stripTrailing();
  }
}
