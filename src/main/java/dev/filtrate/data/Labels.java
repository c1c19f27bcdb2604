package dev.filtrate.data;

import dev.filtrate.base.Check;
import dev.filtrate.base.Excerpt;
import dev.filtrate.base.UserError;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The classes of a task, in the order of their ids, or the scores of a regression. Reads the cells
 * of the label columns.
 *
 * <p>What an example is labelled with is a list of numbers, its <em>targets</em>: the id of its
 * class ({@link #NONE} for none); a score (NaN for none); or, where classes do not exclude each
 * other, 1 or 0 for every class (NaN for none).
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
  private final ProblemType type;
  private final boolean listed;
  private final boolean byNumber;

  private Labels(ProblemType type, List<String> names, boolean listed) {
    this.type = type;
    this.listed = listed;
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
    return new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, names, true);
  }

  /** Classes of which an example may have any number; at least one, or a {@link UserError}. */
  public static Labels multiple(List<String> names) {
    Check.user(!names.isEmpty(), "labels: expected at least one class, got none");
    return new Labels(ProblemType.MULTI_LABEL_CLASSIFICATION, names, true);
  }

  /** The scores of a regression. */
  public static Labels scores() {
    return new Labels(ProblemType.REGRESSION, List.of(), false);
  }

  /** Whether labels are scores. */
  public boolean isRegression() {
    return type == ProblemType.REGRESSION;
  }

  /** Scores or classes, under Hugging Face's name. */
  public ProblemType problemType() {
    return type;
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
   * @param type how many classes an example may have
   * @param cells the different cells
   */
  static Labels infer(String where, ProblemType type, Set<String> cells) {
    boolean multiple = type == ProblemType.MULTI_LABEL_CLASSIFICATION;
    Set<String> values = new TreeSet<>();
    for (String cell : cells) {
      for (String value : multiple ? LabelList.read(where, cell) : List.of(cell)) {
        if (!isNone(plain(value))) {
          values.add(plain(value));
        }
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
    Check.user(
        sorted.size() >= (multiple ? 1 : 2),
        "%s: expected at least %s, found %s",
        where,
        multiple ? "one class" : "two classes",
        Excerpt.of(sorted));
    return new Labels(type, sorted, false);
  }

  /** The names of the classes that an example has; none in regression. */
  List<String> namesOf(Example example) {
    if (type == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
      return example.labelled(type) ? List.of(names.get((int) example.label())) : List.of();
    }
    return IntStream.range(0, names.size())
        .filter(id -> example.targets().get(id) == 1)
        .mapToObj(names::get)
        .toList();
  }

  /** The targets of an example without a label. */
  List<Double> none() {
    return switch (type) {
      case SINGLE_LABEL_CLASSIFICATION -> List.of((double) NONE);
      case REGRESSION -> List.of(Double.NaN);
      case MULTI_LABEL_CLASSIFICATION -> Collections.nCopies(names.size(), Double.NaN);
    };
  }

  /**
   * The targets of a cell. A class is written by its name or, where the classes were listed and
   * their names are no integers, as this integer; an empty cell or {@code -1} is none. Several
   * classes stand with commas between them, or as a JSON list; there an empty cell means that no
   * class applies. A score is a number.
   *
   * @param where file, line and column, for errors
   */
  List<Double> parse(String where, @Nullable String cell) {
    String value = cell == null ? "" : cell.strip();
    return switch (type) {
      case SINGLE_LABEL_CLASSIFICATION -> List.of((double) id(where, value));
      case REGRESSION -> List.of(score(where, value));
      case MULTI_LABEL_CLASSIFICATION ->
          cell == null || value.equals("-1") ? none() : several(where, value);
    };
  }

  private List<Double> several(String where, String cell) {
    Double[] targets = new Double[names.size()];
    Arrays.fill(targets, 0.0);
    for (String value : LabelList.read(where, cell)) {
      int id = id(where, value);
      Check.user(
          id != NONE,
          "%s: expected classes among %s, got \"%s\"",
          where,
          Excerpt.of(names),
          Excerpt.of(cell));
      Check.user(
          targets[id] == 0,
          "%s: names class %s twice: \"%s\"; expected the classes that apply, not a 0 or 1 for"
              + " each",
          where,
          names.get(id),
          Excerpt.of(cell));
      targets[id] = 1.0;
    }
    return List.of(targets);
  }

  /**
   * The target of a cell in a class's own column: 1 where the class applies, 0 where it does not;
   * NaN for an empty cell or {@code -1}.
   */
  static double parseFlag(String where, @Nullable String cell) {
    String value = cell == null ? "" : plain(cell);
    if (isNone(value)) {
      return Double.NaN;
    }
    return switch (value.toLowerCase(Locale.ROOT)) {
      case "1", "true" -> 1;
      case "0", "false" -> 0;
      default -> throw UserError.of("%s: expected 0 or 1, got \"%s\"", where, Excerpt.of(value));
    };
  }

  private static double score(String where, String value) {
    Check.user(
        NUMBER.matcher(value).matches(),
        "%s: expected a number, got \"%s\"%s",
        where,
        Excerpt.of(value),
        isNone(value) ? "; rows without a label are for classification only" : "");
    return Double.parseDouble(value);
  }

  private int id(String where, String raw) {
    String value = ids.containsKey(raw) ? raw : plain(raw);
    Integer id = ids.get(value);
    if (id != null) {
      return id;
    }
    if (isNone(value) || (listed && value.equals("-"))) { // "-": SNLI's annotators disagree
      return NONE;
    }
    boolean asNumber = byNumber && isInteger(value);
    long number = asNumber ? Long.parseLong(value) : NONE;
    if (number >= 0 && number < names.size()) {
      return (int) number;
    }
    throw UserError.of(
        "%s: expected one of %s, got \"%s\"",
        where,
        Excerpt.of(
            asNumber
                ? IntStream.range(0, names.size()).mapToObj(Integer::toString).toList()
                : names),
        Excerpt.of(raw));
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
    return o instanceof Labels l && type == l.type && names.equals(l.names);
  }

  @Override
  public int hashCode() {
    return Objects.hash(type, names);
  }

  @Override
  public String toString() {
    return isRegression() ? "scores" : names.toString();
  }
}
