package dev.filtrate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.filtrate.base.UserError;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.RecipeSchema;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Option;

/**
 * {@code filtrate completion}: a script by which a shell completes commands, flags, their values
 * and the keys of recipes. Made of the commands themselves.
 */
final class CompletionCommand implements Command {
  private static final List<String> SHELLS = List.of("bash", "zsh");

  @Override
  public String name() {
    return "completion";
  }

  @Override
  public String summary() {
    return "print a script by which bash or zsh completes commands, flags and values";
  }

  @Override
  public String arguments() {
    return "bash|zsh";
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example(
            "bash > ~/.local/share/bash-completion/completions/filtrate",
            "for every bash to come; 'source <(filtrate completion bash)' for this one"),
        new Example("zsh > ~/.zfunc/_filtrate", "a folder of $fpath, before compinit is called"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    String shell = String.join(" ", line.getArgList());
    if (!SHELLS.contains(shell)) {
      throw UserError.of(
          "expected one of %s, got %s",
          String.join(", ", SHELLS), shell.isEmpty() ? "none" : "'" + shell + "'");
    }
    console.print(shell.equals("bash") ? bash() : zsh());
    return DONE;
  }

  /** What completes a value: words to choose from, or a kind of file. */
  private sealed interface Values {
    /** Words. */
    record Words(List<String> words) implements Values {}

    /** Keys of a recipe, each to be followed by {@code =}. */
    record Keys() implements Values {}

    /** Files or folders. */
    record Files() implements Values {}

    /** Folders. */
    record Folders() implements Values {}

    /** Whatever the user knows. */
    record Free() implements Values {}
  }

  private static Values values(Option option) {
    String argument = option.getArgName();
    if (argument.contains("|")) {
      return new Values.Words(
          List.of(argument.split("\\|")).stream().filter(w -> !w.equals("N")).toList());
    }
    switch (argument) {
      case "FILE", "PATH", "CASE" -> {
        return new Values.Files();
      }
      case "FOLDER", "MODEL" -> {
        return new Values.Folders();
      }
      case "KEY=VALUE" -> {
        return new Values.Keys();
      }
      case "DEVICE" -> {
        return new Values.Words(List.of("cpu", "cuda"));
      }
      case "METHOD" -> {
        return new Values.Words(
            Stream.of(Method.values()).filter(Method::distils).map(Method::id).toList());
      }
      default -> {
        List<String> words = constants(option.getLongOpt());
        return words.isEmpty() ? new Values.Free() : new Values.Words(words);
      }
    }
  }

  /** The words that the recipe's key of a flag may hold. */
  private static List<String> constants(String flag) {
    String key = RecipeFlags.keys().getOrDefault(flag, flag);
    JsonNode node = Recipes.SCHEMA;
    for (String part : key.split("\\.")) {
      node = node.path("properties").path(part);
    }
    List<String> words = new ArrayList<>();
    JsonNode constants = node.has("enum") ? node.get("enum") : node.at("/anyOf/0/enum");
    constants.forEach(
        word -> {
          if (word.isTextual()) {
            words.add(word.asText());
          }
        });
    return words;
  }

  /** The recipe's keys that hold values. */
  private static List<String> keys() {
    Set<String> blocks = new HashSet<>();
    Recipes.KEYS.forEach(key -> blocks.add(key.replaceFirst("(^|\\.)[^.]*$", "")));
    return Recipes.KEYS.stream().filter(key -> !blocks.contains(key)).toList();
  }

  /** What recipes may hold, found out once. */
  private static final class Recipes {
    static final JsonNode SCHEMA = ConfigSchemaCommand.schema();
    static final Set<String> KEYS = RecipeSchema.keys();
  }

  private static List<Command> commands() {
    return Commands.all().list();
  }

  private static List<Option> options(Command command) {
    List<Option> all = new ArrayList<>(command.options().getOptions());
    all.addAll(Flags.common().getOptions());
    all.sort(Comparator.comparing(Option::getLongOpt));
    return all;
  }

  private static boolean takesRecipe(Command command) {
    return command.arguments().contains("RECIPE");
  }

  private static String joined(List<String> words) {
    return String.join(" ", words);
  }

  private static String bash() {
    StringJoiner text = new StringJoiner("\n");
    text.add("# bash completion of filtrate; made by 'filtrate completion bash'");
    text.add("_filtrate() {");
    text.add("  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}");
    text.add("  local command=${COMP_WORDS[1]} words= flags= kind=files");
    text.add("  local keys=\"" + joined(keys().stream().map(key -> key + "=").toList()) + "\"");
    text.add("  # --flag=value is three words");
    text.add("  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then");
    text.add("    prev=${COMP_WORDS[COMP_CWORD-2]}");
    text.add("  fi");
    text.add("  if [[ $COMP_CWORD -eq 1 ]]; then");
    text.add("    COMPREPLY=($(compgen -W \"" + names() + " help --version\" -- \"$cur\"))");
    text.add("    return");
    text.add("  fi");
    text.add("  case $command in");
    text.add("    help) COMPREPLY=($(compgen -W \"" + names() + "\" -- \"$cur\")); return ;;");
    for (Command command : commands()) {
      text.add("    " + command.name() + ")");
      text.add("      flags=\"" + joined(flags(command)) + "\"");
      if (takesRecipe(command)) {
        text.add("      words=\"" + joined(Home.names()) + "\" kind=recipes");
      } else if (command instanceof CompletionCommand) {
        text.add("      words=\"" + joined(SHELLS) + "\" kind=words");
      }
      text.add("      case $prev in");
      for (Option option : options(command)) {
        if (option.hasArg()) {
          text.add("        --" + option.getLongOpt() + ") " + bash(values(option)) + " ;;");
        }
      }
      text.add("        *) [[ $cur != -* ]] || { words=$flags; kind=words; } ;;");
      text.add("      esac ;;");
    }
    text.add("  esac");
    text.add("  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))");
    text.add("  case $kind in");
    text.add(
        "    files) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- \"$cur\")) ;;");
    text.add(
        "    folders) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -d -- \"$cur\")) ;;");
    text.add(
        "    recipes) COMPREPLY+=($(compgen -f -X '!*.y*ml' -- \"$cur\") $(compgen -d -- \"$cur\"))"
            + " ;;");
    text.add("    keys) compopt -o nospace 2>/dev/null ;;");
    text.add("  esac");
    text.add("}");
    text.add("complete -F _filtrate filtrate");
    return text.toString();
  }

  private static String bash(Values values) {
    if (values instanceof Values.Words w) {
      return "words=\"" + joined(w.words()) + "\" kind=words";
    }
    if (values instanceof Values.Keys) {
      return "words=$keys kind=keys";
    }
    String kind =
        values instanceof Values.Files
            ? "files"
            : values instanceof Values.Folders ? "folders" : "none";
    return "words= kind=" + kind;
  }

  private static String names() {
    return joined(commands().stream().map(Command::name).toList());
  }

  private static List<String> flags(Command command) {
    return options(command).stream().map(option -> "--" + option.getLongOpt()).toList();
  }

  private static String zsh() {
    StringJoiner text = new StringJoiner("\n");
    text.add("#compdef filtrate");
    text.add("# zsh completion of filtrate; made by 'filtrate completion zsh'");
    text.add("_filtrate() {");
    text.add("  local -a commands=(");
    for (Command command : commands()) {
      text.add("    " + quoted(command.name() + ":" + command.summary()));
    }
    text.add("    " + quoted("help:show a command's flags and examples"));
    text.add("  )");
    text.add("  local -a recipe_keys=(" + joined(keys()) + ")");
    text.add("  if (( CURRENT == 2 )); then");
    text.add("    _describe command commands");
    text.add("    return");
    text.add("  fi");
    text.add("  local command=$words[2]");
    text.add("  shift words");
    text.add("  (( CURRENT-- ))");
    text.add("  case $command in");
    text.add("    help) _describe command commands ;;");
    for (Command command : commands()) {
      text.add("    " + command.name() + ")");
      StringJoiner arguments = new StringJoiner(" \\\n        ", "      _arguments -S ", "");
      for (Option option : options(command)) {
        arguments.add(zsh(option));
      }
      if (takesRecipe(command)) {
        arguments.add(
            quoted("1:recipe:{ compadd -- " + joined(Home.names()) + "; _files -g '*.y(a|)ml' }"));
      } else if (command instanceof CompletionCommand) {
        arguments.add(quoted("1:shell:(" + joined(SHELLS) + ")"));
      } else {
        arguments.add("'*:file:_files'");
      }
      text.add(arguments.toString());
      text.add("      ;;");
    }
    text.add("  esac");
    text.add("}");
    text.add(
        "if [[ $funcstack[1] == _filtrate ]]; then _filtrate \"$@\"; else compdef _filtrate"
            + " filtrate; fi");
    return text.toString();
  }

  private static String zsh(Option option) {
    String flag = "--" + option.getLongOpt();
    Function<String, String> plain = s -> s.replace("[", "(").replace("]", ")").replace(":", "\\:");
    String described = "[" + plain.apply(option.getDescription()) + "]";
    if (!option.hasArg()) {
      return quoted(flag + described);
    }
    Values values = values(option);
    String action =
        values instanceof Values.Words w
            ? "(" + joined(w.words()) + ")"
            : values instanceof Values.Keys
                ? "{ compadd -S= -a recipe_keys }"
                : values instanceof Values.Files
                    ? "_files"
                    : values instanceof Values.Folders ? "_files -/" : " ";
    String often = values instanceof Values.Keys ? "*" : "";
    return quoted(
        often + flag + "=" + described + ":" + plain.apply(option.getArgName()) + ":" + action);
  }

  /** A word of a shell, whatever it holds. */
  private static String quoted(String word) {
    return "'" + word.replace("'", "'\\''") + "'";
  }
}
