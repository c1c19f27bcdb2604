package dev.filtrate.data;

import dev.filtrate.base.Check;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads examples from a file. */
public final class ExampleReader {
  private ExampleReader() {}

  /**
   * The examples of a file, in its order. Where the layout has no label column, every example is
   * without one. An empty file, and all that is wrong with a line, is a {@link
   * dev.filtrate.base.UserError}.
   */
  public static List<Example> read(Path file, Layout layout, Labels labels) {
    List<String> columns = columns(layout);
    int second = layout.sentence2() == null ? -1 : 1;
    int label = layout.label() == null ? -1 : columns.size() - 1;
    double none = labels.isRegression() ? Double.NaN : Labels.NONE;
    List<Example> examples = new ArrayList<>();
    RowReader.read(
        file,
        layout,
        columns,
        label < 0 ? columns.size() : label,
        (line, cells) -> {
          double id = label < 0 ? none : labels.parse(place(file, line, layout), cells[label]);
          String sentence2 = second < 0 ? null : cells[second];
          String sentence1 = cells[0];
          if (sentence1 != null) {
            examples.add(new Example(sentence1, sentence2, id));
          }
        });
    Check.user(
        !examples.isEmpty(),
        "%s: holds no examples; expected a line for each%s",
        file,
        layout.header() && layout.format() != FileFormat.JSONL ? " below the header" : "");
    return examples;
  }

  /** The classes that a training file's label column holds. */
  static Labels inferLabels(Path file, Layout layout) {
    String column = layout.label();
    Check.argument(column != null, "%s: labels cannot be inferred without a label column", file);
    Set<String> cells = new LinkedHashSet<>();
    RowReader.read(file, layout, List.of(column), 0, (line, row) -> add(cells, row[0]));
    return Labels.infer("%s: %s".formatted(file, column(layout, column)), cells);
  }

  private static void add(Set<String> cells, @Nullable String cell) {
    if (cell != null) {
      cells.add(cell);
    }
  }

  private static List<String> columns(Layout layout) {
    List<String> columns = new ArrayList<>();
    columns.add(layout.sentence1());
    if (layout.sentence2() != null) {
      columns.add(layout.sentence2());
    }
    if (layout.label() != null) {
      columns.add(layout.label());
    }
    return columns;
  }

  private static String place(Path file, int line, Layout layout) {
    return file + ":" + line + ": " + column(layout, layout.label());
  }

  private static String column(Layout layout, @Nullable String name) {
    return (layout.format() == FileFormat.JSONL ? "key '" : "column '") + name + "'";
  }
}
