package dev.filtrate.graph;

import dev.filtrate.base.Check;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The size of an axis: an integer polynomial in named sizes, in canonical form, so that two dims
 * are equal exactly when they are the same size for every batch. Text form: {@code 768}, {@code
 * batch}, {@code batch*sequence}, {@code 2*sequence-1}.
 */
public final class Dim {
  private static final Pattern TERM =
      Pattern.compile("([+-]?)((?:\\d+|[A-Za-z_]\\w*)(?:\\*[A-Za-z_]\\w*)*)");

  /** Monomial (sorted names, joined by {@code *}; empty = 1) to its non-zero coefficient. */
  private final SortedMap<String, Long> terms;

  private Dim(SortedMap<String, Long> terms) {
    this.terms = Collections.unmodifiableSortedMap(terms);
  }

  /** A known size. */
  public static Dim of(long size) {
    SortedMap<String, Long> terms = new TreeMap<>();
    if (size != 0) {
      terms.put("", size);
    }
    return new Dim(terms);
  }

  /** A size that is known when the graph runs. */
  public static Dim named(String name) {
    Check.argument(name.matches("[A-Za-z_]\\w*"), "not a name of a dim: '%s'", name);
    SortedMap<String, Long> terms = new TreeMap<>();
    terms.put(name, 1L);
    return new Dim(terms);
  }

  /** Reads the text form; throws {@link IllegalArgumentException} if it is none. */
  public static Dim parse(String text) {
    Dim sum = of(0);
    Matcher m = TERM.matcher(text);
    int end = 0;
    while (m.find() && m.start() == end && (end == 0 || !m.group(1).isEmpty())) {
      Dim product = of(m.group(1).equals("-") ? -1 : 1);
      for (String factor : m.group(2).split("\\*")) {
        product =
            product.times(
                Character.isDigit(factor.charAt(0)) ? of(Long.parseLong(factor)) : named(factor));
      }
      sum = sum.plus(product);
      end = m.end();
    }
    Check.argument(end == text.length() && end > 0, "not a dim: '%s'", text);
    return sum;
  }

  /** The sum of two sizes. */
  public Dim plus(Dim other) {
    SortedMap<String, Long> sum = new TreeMap<>(terms);
    other.terms.forEach((monomial, c) -> add(sum, monomial, c));
    return new Dim(sum);
  }

  /** This size and a number more. */
  public Dim plus(long number) {
    return plus(of(number));
  }

  /** The difference of two sizes. */
  public Dim minus(Dim other) {
    return plus(other.times(-1));
  }

  /** The product of two sizes. */
  public Dim times(Dim other) {
    SortedMap<String, Long> product = new TreeMap<>();
    terms.forEach((m1, c1) -> other.terms.forEach((m2, c2) -> add(product, join(m1, m2), c1 * c2)));
    return new Dim(product);
  }

  /** This size, a number of times. */
  public Dim times(long number) {
    return times(of(number));
  }

  private static void add(SortedMap<String, Long> terms, String monomial, long c) {
    long sum = terms.getOrDefault(monomial, 0L) + c;
    if (sum == 0) {
      terms.remove(monomial);
    } else {
      terms.put(monomial, sum);
    }
  }

  private static String join(String m1, String m2) {
    if (m1.isEmpty() || m2.isEmpty()) {
      return m1 + m2;
    }
    List<String> names = new ArrayList<>(List.of(m1.split("\\*")));
    names.addAll(List.of(m2.split("\\*")));
    Collections.sort(names);
    return String.join("*", names);
  }

  /** Whether the size is known when building. */
  public boolean isFixed() {
    return terms.isEmpty() || (terms.size() == 1 && terms.containsKey(""));
  }

  /** Whether this is the plain number. */
  public boolean is(long size) {
    return isFixed() && fixed() == size;
  }

  /** The known size; throws {@link IllegalStateException} if a name is in it. */
  public long fixed() {
    Check.state(isFixed(), "dim %s is not fixed", this);
    return terms.getOrDefault("", 0L);
  }

  /** Whether this is a bare name, such as {@code batch}. */
  public boolean isName() {
    return terms.size() == 1
        && terms.firstKey().matches("[A-Za-z_]\\w*")
        && terms.getOrDefault(terms.firstKey(), 0L) == 1;
  }

  /** Monomials (names joined by {@code *}; empty = 1) and their coefficients, in a fixed order. */
  public SortedMap<String, Long> terms() {
    return terms;
  }

  /** The names that occur. */
  public Set<String> names() {
    Set<String> names = new TreeSet<>();
    for (String monomial : terms.keySet()) {
      if (!monomial.isEmpty()) {
        names.addAll(List.of(monomial.split("\\*")));
      }
    }
    return names;
  }

  /** The size when the names have these values; throws if one is missing. */
  public long evaluate(Map<String, Long> values) {
    long sum = 0;
    for (Map.Entry<String, Long> term : terms.entrySet()) {
      long product = term.getValue();
      if (!term.getKey().isEmpty()) {
        for (String name : term.getKey().split("\\*")) {
          Long value = values.get(name);
          if (value == null) {
            throw new IllegalArgumentException("no size given for dim '" + name + "'");
          }
          product *= value;
        }
      }
      sum += product;
    }
    return sum;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Dim other && terms.equals(other.terms);
  }

  @Override
  public int hashCode() {
    return terms.hashCode();
  }

  @Override
  public String toString() {
    if (terms.isEmpty()) {
      return "0";
    }
    StringBuilder text = new StringBuilder();
    List<String> order = new ArrayList<>(terms.keySet());
    Collections.reverse(order); // named parts before the plain number
    for (String monomial : order) {
      long c = terms.getOrDefault(monomial, 0L);
      text.append(c < 0 ? "-" : text.isEmpty() ? "" : "+");
      long size = Math.abs(c);
      if (monomial.isEmpty()) {
        text.append(size);
      } else {
        text.append(size == 1 ? "" : size + "*").append(monomial);
      }
    }
    return text.toString();
  }
}
