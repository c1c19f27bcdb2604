package dev.filtrate.data.squad;

import dev.filtrate.base.Check;
import java.nio.file.Path;
import java.util.List;

/**
 * A task of answering questions: all that a recipe says about its data.
 *
 * @param name the task's name, for reports
 * @param trainFile the questions to learn from, as SQuAD's JSON
 * @param validationFile the questions that are evaluated on
 * @param settings how questions are asked and answers found
 * @param maxTrainSamples only so many training questions, the first ones, are used; 0: all
 * @param maxEvalSamples only so many validation questions, the first ones, are used; 0: all
 */
public record SquadTask(
    String name,
    Path trainFile,
    Path validationFile,
    SquadSettings settings,
    int maxTrainSamples,
    int maxEvalSamples) {
  /** The questions to learn from; what is wrong with the file is a UserError. */
  public List<Question> train() {
    return questions(trainFile, maxTrainSamples);
  }

  /** The questions to be evaluated on; what is wrong with the file is a UserError. */
  public List<Question> validation() {
    return questions(validationFile, maxEvalSamples);
  }

  private List<Question> questions(Path file, int most) {
    List<Question> all = SquadReader.read(file);
    if (!settings.version2WithNegative()) {
      List<Question> open = all.stream().filter(question -> !question.isAnswerable()).toList();
      Check.user(
          open.isEmpty(),
          "%s: %d of %d questions have no answer (first: \"%s\"), which is for squad_v2; set"
              + " task_name: squad_v2, or version_2_with_negative: true",
          file,
          open.size(),
          all.size(),
          open.isEmpty() ? "" : open.get(0).id());
    }
    return most > 0 && most < all.size() ? all.subList(0, most) : all;
  }
}
