package dev.filtrate.api;

import com.google.errorprone.annotations.MustBeClosed;
import dev.filtrate.data.squad.Question;
import dev.filtrate.data.squad.SquadSettings;
import java.nio.file.Path;
import java.util.List;

/**
 * A model that answers, from an exported folder or from a Hugging Face folder of any family that
 * Filtrate knows. Not for several threads at once; close it.
 */
public final class Student implements AutoCloseable {
  private final dev.filtrate.export.Student student;

  private Student(dev.filtrate.export.Student student) {
    this.student = student;
  }

  /** Loads a folder with its own tokenizer; it runs on all cores. */
  @MustBeClosed
  @SuppressWarnings("MustBeClosedChecker") // this student closes it
  public static Student load(Path folder) {
    return new Student(dev.filtrate.export.Student.load(folder));
  }

  /** The classes in the order of their ids; a single name where it scores. */
  public List<String> labels() {
    return student.labels();
  }

  /** The answer to a text. */
  public Prediction classify(String text) {
    return classify(List.of(text)).get(0);
  }

  /** The answers to texts, in their order. */
  public List<Prediction> classify(List<String> texts) {
    return student.classify(texts).stream().map(Student::told).toList();
  }

  /** The answer to a pair of texts. */
  public Prediction classify(String first, String second) {
    return told(student.classifyPairs(List.of(first), List.of(second)).get(0));
  }

  /** The part of a text that answers a question. */
  public String answer(String question, String text) {
    Question asked = new Question("0", question, text, List.of());
    return student.answer(List.of(asked), SquadSettings.released(false)).get(0).text(false, 0);
  }

  private static Prediction told(dev.filtrate.export.Prediction prediction) {
    return new Prediction(prediction.labels(), prediction.score(), prediction.probabilities());
  }

  /** Frees the model; closing again does nothing. */
  @Override
  public void close() {
    student.close();
  }
}
