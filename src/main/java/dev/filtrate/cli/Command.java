package dev.filtrate.cli;

import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** A verb of the command line. Thin: what it does lives in the packages below. */
interface Command {
  /** Everything went well. */
  int DONE = 0;

  /** The command did its work and found that something does not hold. */
  int CHECK_FAILED = 1;

  /** As typed: {@code finetune}, {@code learn-filters}. */
  String name();

  /** What it does, in one line. */
  String summary();

  /** What stands after the verb besides flags, such as {@code RECIPE}; empty for nothing. */
  default String arguments() {
    return "";
  }

  /** Its flags, without those that every command has. */
  default Options options() {
    return new Options();
  }

  /** Commands to try, with a word on each: {@code "sst2.yaml --seed 1"}, without the verb. */
  List<Example> examples();

  /** Something to type. */
  record Example(String arguments, String explanation) {}

  /**
   * Does the work and returns {@link #DONE} or {@link #CHECK_FAILED}; bad input is a {@link
   * dev.filtrate.base.UserError}.
   */
  int run(CommandLine line, Console console);
}
