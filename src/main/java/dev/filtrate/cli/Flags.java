package dev.filtrate.cli;

import dev.filtrate.base.Spelling;
import dev.filtrate.base.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.MissingArgumentException;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.apache.commons.cli.UnrecognizedOptionException;

/** Reads a command's flags: hyphens for underscores, errors as one sentence. */
final class Flags {
  static final String HELP = "help";
  static final String QUIET = "quiet";
  static final String DEBUG = "debug";

  /** Flags of the released scripts that stand for nothing here, and what to do instead. */
  private static final Map<String, String> RELEASED =
      Map.ofEntries(
          Map.entry("model_type", "the model's config.json says it; leave it out"),
          Map.entry("checkpoint_path", "give the folder with the weights as --model_name_or_path"),
          Map.entry(
              "teacher_checkpoint_path",
              "give the folder with the weights as --teacher_model_name_or_path"),
          Map.entry("mixed_precision", "training computes in float32; leave it out"),
          Map.entry("resume_from_checkpoint", "use --resume with the same --output_dir"),
          Map.entry(
              "with_tracking",
              "every run writes metrics.jsonl and report.html; --tensorboard writes event files too"),
          Map.entry(
              "report_to",
              "every run writes metrics.jsonl and report.html; --tensorboard writes event files too"),
          Map.entry("push_to_hub", "nothing is uploaded; leave it out"),
          Map.entry("use_slow_tokenizer", "there is one kind of tokenizer; leave it out"));

  private Flags() {}

  /** A flag without a value. */
  static Option flag(String name, String description) {
    return Option.builder().longOpt(name).desc(description).get();
  }

  /** A flag with a value, which help shows as {@code argument}. */
  static Option valued(String name, String argument, String description) {
    return Option.builder().longOpt(name).hasArg().argName(argument).desc(description).get();
  }

  /** The flags that every command has. */
  static Options common() {
    Options options = new Options();
    options.addOption(Option.builder("h").longOpt(HELP).desc("show this page").get());
    options.addOption(flag(QUIET, "print results and errors only"));
    options.addOption(flag(DEBUG, "print a stack trace with an error"));
    return options;
  }

  /** Refuses words that are no flags, for commands that take none. */
  static void requireNoArguments(CommandLine line) {
    if (!line.getArgList().isEmpty()) {
      throw UserError.of("expected flags only, got '%s'", String.join(" ", line.getArgList()));
    }
  }

  /** The whole number above 0 that a flag gives, or a default. */
  static int wholeNumber(CommandLine line, String flag, int otherwise) {
    String text = line.getOptionValue(flag);
    if (text != null && !text.matches("[1-9]\\d{0,8}")) {
      throw UserError.of("--%s: expected a whole number above 0, got '%s'", flag, text);
    }
    return text == null ? otherwise : Integer.parseInt(text);
  }

  /** Parses what follows a verb; what does not fit is a {@link UserError}. */
  static CommandLine parse(Command command, List<String> arguments) {
    Options options = common().addOptions(command.options());
    try {
      return DefaultParser.builder()
          .setAllowPartialMatching(false)
          .setStripLeadingAndTrailingQuotes(false)
          .get()
          .parse(options, spelled(options, arguments).toArray(String[]::new));
    } catch (UnrecognizedOptionException e) {
      throw new UserError(unknown(e.getOption(), options, command), e);
    } catch (MissingArgumentException e) {
      throw new UserError("--" + e.getOption().getLongOpt() + ": needs a value", e);
    } catch (ParseException e) {
      throw new UserError(e.getMessage() + help(command), e);
    }
  }

  /** The arguments with every {@code --flag-name} spelled as the option is. */
  private static List<String> spelled(Options options, List<String> arguments) {
    List<String> spelled = new ArrayList<>();
    boolean flagsEnded = false;
    for (String argument : arguments) {
      flagsEnded |= argument.equals("--");
      spelled.add(flagsEnded || !argument.startsWith("--") ? argument : spelled(options, argument));
    }
    return spelled;
  }

  private static String spelled(Options options, String argument) {
    int equals = argument.indexOf('=');
    String name = argument.substring(2, equals < 0 ? argument.length() : equals);
    String value = equals < 0 ? "" : argument.substring(equals);
    for (String other : List.of(name, name.replace('-', '_'), name.replace('_', '-'))) {
      if (options.hasLongOption(other)) {
        return "--" + other + value;
      }
    }
    return argument;
  }

  private static String unknown(String flag, Options options, Command command) {
    String name = flag.replaceFirst("^-+", "").replaceFirst("=.*", "");
    String shown = flag.replaceFirst("=.*", "");
    String released = RELEASED.get(name.replace('-', '_'));
    if (released != null) {
      return "--" + name + ": " + released;
    }
    List<String> known = options.getOptions().stream().map(Option::getLongOpt).toList();
    String nearest = Spelling.nearest(name, known);
    return nearest == null
        ? "unknown flag '" + shown + "'" + help(command)
        : "unknown flag '" + shown + "'; did you mean '--" + nearest + "'?";
  }

  private static String help(Command command) {
    return "; 'filtrate help " + command.name() + "' lists the flags";
  }
}
