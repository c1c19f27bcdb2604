package dev.filtrate.cli;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.GlueTask;
import dev.filtrate.data.squad.SquadSettings;
import dev.filtrate.export.Student;
import dev.filtrate.export.Submission;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.jspecify.annotations.Nullable;

/** {@code filtrate predict}: a model's answers to texts that are typed, piped or in a file. */
final class PredictCommand implements Command {
  private static final String PAIRS = "pairs";
  private static final String FILE = "input_file";
  private static final String JSON = "json";
  private static final String CSV = "csv";
  private static final String SUBMISSION = "submission";
  private static final String TASK = "task_name";
  private static final String DATA = "data_dir";
  private static final String VERSION_2 = "version_2_with_negative";
  private static final String THRESHOLD = "null_score_diff_threshold";

  /** So many lines are answered at once, if so many are there. */
  private static final int CHUNK = 256;

  private final InputStream in;

  /** Reads the process's standard input. */
  PredictCommand() {
    this(System.in);
  }

  PredictCommand(InputStream in) {
    this.in = in;
  }

  /** A text, or two. */
  record Texts(String first, @Nullable String second) {}

  @Override
  public String name() {
    return "predict";
  }

  @Override
  public String summary() {
    return "answer texts with a trained model or an exported student: label, probability, text";
  }

  @Override
  public String arguments() {
    return "[TEXT...]";
  }

