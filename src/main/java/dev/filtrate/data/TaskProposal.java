package dev.filtrate.data;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a file's examples may be meant for: which columns are text and label, classes or scores, and
 * how much is held out. Guessed from names and cells; every guess is told.
 *
 * @param task what is proposed
 * @param assumptions a sentence each
 * @param classes how many examples each class has; empty for scores
 * @param words so many words and signs 19 of 20 examples do not exceed
 */
public record TaskProposal(
    TaskSpec task, List<String> assumptions, Map<String, Integer> classes, int words) {
  /**
   * What the user says; null and empty = guess.
   *
   * @param sentence1 the column of the text
   * @param sentence2 the column of the second text
   * @param labels the columns of the label
   * @param problemType classes or scores
   * @param validationFile examples to evaluate on
   */
  public record Choices(
      @Nullable String sentence1,
      @Nullable String sentence2,
      List<String> labels,
      @Nullable ProblemType problemType,
      @Nullable Path validationFile) {
    /** Nothing but guesses. */
    public static final Choices NONE = new Choices(null, null, List.of(), null, null);

    /** Copies the list. */
    public Choices {
      labels = List.copyOf(labels);
    }
  }

  private static final List<String> TEXTS =
      List.of(
          "text",
          "sentence",
          "review",
          "content",
          "body",
          "comment",
          "message",
          "tweet",
          "question",
          "utterance",
          "description",
          "document",
          "headline",
          "title",
          "summary");

  private static final List<List<String>> PAIRS =
      List.of(
          List.of("sentence1", "sentence2"),
          List.of("premise", "hypothesis"),
          List.of("question1", "question2"),
          List.of("question", "sentence"),
          List.of("question", "passage"),
          List.of("query", "passage"),
          List.of("query", "document"),
          List.of("text1", "text2"),
          List.of("text_a", "text_b"),
          List.of("sentence_a", "sentence_b"));

  private static final List<String> LABELS =
      List.of(
          "label",
          "labels",
          "class",
          "category",
          "target",
          "sentiment",
          "gold_label",
          "intent",
          "topic",
          "tag",
          "tags",
          "stars",
          "rating",
          "score",
          "similarity",
          "is_duplicate",
          "emotion",
          "stance",
          "quality",
          "y");

  private static final Set<String> NO_LABELS =
      Set.of("id", "idx", "index", "split", "fold", "row", "date", "source", "lang", "language");

  private static final Set<String> FLAGS = Set.of("0", "1", "0.0", "1.0", "true", "false");

  /** A whole number with more values than this is a score. */
  private static final int MOST_STARS = 20;

  private static final List<String> VALIDATION = List.of("validation", "valid", "val", "dev");

  /** Copies list and map. */
  public TaskProposal {
    assumptions = List.copyOf(assumptions);
    classes = new LinkedHashMap<>(classes);
  }

  /** Proposes a task; where a column cannot be guessed that is a {@link UserError}. */
  public static TaskProposal of(Survey survey, Choices choices) {
    return new Guess(survey, choices).proposal();
  }

  /** A guess in the making. */
  private static final class Guess {
    private final Survey survey;
    private final Choices choices;
    private final List<String> told;

    Guess(Survey survey, Choices choices) {
      this.survey = survey;
      this.choices = choices;
      this.told = new ArrayList<>(survey.notes());
    }

    TaskProposal proposal() {
      List<SurveyColumn> labels = labels();
      ProblemType type = problemType(labels);
      List<SurveyColumn> texts = texts(labels);
      List<String> used = new ArrayList<>();
      texts.forEach(c -> used.add(c.name()));
      labels.forEach(c -> used.add(c.name()));
      List<String> unused =
          survey.columns().stream().map(SurveyColumn::name).filter(n -> !used.contains(n)).toList();
      if (!unused.isEmpty()) {
        told.add("not used: " + String.join(", ", unused));
      }
      Map<String, Integer> classes = classes(labels, type);
      List<String> names = names(labels, type, classes);
      Layout layout = layout(texts, labels);
      Path validation = validation();
      double fraction = validation == null ? fraction() : 0;
      TaskSpec task =
          new TaskSpec(
              String.valueOf(survey.file().getFileName()).replaceFirst("\\.[^.]*$", ""),
              survey.file(),
              validation,
              null,
              layout,
              type,
              names,
              "",
              fraction,
              0,
              0);
      int words = texts.stream().mapToInt(c -> c.words(0.95)).sum();
      return new TaskProposal(task, told, classes, words);
    }

    private List<SurveyColumn> labels() {
      if (!choices.labels().isEmpty()) {
        return choices.labels().stream().map(survey::column).toList();
      }
      List<SurveyColumn> flags =
          survey.columns().stream()
              .filter(c -> c.filled() > 0 && !c.isFree() && FLAGS.containsAll(lower(c)))
              .filter(c -> !isNamed(c, LABELS))
              .toList();
      SurveyColumn named = byName(LABELS, this::mayBeLabel);
      if (named != null) {
        told.add("'%s' is the label, by its name".formatted(named.name()));
        return List.of(named);
      }
      if (flags.size() >= 3) {
        told.add("the %d columns of 0 and 1 are labels, each for itself".formatted(flags.size()));
        return flags;
      }
      SurveyColumn few =
          survey.columns().stream()
              .filter(this::mayBeLabel)
              .filter(c -> !c.isFree() && c.values().size() <= Math.max(2, survey.rows() / 4))
              .filter(c -> c.words(0.95) <= 4)
              .min(Comparator.comparingInt(c -> c.values().size()))
              .orElseThrow(
                  () ->
                      UserError.of(
                          "%s: no column looks like a label; name it with --label_key: %s",
                          survey.file(),
                          String.join(
                              ", ", survey.columns().stream().map(SurveyColumn::name).toList())));
      told.add(
          "'%s' is the label: it has %d different values"
              .formatted(few.name(), few.values().size()));
      return List.of(few);
    }

    private static Set<String> lower(SurveyColumn column) {
      return column.values().keySet().stream()
          .map(v -> v.toLowerCase(Locale.ROOT))
          .collect(Collectors.toSet());
    }

    private boolean mayBeLabel(SurveyColumn column) {
      boolean several = column.isFree() || column.values().size() > 1;
      boolean kind = !column.isFree() || column.isNumber() || column.isList();
      boolean chosen =
          column.name().equals(choices.sentence1()) || column.name().equals(choices.sentence2());
      return column.filled() > 0
          && several
          && kind
          && !chosen
          && !NO_LABELS.contains(plain(column.name()));
    }

    private ProblemType problemType(List<SurveyColumn> labels) {
      if (choices.problemType() != null) {
        return choices.problemType();
      }
      SurveyColumn label = labels.get(0);
      if (labels.size() > 1) {
        return ProblemType.MULTI_LABEL_CLASSIFICATION;
      }
      if (label.isList() || (!label.isNumber() && label.isCommaList())) {
        told.add("'%s' holds lists: several labels at once".formatted(label.name()));
        return ProblemType.MULTI_LABEL_CLASSIFICATION;
      }
      boolean graded = label.isNumber() && (label.isFree() || label.values().size() > MOST_STARS);
      if (label.hasFractions() || graded) {
        told.add("'%s' holds numbers to be estimated: a regression".formatted(label.name()));
        return ProblemType.REGRESSION;
      }
      Check.user(
          !label.isFree(),
          "%s: column '%s' has more than %,d different values; name another with --label_key",
          survey.file(),
          label.name(),
          SurveyColumn.MOST_VALUES);
      if (label.isNumber() && label.values().size() > 2 && label.classNames().isEmpty()) {
        told.add(
            "the %d numbers of '%s' are classes; if they are grades, say --problem_type regression"
                .formatted(label.values().size(), label.name()));
      }
      return ProblemType.SINGLE_LABEL_CLASSIFICATION;
    }

    private List<SurveyColumn> texts(List<SurveyColumn> labels) {
      String first = choices.sentence1();
      String second = choices.sentence2();
      if (first != null) {
        return second == null
            ? List.of(survey.column(first))
            : List.of(survey.column(first), survey.column(second));
      }
      for (List<String> pair : PAIRS) {
        SurveyColumn one = byName(List.of(pair.get(0)), c -> isText(c, labels));
        SurveyColumn two = byName(List.of(pair.get(1)), c -> isText(c, labels));
        if (one != null && two != null) {
          told.add("texts are pairs: '%s' and '%s'".formatted(one.name(), two.name()));
          return List.of(one, two);
        }
      }
      SurveyColumn text = byName(TEXTS, c -> isText(c, labels));
      String why = "by its name";
      if (text == null) {
        text =
            survey.columns().stream()
                .filter(c -> isText(c, labels))
                .max(Comparator.comparingDouble(SurveyColumn::meanCharacters))
                .orElseThrow(
                    () ->
                        UserError.of(
                            "%s: no column looks like a text; name it with --sentence1_key",
                            survey.file()));
        why = "it holds the longest cells";
      }
      told.add("'%s' is the text: %s".formatted(text.name(), why));
      int empty = survey.rows() - text.filled();
      if (empty > 0) {
        told.add("%,d examples have an empty text".formatted(empty));
      }
      return second == null ? List.of(text) : List.of(text, survey.column(second));
    }

    private boolean isText(SurveyColumn column, List<SurveyColumn> labels) {
      return column.filled() > 0 && !labels.contains(column) && !column.isNumber();
    }

    /** The examples of each class, in the order of their ids. */
    private Map<String, Integer> classes(List<SurveyColumn> labels, ProblemType type) {
      Map<String, Integer> classes = new LinkedHashMap<>();
      if (type == ProblemType.REGRESSION) {
        return classes;
      }
      if (labels.size() > 1) {
        for (SurveyColumn column : labels) {
          int on = 0;
          for (Map.Entry<String, Integer> cell : column.values().entrySet()) {
            on += Labels.parseFlag(column.name(), cell.getKey()) == 1 ? cell.getValue() : 0;
          }
          classes.put(column.name(), on);
        }
        return classes;
      }
      SurveyColumn label = labels.get(0);
      String where = survey.file() + ": column '" + label.name() + "'";
      Labels inferred = Labels.infer(where, type, label.values().keySet());
      inferred.names().forEach(name -> classes.put(name, 0));
      label
          .values()
          .forEach(
              (cell, count) -> {
                List<Double> targets = inferred.parse(where, cell);
                if (type == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
                  int id = targets.get(0).intValue();
                  if (id != Labels.NONE) {
                    classes.merge(inferred.names().get(id), count, Integer::sum);
                  }
                } else {
                  for (int id = 0; id < targets.size(); id++) {
                    if (targets.get(id) == 1) {
                      classes.merge(inferred.names().get(id), count, Integer::sum);
                    }
                  }
                }
              });
      int without = survey.rows() - label.filled() + label.values().getOrDefault("-1", 0);
      if (without > 0 && type == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
        told.add(
            "%,d examples have no label: only distillation learns from them".formatted(without));
      }
      return classes;
    }

    /** The classes to list; the names that the file has for their numbers. */
    private List<String> names(
        List<SurveyColumn> labels, ProblemType type, Map<String, Integer> classes) {
      if (type == ProblemType.REGRESSION || labels.size() > 1) {
        return List.of();
      }
      List<String> known = labels.get(0).classNames();
      boolean numbered =
          !known.isEmpty()
              && classes.keySet().stream()
                  .allMatch(c -> c.matches("\\d{1,6}") && Integer.parseInt(c) < known.size());
      if (!numbered) {
        return List.copyOf(classes.keySet());
      }
      Map<String, Integer> counts = new LinkedHashMap<>(classes);
      classes.clear();
      for (int id = 0; id < known.size(); id++) {
        classes.put(known.get(id), counts.getOrDefault("" + id, 0));
      }
      told.add("the file names the classes: " + String.join(", ", known));
      return known;
    }

    private Layout layout(List<SurveyColumn> texts, List<SurveyColumn> labels) {
      Layout layout =
          survey
              .layout()
              .withColumns(
                  texts.get(0).name(),
                  texts.size() > 1 ? texts.get(1).name() : null,
                  labels.stream().map(SurveyColumn::name).toList());
      boolean named = layout.format() == FileFormat.JSONL || layout.format() == FileFormat.PARQUET;
      boolean gaps = texts.stream().anyMatch(c -> c.filled() < survey.rows());
      return named && gaps ? layout.skippingShortRows() : layout;
    }

    /** A part large enough to tell models apart, and not more than that. */
    private double fraction() {
      double fraction = survey.rows() < 500 ? 0.2 : survey.rows() > 50_000 ? 0.05 : 0.1;
      told.add(
          "%d %% of the rows are held out to evaluate on".formatted(Math.round(100 * fraction)));
      return fraction;
    }

    private @Nullable Path validation() {
      if (choices.validationFile() != null) {
        return choices.validationFile();
      }
      String name = String.valueOf(survey.file().getFileName());
      if (!name.contains("train")) {
        return null;
      }
      for (String other : VALIDATION) {
        Path file = survey.file().resolveSibling(name.replaceFirst("train", other));
        if (Files.isRegularFile(file)) {
          told.add("%s, which stands beside it, is evaluated on".formatted(file.getFileName()));
          return file;
        }
      }
      return null;
    }

    private @Nullable SurveyColumn byName(List<String> names, Predicate<SurveyColumn> fits) {
      for (String name : names) {
        for (SurveyColumn column : survey.columns()) {
          if (plain(column.name()).equals(name) && fits.test(column)) {
            return column;
          }
        }
      }
      for (String name : names) {
        for (SurveyColumn column : survey.columns()) {
          if (plain(column.name()).endsWith("_" + name) && fits.test(column)) {
            return column;
          }
        }
      }
      return null;
    }

    private static boolean isNamed(SurveyColumn column, List<String> names) {
      return names.contains(plain(column.name()));
    }

    private static String plain(String name) {
      return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
    }
  }
}
