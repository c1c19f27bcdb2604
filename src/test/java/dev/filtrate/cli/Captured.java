package dev.filtrate.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A console whose streams are kept, and command lines run on it. */
final class Captured {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  final Console console;

  Captured(int columns) {
    console = new Console(stream(out), stream(err), columns);
  }

  private static PrintStream stream(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }

  String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  /** What a command line did. */
  record Outcome(int code, String out, String err) {}

  /** Runs the program's own commands. */
  static Outcome filtrate(String... arguments) {
    return run(Commands.all(), arguments);
  }

  static Outcome run(Commands commands, String... arguments) {
    Captured captured = new Captured(0);
    int code = new Main(commands, captured.console).run(List.of(arguments));
    return new Outcome(code, captured.out(), captured.err());
  }
}
