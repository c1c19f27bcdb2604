package dev.filtrate.report;

import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.ReportSettings;
import dev.filtrate.train.Progress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Who watches a recipe that is carried out: somebody who is shown it, the page, and TensorBoard
 * where the recipe wants it. However training ends, what it leaves to look at is written.
 */
public final class Watch implements AutoCloseable {
  private final Path run;
  private final ReportSettings settings;
  private final LiveReport page;
  private final List<TensorBoard> boards;
  private final Progress progress;

  /** Watches the recipe's run, and passes everything on. */
  public Watch(Recipe recipe, Progress shown) {
    this.run = recipe.outputDir();
    this.settings = recipe.report();
    this.page = new LiveReport(run, shown::note);
    this.boards = settings.tensorboard() ? List.of(new TensorBoard(run)) : List.of();
    List<Progress> all = new ArrayList<>(List.of(shown, page));
    all.addAll(boards);
    this.progress = Progress.all(all);
  }

  /** Who is to be told. */
  public Progress progress() {
    return progress;
  }

  @Override
  public void close() {
    boards.forEach(TensorBoard::close);
    if (page.hasBegun()) { // else the folder may be another run's
      if (settings.csv()) {
        Report.writeCsv(run);
      }
      page.write();
    }
  }
}