  @Override
  public Options options() {
    return RecipeFlags.options(Use.PREDICT)
        .addOption(Flags.valued(FILE, "FILE", "texts, a line each (default: standard input)"))
        .addOption(
            Flags.flag(PAIRS, "a text is two: arguments by twos, lines with a tab in between"))
        .addOption(Flags.flag(JSON, "print a JSON object a line, with every label's probability"))
        .addOption(Flags.flag(CSV, "print the same as CSV with a header, for spreadsheets"))
        .addOption(
            Flags.flag(VERSION_2, "of a model for SQuAD 2.0: a text may be without an answer"))
        .addOption(
            Flags.valued(
                THRESHOLD, "X", "then: no answer if that scores higher by more than X (default 0)"))
        .addOption(
            Flags.valued(
                SUBMISSION, "FOLDER", "answer a GLUE task's test files, as its leaderboard wants"))
        .addOption(Flags.valued(TASK, "NAME", "the GLUE task of --" + SUBMISSION))
        .addOption(Flags.valued(DATA, "FOLDER", "the folder of its test files"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example(
            "--model_name_or_path runs/default/export \"what a lovely day\"", "a typed sentence"),
        new Example(
            "--model_name_or_path export --input_file reviews.txt --json", "a file, for programs"),
        new Example(
            "--model_name_or_path export --input_file reviews.txt --csv > answers.csv",
            "a file, for a spreadsheet"),
        new Example(
            "--model_name_or_path qa \"Who sang?\" \"Ann sang, Bob played.\"",
            "a question and the text that may answer it, by a model for SQuAD"),
        new Example(
            "--model_name_or_path ted --task_name mnli --data_dir MNLI --submission answers",
            "answers/MNLI-m.tsv and MNLI-mm.tsv, for GLUE's leaderboard"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    List<String> arguments = line.getArgList();
    String file = line.getOptionValue(FILE);
    Check.user(
        file == null || arguments.isEmpty(),
        "--%s: cannot go with texts among the arguments; leave one out",
        FILE);
    Recipe recipe = RecipeFlags.read(line, Use.PREDICT);
    if (submits(line)) {
      submit(line, recipe, console);
      return DONE;
    }
    try (Student student = FinishedModel.load(recipe)) {
      boolean pairs = line.hasOption(PAIRS) || student.answersQuestions();
      Check.user(
          !pairs || arguments.size() % 2 == 0,
          "%s: expected arguments by twos%s, got %d",
          student.answersQuestions() ? recipe.student().folder() : "--" + PAIRS,
          student.answersQuestions() ? ", a question and a text" : "",
          arguments.size());
      Answers answers = new Answers(student, form(line), settings(line, recipe), console);
      if (!arguments.isEmpty()) {
        answers.to(pairs ? byTwos(arguments) : singles(arguments));
      } else {
        lines(file, pairs, answers, console);
      }
    }
    return DONE;
  }

  /** Whether a leaderboard's files are wanted; then all three flags are, and no texts. */
  private static boolean submits(CommandLine line) {
    List<String> flags = List.of(SUBMISSION, TASK, DATA);
    long given = flags.stream().filter(line::hasOption).count();
    Check.user(
        given == 0 || given == flags.size(),
        "--%s, --%s and --%s go together; give all of them",
        SUBMISSION,
        TASK,
        DATA);
    boolean texts = !line.getArgList().isEmpty() || line.hasOption(FILE);
    Check.user(
        given == 0
            || !(texts || line.hasOption(PAIRS) || line.hasOption(JSON) || line.hasOption(CSV)),
        "--%s: answers the task's own test files; leave out texts, --%s, --%s, --%s and --%s",
        SUBMISSION,
        FILE,
        PAIRS,
        JSON,
        CSV);
    return given > 0;
  }

  private static void submit(CommandLine line, Recipe recipe, Console console) {
    GlueTask task = GlueTask.named(line.getOptionValue(TASK));
    try (Student student = FinishedModel.load(recipe)) {
      Path data = Path.of(line.getOptionValue(DATA));
      new Submission(student, task)
          .write(data, Path.of(line.getOptionValue(SUBMISSION)))
          .forEach(file -> console.print(file.toString()));
    }
  }

  private static Answers.Form form(CommandLine line) {
    Check.user(
        !line.hasOption(JSON) || !line.hasOption(CSV),
        "--%s: cannot go with --%s; leave one out",
        JSON,
        CSV);
    return line.hasOption(JSON)
        ? Answers.Form.JSON
        : line.hasOption(CSV) ? Answers.Form.CSV : Answers.Form.TEXT;
  }

  /** How answers to questions are found; windows share a third of their tokens at most. */
  private static SquadSettings settings(CommandLine line, Recipe recipe) {
    SquadSettings released = SquadSettings.released(line.hasOption(VERSION_2));
    String threshold = line.getOptionValue(THRESHOLD, "0");
    Check.user(
        line.hasOption(VERSION_2) || !line.hasOption(THRESHOLD),
        "--%s: goes with --%s",
        THRESHOLD,
        VERSION_2);
    Check.user(
        threshold.matches("-?\\d+(\\.\\d+)?"),
        "--%s: expected a number, got '%s'",
        THRESHOLD,
        threshold);
    return new SquadSettings(
        released.version2WithNegative(),
        Math.min(released.docStride(), recipe.tokenizer().maxLength() / 3),
        released.nBestSize(),
        released.maxAnswerLength(),
        Double.parseDouble(threshold),
        false);
  }

  private static List<Texts> singles(List<String> texts) {
    return texts.stream().map(text -> new Texts(text, null)).toList();
  }

  private static List<Texts> byTwos(List<String> texts) {
    List<Texts> pairs = new ArrayList<>();
    for (int i = 0; i < texts.size(); i += 2) {
      pairs.add(new Texts(texts.get(i), texts.get(i + 1)));
    }
    return pairs;
  }

  /** Answers line by line as they come: somebody may be typing. */
  private void lines(@Nullable String file, boolean pairs, Answers answers, Console console) {
    if (file == null && console.isTerminal()) {
      console.note("reading texts from standard input, a line each");
    }
    String where = file == null ? "standard input" : file;
    try (BufferedReader reader = open(file)) {
      List<Texts> waiting = new ArrayList<>();
      int number = 0;
      for (String text = reader.readLine(); text != null; text = reader.readLine()) {
        number++;
        text = number == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
        waiting.add(pairs ? pair(text, where, number) : new Texts(text, null));
        if (waiting.size() == CHUNK || !reader.ready()) {
          answers.to(waiting);
          waiting.clear();
        }
      }
      answers.to(waiting);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(Path.of(where), e);
    }
  }

  private BufferedReader open(@Nullable String file) throws IOException {
    InputStream bytes = file == null ? in : Files.newInputStream(Path.of(file));
    return new BufferedReader(new InputStreamReader(bytes, StandardCharsets.UTF_8));
  }

  private static Texts pair(String line, String where, int number) {
    int tab = line.indexOf('\t');
    if (tab < 0) {
      throw UserError.of("%s:%d: expected two texts with a tab in between", where, number);
    }
    return new Texts(line.substring(0, tab), line.substring(tab + 1));
  }
}
