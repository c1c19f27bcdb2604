package dev.filtrate.export;

import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import java.util.ArrayList;
import java.util.List;

/** The texts of {@link Golden}: the task's own, and some that programs get wrong. */
final class GoldenTexts {
  /** So many of a task's texts are taken. */
  static final int SAMPLES = 8;

  /** Texts longer than so many tokens would make the files large. */
  private static final int LONGEST = 512;

  private static final String PLAIN = "The room was quiet, but the food came late.";
  private static final String FOREIGN = "Ça va? The naïve café in Zürich asks 5 € – 日本 too 😀!";
  private static final String SPACES = "  Two  spaces,\ta tab\nand a line's end ";
  private static final String SIGNS = "It's $1,234.56 (not [SEP] #1); see a.b@example.org… OK?";

  private GoldenTexts() {}

  /** So many of a list, spread over all of it. */
  static <T> List<T> spread(List<T> all) {
    int count = Math.min(SAMPLES, all.size());
    List<T> some = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      some.add(all.get((int) ((long) i * all.size() / count)));
    }
    return some;
  }

  /**
   * All texts.
   *
   * @param samples some of a task's; pairs or not, and the others are then alike
   * @param asked whether they are questions with contexts
   * @param maxLength how many tokens are taken
   */
  static List<Example> of(List<Example> samples, boolean asked, int maxLength) {
    List<Example> texts = new ArrayList<>(samples);
    if (asked) {
      texts.add(pair("Who wrote it?", "It was written by Ann Müller in 1969."));
      texts.add(pair("Where?", FOREIGN));
      return texts;
    }
    boolean pairs = !samples.isEmpty() && samples.get(0).sentence2() != null;
    if (!pairs) {
      List.of(PLAIN, FOREIGN, SPACES, SIGNS, "").forEach(text -> texts.add(single(text)));
    }
    if (pairs || samples.isEmpty()) {
      texts.add(pair(PLAIN, FOREIGN));
      texts.add(pair(SPACES, SIGNS));
    }
    if (maxLength <= LONGEST) {
      String tooLong = (PLAIN + " ").repeat(maxLength / 8).strip(); // ten tokens or more each
      texts.add(pairs ? pair(PLAIN, tooLong) : single(tooLong));
    }
    return texts;
  }

  private static Example single(String text) {
    return new Example(text, null, Labels.NONE);
  }

  private static Example pair(String first, String second) {
    return new Example(first, second, Labels.NONE);
  }
}
