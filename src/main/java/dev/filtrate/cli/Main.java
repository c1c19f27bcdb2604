package dev.filtrate.cli;

import dev.filtrate.base.UserError;
import dev.filtrate.base.Version;
import dev.filtrate.train.Stopped;
import java.util.List;
import org.apache.commons.cli.CommandLine;

/** {@code filtrate}: finds the command, runs it, and turns what happens into an exit code. */
public final class Main {
  /** Bad input. */
  static final int BAD_INPUT = 2;

  /** A defect of this program, or the machine's limits. */
  static final int BROKEN = 3;

  /** Ended by Ctrl-C, with a checkpoint. */
  static final int STOPPED = 130;

  private final Commands commands;
  private final Console console;
  private final Help help;

  Main(Commands commands, Console console) {
    this.commands = commands;
    this.console = console;
    this.help = new Help(commands, console);
  }

  /** The program. */
  public static void main(String[] arguments) {
    System.exit(new Main(Commands.all(), Console.system()).run(List.of(arguments)));
  }

  /** Runs one command line and returns the exit code. */
  int run(List<String> arguments) {
    boolean debug = arguments.contains("--" + Flags.DEBUG);
    try {
      return dispatch(arguments);
    } catch (UserError e) {
      console.error("filtrate: " + e.getMessage());
      return failed(BAD_INPUT, e, debug);
    } catch (Stopped e) { // StopSignal said so already
      return STOPPED;
    } catch (OutOfMemoryError e) {
      console.error(
          "filtrate: out of memory (%s); the Java heap's limit is %d MiB, and FILTRATE_JAVA_OPTS="
              .formatted(e.getMessage(), Runtime.getRuntime().maxMemory() >> 20)
              .concat("-Xmx8g, say, raises it"));
      return failed(BROKEN, e, debug);
    } catch (RuntimeException | Error e) {
      console.error("filtrate: a defect of this program: " + e);
      if (!debug) {
        console.error("filtrate: --debug shows where; please report it");
      }
      return failed(BROKEN, e, debug);
    }
  }

  private int failed(int code, Throwable e, boolean debug) {
    if (debug) {
      console.trace(e);
    }
    return code;
  }

  private int dispatch(List<String> arguments) {
    String first = arguments.isEmpty() ? "help" : arguments.get(0);
    List<String> rest = arguments.subList(Math.min(1, arguments.size()), arguments.size());
    switch (first) {
      case "help", "--help", "-h" -> {
        if (rest.isEmpty()) {
          help.overview();
        } else if (!commands.has(rest.get(0)) && help.isKey(rest.get(0))) {
          help.key(rest.get(0));
        } else {
          help.page(commands.named(rest.get(0)));
        }
        return Command.DONE;
      }
      case "--version", "version" -> {
        console.print("filtrate " + Version.current());
        return Command.DONE;
      }
      default -> {
        return run(first, rest);
      }
    }
  }

  private int run(String name, List<String> arguments) {
    if (name.startsWith("-")) {
      throw UserError.of("expected a command before '%s'; 'filtrate help' lists them", name);
    }
    Command command = commands.named(name);
    CommandLine line = Flags.parse(command, arguments);
    if (line.hasOption(Flags.HELP)) {
      help.page(command);
      return Command.DONE;
    }
    if (line.hasOption(Flags.QUIET)) {
      console.beQuiet();
    }
    try {
      return command.run(line, console);
    } finally {
      console.endProgress();
    }
  }
}
