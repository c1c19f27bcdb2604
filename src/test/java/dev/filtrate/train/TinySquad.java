package dev.filtrate.train;

import dev.filtrate.base.Randomness;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/**
 * Questions and a recipe so small that a whole run takes seconds: "who likes tea ?" about texts
 * such as "ann likes tea . bob likes rice .", which begin with characters outside the basic plane
 * and are mostly longer than a window.
 */
public final class TinySquad extends TinyFolder {
  private static final List<String> PEOPLE = List.of("ann", "bob", "eve", "kim", "max", "zoe");
  private static final List<String> THINGS = List.of("tea", "rice", "jazz", "rain", "chess");

  /** Writes the task's files and its recipe into a folder. */
  public TinySquad(Path folder) {
    super(folder);
    List<String> tokens = new ArrayList<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"));
    tokens.addAll(PEOPLE);
    tokens.addAll(THINGS);
    tokens.addAll(List.of("who", "likes", "?", ".", "\uD83D\uDE00", "\uD800\uDF48"));
    write("vocab.txt", String.join("\n", tokens) + "\n");
    write("train.json", json(24, 1, true));
    write("dev.json", json(12, 2, true));
    write("train-v1.json", json(24, 3, false));
    write("dev-v1.json", json(12, 4, false));
    write("recipe.yaml", RECIPE);
  }

  private static final String RECIPE =
      """
      name: tiny-squad
      seed: 5
      threads: 1
      task: {task_name: squad_v2, train_file: train.json, validation_file: dev.json, doc_stride: 4}
      tokenizer: {path: vocab.txt, max_length: 20}
      training:
        per_device_train_batch_size: 4
        num_train_epochs: 2
        learning_rate: 1e-2
        cls_dropout: 0
        hidn_dropout: 0
        att_dropout: 0
      teacher: {config: %s}
      student: {config: %s}
      filters: {teacher_filter_interval: 2}
      distill: {kl_alpha: 1, mse_alpha: 1}
      """
          .formatted(bert(16, 2), bert(8, 1));

  private static String bert(int hiddenSize, int layers) {
    return """
        {"model_type": "bert", "vocab_size": 24, "hidden_size": %d, "num_hidden_layers": %d,\
         "num_attention_heads": 2, "intermediate_size": %d, "max_position_embeddings": 20,\
         "initializer_range": 0.2}"""
        .formatted(hiddenSize, layers, 2 * hiddenSize);
  }

  /** So many questions, each about a text of its own; every third without an answer, if any. */
  private static String json(int count, long seed, boolean negative) {
    Randomness random = Randomness.of(seed, "tiny squad");
    StringJoiner paragraphs = new StringJoiner(",\n");
    for (int i = 0; i < count; i++) {
      int first = random.nextInt(THINGS.size());
      StringJoiner text = new StringJoiner(" ", "\uD83D\uDE00 \uD800\uDF48 ", "");
      String answer = "";
      int start = 0;
      for (int j = 0; j < 4; j++) { // all things but one
        String person = PEOPLE.get(random.nextInt(PEOPLE.size()));
        if (j == i % 4) {
          answer = person;
          String before = text.toString();
          start = before.codePointCount(0, before.length()) + (j == 0 ? 0 : 1);
        }
        text.add(person + " likes " + THINGS.get((first + j) % THINGS.size()) + " .");
      }
      boolean none = negative && i % 3 == 2;
      String thing = THINGS.get((first + (none ? 4 : i % 4)) % THINGS.size());
      String answers =
          none ? "" : "{\"text\": \"%s\", \"answer_start\": %d}".formatted(answer, start);
      paragraphs.add(
          """
          {"context": "%s", "qas": [{"id": "q%d", "question": " who likes %s ?",\
           "is_impossible": %s, "answers": [%s]}]}"""
              .formatted(text, i, thing, none, answers));
    }
    return "{\"version\": \"tiny\", \"data\": [{\"title\": \"t\", \"paragraphs\": ["
        + paragraphs
        + "]}]}\n";
  }
}
