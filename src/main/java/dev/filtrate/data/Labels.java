package dev.filtrate.data;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The classes of a task, in the order of their ids, or the scores of a regression. Reads the cell
 * of a label column.
 */
public final class Labels {
  /** The label of an example without one. */
  public static final int NONE = -1;

  private static final Pattern INTEGER = Pattern.compile("[+-]?\\d{1,18}");
  private static final Pattern WHOLE = Pattern.compile("[+-]?\\d{1,18}\\.0*");
  private static final Pattern NUMBER =
      Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d{1,3})?");

  private final List<String> names;
  private final Map<String, Integer> ids = new HashMap<>();
  private final boolean byNumber;

  private Labels(List<String> names, boolean listed) {
    this.names = List.copyOf(names);
    for (String name : names) {
      Check.user(
          ids.put(name, ids.size()) == null, "labels: \"%s\" is listed twice in %s", name, names);
    }
    this.byNumber = listed && !names.stream().allMatch(Labels::isInteger);
  }

  /** Classes whose ids are their places in the list; at least two, or a {@link UserError}. */
  public static Labels classes(List<String> names) {
    Check.user(names.size() >= 2, "labels: expected at least two classes, got %s", names);
    return new Labels(names, true);
  }

  /** The scores of a regression. */
  public static Labels scores() {
    return new Labels(List.of(), false);
  }

  /** Whether labels are scores. */
  public boolean isRegression() {
    return names.isEmpty();
  }

  /** Scores or classes, under Hugging Face's name. */
  public ProblemType problemType() {
    return isRegression() ? ProblemType.REGRESSION : ProblemType.SINGLE_LABEL_CLASSIFICATION;
  }

  /** The names of the classes by id; empty in regression. */
  public List<String> names() {
    return names;
  }

  /** The width of the logits: the number of classes, or 1 in regression. */
  public int count() {
    return isRegression() ? 1 : names.size();
  }

  /**
   * The classes of a training column: its different values, integers in numeric order, anything
   * else in the order of the alphabet. Cells without a label are left out.
   *
   * @param where the file and the column, for errors
   * @param cells the different values
   */
  static Labels infer(String where, Set<String> cells) {
    Set<String> values = new TreeSet<>();
    for (String cell : cells) {
      if (!isNone(plain(cell))) {
        values.add(plain(cell));
      }
    }
    boolean numbers = values.stream().allMatch(Labels::isInteger);
    boolean fractions = !numbers && values.stream().allMatch(v -> NUMBER.matcher(v).matches());
    Check.user(
        !fractions,
        "%s: holds numbers with fractions, such as \"%s\"; set problem_type: regression, or list"
            + " the labels",
        where,
        values.stream().filter(v -> !isInteger(v)).findFirst().orElse(""));
    List<String> sorted =
        numbers
            ? values.stream().sorted(Comparator.comparingLong(Long::parseLong)).toList()
            : List.copyOf(values);
    Check.user(sorted.size() >= 2, "%s: expected at least two classes, found %s", where, sorted);
    return new Labels(sorted, false);
  }

  /**
   * The label of a cell: the id of the class of this name or, where the classes were listed and
   * their names are no integers, this integer; {@link #NONE} for an empty cell or {@code -1}; in
   * regression the number.
   *
   * @param where file, line and column, for errors
   */
  double parse(String where, @Nullable String cell) {
    String value = cell == null ? "" : cell.strip();
    return isRegression() ? score(where, value) : id(where, value);
  }

  private static double score(String where, String value) {
    Check.user(
        NUMBER.matcher(value).matches(),
        "%s: expected a number, got \"%s\"%s",
        where,
        value,
        isNone(value) ? "; rows without a label are for classification only" : "");
    return Double.parseDouble(value);
  }

  private int id(String where, String raw) {
    String value = ids.containsKey(raw) ? raw : plain(raw);
    Integer id = ids.get(value);
    if (id != null) {
      return id;
    }
    if (isNone(value)) {
      return NONE;
    }
    boolean asNumber = byNumber && isInteger(value);
    long number = asNumber ? Long.parseLong(value) : NONE;
    if (number >= 0 && number < names.size()) {
      return (int) number;
    }
    throw UserError.of(
        "%s: expected one of %s, got \"%s\"",
        where, asNumber ? IntStream.range(0, names.size()).boxed().toList() : names, raw);
  }

  private static boolean isNone(String value) {
    return value.isEmpty() || value.equals("-1");
  }

  private static boolean isInteger(String value) {
    return INTEGER.matcher(value).matches();
  }

  /** A cell without space around it; {@code 1.0}, as tables with gaps write 1, becomes 1. */
  private static String plain(String cell) {
    String value = cell.strip();
    return WHOLE.matcher(value).matches() ? value.substring(0, value.indexOf('.')) : value;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Labels l && names.equals(l.names);
  }

  @Override
  public int hashCode() {
    return names.hashCode();
  }

  @Override
  public String toString() {
    return isRegression() ? "scores" : names.toString();
  }
}
