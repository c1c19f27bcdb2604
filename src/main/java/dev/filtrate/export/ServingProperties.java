package dev.filtrate.export;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.data.ProblemType;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import java.nio.file.Path;
import java.util.List;

/**
 * {@code serving.properties}: how DJL opens the folder. Where DJL has no translator that would give
 * the student's answer, none is named, and a comment says why.
 */
final class ServingProperties {
  static final String FILE = "serving.properties";
  private static final String TRANSLATORS = "ai.djl.huggingface.translator.";

  private ServingProperties() {}

  /**
   * Writes the file.
   *
   * @param inputs of the graph
   * @param pairs whether the task's texts come in twos
   */
  static void write(Path folder, Model model, List<String> inputs, int maxLength, boolean pairs) {
    StringBuilder text = new StringBuilder("engine=OnnxRuntime\noption.modelName=model\n");
    text.append(translator(model, pairs));
    text.append("includeTokenTypes=").append(inputs.contains("token_type_ids")).append('\n');
    text.append("padding=true\ntruncation=true\nmaxLength=").append(maxLength).append('\n');
    AtomicFiles.writeText(folder.resolve(FILE), text.toString());
  }

  private static String translator(Model model, boolean pairs) {
    if (model.head() == Head.QUESTION_ANSWERING) {
      return "translatorFactory=" + TRANSLATORS + "QuestionAnsweringTranslatorFactory\n";
    }
    if (model.config().problemType() == ProblemType.REGRESSION) {
      return "# no translatorFactory: DJL's would put the score through a sigmoid\n";
    }
    if (pairs) {
      return "# no translatorFactory: DJL has none for the classes of pairs of texts\n";
    }
    return "translatorFactory=" + TRANSLATORS + "TextClassificationTranslatorFactory\n";
  }
}
