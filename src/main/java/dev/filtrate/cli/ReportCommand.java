package dev.filtrate.cli;

import dev.filtrate.base.UserError;
import dev.filtrate.report.Report;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate report}: makes the page of any run's folder anew. */
final class ReportCommand implements Command {
  private static final String CSV = "csv";
  private static final String TENSORBOARD = "tensorboard";
  private static final String WORST = "worst_examples";

  @Override
  public String name() {
    return "report";
  }

  @Override
  public String summary() {
    return "make report.html of a run's folder anew, also of a run that was interrupted";
  }

  @Override
  public String arguments() {
    return "RUN";
  }

  @Override
  public Options options() {
    return new Options()
        .addOption(
            Flags.valued(
                WORST,
                "N",
                "quote the N worst validation examples; 0: no text of the data is in the page"
                    + " (default what the run's recipe says: 20)"))
        .addOption(Flags.flag(CSV, "also write metrics.csv beside every metrics.jsonl"))
        .addOption(
            Flags.flag(
                TENSORBOARD, "also write TensorBoard's event files, into RUN/tensorboard, anew"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example("runs/default", "writes runs/default/report.html; open it in a browser"),
        new Example("runs/mine --worst_examples 0", "to pass on where the texts are private"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    List<String> arguments = line.getArgList();
    if (arguments.size() != 1) {
      throw UserError.of(
          "expected the folder of one run, got %s; 'filtrate compare' takes several",
          arguments.isEmpty() ? "none" : "'" + String.join(" ", arguments) + "'");
    }
    Path run = Path.of(arguments.get(0));
    console.print(Report.write(run, worst(line)).toString());
    if (line.hasOption(CSV)) {
      Report.writeCsv(run).forEach(file -> console.print(file.toString()));
    }
    if (line.hasOption(TENSORBOARD)) {
      console.print(Report.writeTensorBoard(run).toString());
    }
    return DONE;
  }

  private static OptionalInt worst(CommandLine line) {
    String given = line.getOptionValue(WORST);
    if (given == null) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(given.equals("0") ? 0 : Flags.wholeNumber(line, WORST, 0));
  }
}
