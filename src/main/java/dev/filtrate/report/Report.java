package dev.filtrate.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Version;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/** {@code report.html}: one page on a run, in the run's folder. */
public final class Report {
  /** Of a run whose recipe does not say it. */
  private static final int WORST = 20;

  private Report() {}

  /**
   * Makes the page of a run, whether it has ended or not; an earlier one is replaced. A folder that
   * is not a run's is a {@link dev.filtrate.base.UserError}.
   *
   * @param run the run's folder
   * @return the page
   */
  public static Path write(Path run) {
    return write(run, OptionalInt.empty());
  }

  /**
   * The same with another number of validation examples quoted than the recipe's {@code
   * report.worst_examples}.
   */
  public static Path write(Path run, OptionalInt worstExamples) {
    RunFolder folder = RunFolder.open(run);
    int said = folder.recipe().path("report").path("worst_examples").asInt(WORST);
    int worst = worstExamples.orElse(said);
    Path file = folder.layout().report();
    ObjectNode json = page("run", List.of(RunSummary.read(folder).toJson(worst)));
    Page.write(file, folder.name() + " – Filtrate", json);
    return file;
  }

  /** The data of a page. */
  static ObjectNode page(String kind, List<ObjectNode> runs) {
    ObjectNode page = JsonNodeFactory.instance.objectNode();
    page.put("kind", kind);
    page.put("version", String.valueOf(Version.current()));
    ArrayNode all = page.putArray("runs");
    runs.forEach(all::add);
    return page;
  }

  /** {@code metrics.csv} beside every {@code metrics.jsonl} of a run; returns the files. */
  public static List<Path> writeCsv(Path run) {
    return RunFolder.open(run).seeds().values().stream()
        .filter(seed -> Files.isRegularFile(seed.metrics()))
        .map(MetricsCsv::write)
        .toList();
  }

  /**
   * TensorBoard's event files of a run that was made without them; earlier ones are replaced.
   *
   * @return the folder that TensorBoard's {@code --logdir} takes
   */
  public static Path writeTensorBoard(Path run) {
    return TensorBoard.convert(run, RunFolder.open(run).seeds().values());
  }
}
