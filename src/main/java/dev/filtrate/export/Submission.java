package dev.filtrate.export;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Example;
import dev.filtrate.data.GlueTask;
import dev.filtrate.data.GlueTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/**
 * A student's answers to the test sets of a GLUE task, in the files that the leaderboard takes: a
 * header {@code index<TAB>prediction}, then a line for every example in the test file's order.
 */
public final class Submission {
  private static final double HIGHEST_SCORE = 5; // STS-B

  private final Student student;
  private final GlueTask task;

  /** The answers of a student to a task that it was trained for. */
  public Submission(Student student, GlueTask task) {
    this.student = student;
    this.task = task;
    List<String> names = student.labels();
    boolean scores = task.labels().isEmpty();
    Check.user(
        scores
            ? student.isRegression()
            : !student.isRegression()
                && !student.isMultiLabel()
                && names.size() == task.labels().size(),
        "%s: the model knows %s, but %s wants %s; answer with a model that was trained for the task",
        student.config().common().where(),
        names,
        task.id(),
        scores ? "a score" : "one of " + task.labels());
    Check.user(
        scores || sameNames() || names.stream().allMatch(Submission::isStandIn),
        "%s: expected the labels %s, found %s",
        student.config().common().where(),
        task.labels(),
        names);
  }

  /** Whether the model's labels are the task's, in whichever order. */
  private boolean sameNames() {
    return Set.copyOf(student.labels()).equals(Set.copyOf(task.labels()));
  }

  /** A name that says the id only: Hugging Face's own, or a released checkpoint's. */
  private static boolean isStandIn(String name) {
    return name.matches("(LABEL_)?\\d+");
  }

  /**
   * Answers every test file that is there; without any it is a {@link UserError}.
   *
   * @param data the folder of the task's files
   * @param folder where the answers go
   * @return the files that were written
   */
  public List<Path> write(Path data, Path folder) {
    List<GlueTest> tests = task.tests(data);
    List<Path> written = new ArrayList<>();
    for (GlueTest test : tests) {
      if (Files.isRegularFile(test.file())) {
        Path file = folder.resolve(test.answers());
        AtomicFiles.writeText(file, answers(test.read()));
        written.add(file);
      }
    }
    if (written.isEmpty()) {
      throw UserError.of(
          "%s: holds no test file of %s; expected %s",
          data,
          task.id(),
          String.join(" or ", tests.stream().map(t -> t.file().getFileName().toString()).toList()));
    }
    return written;
  }

  private String answers(List<Example> examples) {
    List<Prediction> predictions = student.answer(examples);
    StringBuilder lines = new StringBuilder("index\tprediction\n");
    for (int i = 0; i < predictions.size(); i++) {
      lines.append(i).append('\t').append(answer(predictions.get(i))).append('\n');
    }
    return lines.toString();
  }

  private String answer(Prediction prediction) {
    if (task.labels().isEmpty()) {
      double score = Math.max(0, Math.min(HIGHEST_SCORE, prediction.score()));
      return String.format(Locale.ROOT, "%.3f", score);
    }
    String label = Objects.requireNonNull(prediction.label());
    int id = (sameNames() ? task.labels() : student.labels()).indexOf(label);
    return task.answersByName() ? task.labels().get(id) : Integer.toString(id);
  }
}
