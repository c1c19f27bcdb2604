package dev.filtrate.data;

import dev.filtrate.base.Check;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads examples from a file. */
public final class ExampleReader {
  private final Path file;
  private final Layout layout;
  private final Labels labels;

  /** Where the columns of the labels begin; as many columns as there are where there are none. */
  private final int first;

  private final List<String> columns;
  private final List<Example> examples = new ArrayList<>();

  private ExampleReader(Path file, Layout layout, Labels labels) {
    this.file = file;
    this.layout = layout;
    this.labels = labels;
    this.columns = new ArrayList<>();
    columns.add(layout.sentence1());
    if (layout.sentence2() != null) {
      columns.add(layout.sentence2());
    }
    this.first = columns.size();
    columns.addAll(layout.labels());
  }

  /**
   * The examples of a file, in its order. Where the layout has no label column, every example is
   * without one. An empty file, and all that is wrong with a line, is a {@link
   * dev.filtrate.base.UserError}.
   */
  public static List<Example> read(Path file, Layout layout, Labels labels) {
    return read(file, layout, labels, note -> {});
  }

  /** The same; {@code notes} is told how many rows were left out, if any were. */
  static List<Example> read(Path file, Layout layout, Labels labels, Consumer<String> notes) {
    ExampleReader reader = new ExampleReader(file, layout, labels);
    int skipped = RowReader.read(file, layout, reader.columns, reader.first, reader::row);
    if (skipped > 0) {
      notes.accept(
          "%s: left out %,d row%s with too few columns"
              .formatted(file, skipped, skipped == 1 ? "" : "s"));
    }
    Check.user(
        !reader.examples.isEmpty(),
        "%s: holds no examples; expected a line for each%s",
        file,
        layout.header() && layout.format().isText() ? " below the header" : "");
    return reader.examples;
  }

  private void row(int line, @Nullable String[] cells) {
    String sentence1 = cells[0];
    if (sentence1 != null) {
      String sentence2 = layout.sentence2() == null ? null : cells[1];
      examples.add(new Example(sentence1, sentence2, targets(line, cells)));
    }
  }

  private List<Double> targets(int line, @Nullable String[] cells) {
    int width = cells.length - first;
    if (width == 0) {
      return labels.none();
    }
    if (width == 1) {
      return labels.parse(place(line, first), cells[first]);
    }
    List<Double> targets = new ArrayList<>();
    for (int i = first; i < cells.length; i++) {
      targets.add(Labels.parseFlag(place(line, i), cells[i]));
    }
    return targets;
  }

  private String place(int line, int column) {
    return file + ":" + line + ": " + column(layout, columns.get(column));
  }

  /** The classes that a training file's label columns hold. */
  static Labels inferLabels(Path file, Layout layout, ProblemType type) {
    Check.argument(
        !layout.labels().isEmpty(), "%s: labels cannot be inferred without a label column", file);
    String column = layout.labels().get(0);
    Set<String> cells = new LinkedHashSet<>();
    RowReader.read(file, layout, List.of(column), 0, (line, row) -> add(cells, row[0]));
    return Labels.infer("%s: %s".formatted(file, column(layout, column)), type, cells);
  }

  private static void add(Set<String> cells, @Nullable String cell) {
    if (cell != null) {
      cells.add(cell);
    }
  }

  private static String column(Layout layout, String name) {
    return (layout.format() == FileFormat.JSONL ? "key '" : "column '") + name + "'";
  }
}
