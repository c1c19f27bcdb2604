package dev.filtrate.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A column of a file that is being looked at: how full it is, and what kind of cells it holds. */
public final class SurveyColumn {
  /** With more different values than this a column is no column of classes. */
  static final int MOST_VALUES = 1000;

  private static final Pattern NUMBER = Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)");
  private static final Pattern WHOLE = Pattern.compile("[+-]?\\d+(\\.0*)?");

  /** What a tokenizer keeps apart: words, and every sign for itself. */
  private static final Pattern PIECE = Pattern.compile("[\\p{L}\\p{M}\\p{N}]+|[^\\s\\p{L}\\p{N}]");

  private final String name;
  private final List<String> classNames;
  private Map<String, Integer> values = new LinkedHashMap<>();
  private boolean many;
  private boolean numbers = true;
  private boolean fractions;
  private int filled;
  private int lists;
  private int commas;
  private long characters;
  private int[] words = new int[16];

  SurveyColumn(String name, List<String> classNames) {
    this.name = name;
    this.classNames = List.copyOf(classNames);
  }

  /** The same cells under another name. */
  SurveyColumn named(String other) {
    SurveyColumn column = new SurveyColumn(other, classNames);
    column.values = values;
    column.many = many;
    column.numbers = numbers;
    column.fractions = fractions;
    column.filled = filled;
    column.lists = lists;
    column.commas = commas;
    column.characters = characters;
    column.words = words;
    return column;
  }

  /** Takes in a cell; null and blank ones are empty. */
  void add(@Nullable String cell) {
    if (cell == null || cell.isBlank()) {
      return;
    }
    String value = cell.strip();
    if (filled == words.length) {
      words = Arrays.copyOf(words, 2 * filled);
    }
    words[filled++] = (int) PIECE.matcher(value).results().count();
    characters += value.length();
    lists += value.startsWith("[") && value.endsWith("]") ? 1 : 0;
    commas += value.indexOf(',') > 0 ? 1 : 0;
    numbers &= NUMBER.matcher(value).matches();
    fractions |= numbers && !WHOLE.matcher(value).matches();
    if (!many) {
      values.merge(value, 1, Integer::sum);
      many = values.size() > MOST_VALUES;
      if (many) {
        values.clear();
      }
    }
  }

  /** Its name in the header, or its position. */
  public String name() {
    return name;
  }

  /** How many cells are not empty. */
  public int filled() {
    return filled;
  }

  /** The different values and how often each occurs; none where there are very many. */
  public Map<String, Integer> values() {
    return Collections.unmodifiableMap(values);
  }

  /** Whether there are too many different values to count them. */
  public boolean isFree() {
    return many;
  }

  /** Whether every cell is a number. */
  public boolean isNumber() {
    return numbers && filled > 0;
  }

  /** Whether the cells are numbers of which some have a fraction. */
  public boolean hasFractions() {
    return isNumber() && fractions;
  }

  /** Whether every cell is a list in brackets. */
  public boolean isList() {
    return lists == filled && filled > 0;
  }

  /** Whether many cells hold several short values with commas between. */
  boolean isCommaList() {
    return !many && commas * 5 > filled && parts().size() * 2 < values.size() + commas;
  }

  private List<String> parts() {
    List<String> parts = new ArrayList<>();
    values
        .keySet()
        .forEach(v -> Arrays.stream(v.split(",", -1)).map(String::strip).forEach(parts::add));
    return parts.stream().distinct().toList();
  }

  /** The mean length of the cells that are not empty, in characters. */
  public double meanCharacters() {
    return filled == 0 ? 0 : (double) characters / filled;
  }

  /** So many words and signs most cells do not exceed. */
  public int words(double share) {
    int[] sorted = Arrays.copyOf(words, filled);
    Arrays.sort(sorted);
    return filled == 0 ? 0 : sorted[(int) Math.min(filled - 1L, Math.round(share * filled))];
  }

  /**
   * What Hugging Face's {@code datasets} calls the classes, from 0; empty where it says nothing.
   */
  public List<String> classNames() {
    return classNames;
  }
}
