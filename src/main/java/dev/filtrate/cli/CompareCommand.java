package dev.filtrate.cli;

import dev.filtrate.base.UserError;
import dev.filtrate.report.Comparison;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate compare}: runs beside each other, as tables and as a page. */
final class CompareCommand implements Command {
  private static final String HTML = "html";
  private static final String DEFAULT = "compare.html";

  @Override
  public String name() {
    return "compare";
  }

  @Override
  public String summary() {
    return "runs beside each other: results, what their recipes say differently, curves";
  }

  @Override
  public String arguments() {
    return "RUN...";
  }

  @Override
  public Options options() {
    return new Options()
        .addOption(
            Flags.valued(
                HTML, "FILE", "where the page goes (default " + DEFAULT + "); none: no page"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example("runs/kl-5 runs/kl-10 runs/kl-20", "three runs, and compare.html"),
        new Example("runs/* --html none", "tables only"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    List<String> arguments = line.getArgList();
    if (arguments.size() < 2) {
      throw UserError.of(
          "expected the folders of two runs or more, got %s",
          arguments.isEmpty() ? "none" : "only '" + arguments.get(0) + "'");
    }
    Comparison runs = Comparison.read(arguments.stream().map(Path::of).toList());
    for (Map.Entry<String, Map<String, List<String>>> table : runs.models().entrySet()) {
      console.print(table.getKey());
      List<List<String>> rows = new ArrayList<>();
      table.getValue().forEach((model, cells) -> rows.add(row(model, cells)));
      console.table(row("model", runs.labels()), rows);
      console.print("");
    }
    for (int i = 0; i < arguments.size(); i++) {
      if (!runs.status().get(i).equals("finished")) {
        console.print(runs.labels().get(i) + ": " + runs.status().get(i));
      }
    }
    List<List<String>> differences =
        runs.differences().stream().map(d -> row(d.key(), d.values())).toList();
    if (differences.isEmpty()) {
      console.print("the recipes say the same");
    } else {
      console.table(row("what differs", runs.labels()), differences);
    }
    String html = line.getOptionValue(HTML, DEFAULT);
    if (!html.equals("none")) {
      runs.write(Path.of(html));
      console.print("");
      console.print(html);
    }
    return DONE;
  }

  private static List<String> row(String first, List<String> rest) {
    List<String> row = new ArrayList<>(List.of(first));
    row.addAll(rest);
    return row;
  }
}
