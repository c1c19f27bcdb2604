package dev.filtrate.cli;

import dev.filtrate.base.Spelling;
import dev.filtrate.base.UserError;
import java.util.List;

/** The verbs there are, in the order in which help lists them. */
final class Commands {
  private static final List<Command> ALL =
      List.of(
          new InitCommand(),
          new PlanCommand(),
          new RunCommand(),
          StageCommand.finetune(),
          StageCommand.learnFilters(),
          StageCommand.distil(),
          new EvaluateCommand(),
          new ExportCommand(),
          new PredictCommand(),
          new ReportCommand(),
          new CompareCommand(),
          new TokenizeCommand(),
          new FetchCommand(),
          new RecipeCommand(),
          new VerifyCommand(),
          new GraphCommand(),
          new BenchCommand(),
          new DoctorCommand(),
          new ConfigSchemaCommand(),
          new CompletionCommand());

  private final List<Command> commands;

  Commands(List<Command> commands) {
    this.commands = List.copyOf(commands);
  }

  /** The program's own. */
  static Commands all() {
    return new Commands(ALL);
  }

  List<Command> list() {
    return commands;
  }

  /** Whether there is a command of that name. */
  boolean has(String name) {
    return commands.stream().anyMatch(command -> command.name().equals(name.replace('_', '-')));
  }

  /** The command of a name; another name is a {@link UserError} with what may have been meant. */
  Command named(String name) {
    for (Command command : commands) {
      if (command.name().equals(name.replace('_', '-'))) {
        return command;
      }
    }
    if (name.matches(".*\\.ya?ml")) {
      throw UserError.of("'%1$s' is no command; to carry out a recipe: filtrate run %1$s", name);
    }
    List<String> names = commands.stream().map(Command::name).toList();
    throw UserError.of(
        "unknown command '%s'%s 'filtrate help' lists the commands",
        name, Spelling.nearest(name, names) == null ? ";" : Spelling.suggestion(name, names));
  }
}
