package dev.filtrate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.Spelling;
import dev.filtrate.base.UserError;
import dev.filtrate.recipe.RecipeSchema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;

/** Help pages: what there is, and one page per command with flags, defaults and examples. */
final class Help {
  private static final int WIDTH = 100;

  /** Where descriptions start; longer flags put theirs on the next line. */
  private static final int INDENT = 36;

  private static final List<Command.Example> FIRST_STEPS =
      List.of(
          new Command.Example("filtrate run", "the small task that comes along, whole"),
          new Command.Example(
              "filtrate init --data reviews.csv",
              "a first recipe for your own data; then plan reviews.yaml, run reviews.yaml"),
          new Command.Example(
              "filtrate predict --model_name_or_path runs/default/export \"a film to remember\"",
              "ask the student"));

  private final Commands commands;
  private final Console console;

  Help(Commands commands, Console console) {
    this.commands = commands;
    this.console = console;
  }

  /** The commands, a line each. */
  void overview() {
    console.print(
        "Filtrate distils a teacher into a small student, layer by layer (TED), on the JVM.");
    console.print("");
    console.print("usage: filtrate COMMAND [ARGUMENTS] [FLAGS]");
    console.print("");
    commands.list().forEach(c -> entry("  " + c.name(), c.summary(), 18));
    entry("  help COMMAND", "show a command's flags and examples", 18);
    entry("  help KEY", "show what a key of a recipe holds, such as distill.kl_alpha", 18);
    entry("  --version", "print the version", 18);
    console.print("");
    console.print("first steps");
    FIRST_STEPS.forEach(
        step -> {
          typed(step.arguments());
          console.print("      " + step.explanation());
        });
  }

  /** A command's page. */
  void page(Command command) {
    String arguments = command.arguments().isEmpty() ? "" : " " + command.arguments();
    console.print("usage: filtrate " + command.name() + arguments + " [FLAGS]");
    console.print("");
    wrapped(command.summary(), WIDTH).forEach(console::print);
    flags("flags", command.options());
    flags("flags of every command", Flags.common());
    if (!command.examples().isEmpty()) {
      console.print("");
      console.print("examples");
    }
    for (Command.Example example : command.examples()) {
      typed(("filtrate " + command.name() + " " + example.arguments()).stripTrailing());
      wrapped(example.explanation(), WIDTH - 6).forEach(l -> console.print("      " + l));
    }
  }

  /** Whether recipes have that key or block; a near miss of a dotted one is a {@link UserError}. */
  boolean isKey(String name) {
    Set<String> keys = RecipeSchema.keys();
    if (!keys.contains(name) && name.contains(".") && !name.matches(".*\\.ya?ml")) {
      throw UserError.of(
          "unknown key '%s'%s 'filtrate help task' shows those of a block",
          name, Spelling.nearest(name, keys) == null ? ";" : Spelling.suggestion(name, keys));
    }
    return keys.contains(name);
  }

  /** The page of a recipe's key, or of a block with its keys. */
  void key(String name) {
    JsonNode node = ConfigSchemaCommand.schema();
    for (String part : name.split("\\.")) {
      node = node.path("properties").path(part);
    }
    wrapped(name + ": " + node.path("description").asText(), WIDTH).forEach(console::print);
    console.print("");
    entry("holds", RecipeSchema.kind(name), 10);
    JsonNode otherwise = node.path("default");
    if (!otherwise.isMissingNode()) {
      entry("default", otherwise.isTextual() ? otherwise.asText() : otherwise.toString(), 10);
    }
    for (Map.Entry<String, JsonNode> below : node.path("properties").properties()) {
      entry("  " + below.getKey(), below.getValue().path("description").asText(), INDENT);
    }
  }

  /** A command line, on several lines as a shell takes them where it is long. */
  private void typed(String line) {
    List<String> lines = wrapped(line, WIDTH - 8);
    for (int i = 0; i < lines.size(); i++) {
      String more = i + 1 < lines.size() ? " \\" : "";
      console.print((i == 0 ? "  " : "    ") + lines.get(i) + more);
    }
  }

  private void flags(String title, Options options) {
    if (options.getOptions().isEmpty()) {
      return;
    }
    console.print("");
    console.print(title);
    for (Option option : options.getOptions()) {
      String letter = option.getOpt() == null ? "" : "-" + option.getOpt() + ", ";
      String value = option.hasArg() ? " " + option.getArgName() : "";
      entry("  " + letter + "--" + option.getLongOpt() + value, option.getDescription(), INDENT);
    }
  }

  /** A term and what it means, the latter from a column on. */
  private void entry(String term, String meaning, int column) {
    List<String> lines = wrapped(meaning, WIDTH - column);
    String first = term;
    if (term.length() + 2 > column) {
      console.print(term);
      first = "";
    }
    for (String line : lines) {
      console.print(first + " ".repeat(column - first.length()) + line);
      first = "";
    }
  }

  private static List<String> wrapped(String text, int width) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : text.split(" ")) {
      if (line.length() + word.length() + 1 > width && line.length() > 0) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.length() == 0 ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }
}
