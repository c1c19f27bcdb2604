package dev.filtrate.train;

import dev.filtrate.base.Randomness;
import dev.filtrate.graph.Tensor;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.weights.Safetensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.BooleanSupplier;

/**
 * A task, models and a recipe so small that a whole run takes a second or two: sentences of a few
 * words, of which the class is whether good words outnumber bad ones.
 */
public final class TinyTask extends TinyFolder {
  private static final List<String> GOOD = List.of("good", "fine", "nice");
  private static final List<String> BAD = List.of("bad", "poor", "dull");
  private static final List<String> OTHER = List.of("the", "film", "was", "a", "plot", "and");

  /** Configs of both models, which are YAML too. */
  public static final String BERT_TEACHER = bert(16, 2);

  /** The student's. */
  public static final String BERT_STUDENT = bert(8, 1);

  private static String bert(int hiddenSize, int layers) {
    return """
        {"model_type": "bert", "vocab_size": 17, "hidden_size": %d, "num_hidden_layers": %d,\
         "num_attention_heads": 2, "intermediate_size": %d, "max_position_embeddings": 16,\
         "initializer_range": 0.2}"""
        .formatted(hiddenSize, layers, 2 * hiddenSize);
  }

  /** A teacher that reads positions in its attention. */
  static final String DEBERTA_TEACHER = deberta(16, 2);

  /** Its student. */
  static final String DEBERTA_STUDENT = deberta(8, 1);

  private static String deberta(int hiddenSize, int layers) {
    return """
        {model_type: deberta-v2, vocab_size: 17, hidden_size: %d, num_hidden_layers: %d,\
         num_attention_heads: 2, intermediate_size: %d, max_position_embeddings: 16,\
         type_vocab_size: 0, relative_attention: true, position_buckets: 4,\
         pos_att_type: [p2c, c2p], norm_rel_ebd: layer_norm, position_biased_input: false,\
         conv_kernel_size: 3, conv_act: gelu, initializer_range: 0.2}"""
        .formatted(hiddenSize, layers, 2 * hiddenSize);
  }

  /** Writes the task's files and its recipe into a folder. */
  public TinyTask(Path folder) {
    super(folder);
    write("vocab.txt", vocabulary());
    write("train.tsv", examples(36, 1));
    write("dev.tsv", examples(20, 2));
    write("recipe.yaml", yaml(BERT_TEACHER, BERT_STUDENT));
  }

  private static String vocabulary() {
    List<String> tokens = new ArrayList<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"));
    tokens.addAll(GOOD);
    tokens.addAll(BAD);
    tokens.addAll(OTHER);
    return String.join("\n", tokens) + "\n";
  }

  /** A header and so many lines of 2 to 8 words. */
  static String examples(int count, long seed) {
    Randomness random = Randomness.of(seed, "tiny task");
    StringBuilder lines = new StringBuilder("sentence\tlabel\n");
    for (int i = 0; i < count; i++) {
      List<String> telling = i % 2 == 1 ? GOOD : BAD;
      StringJoiner words = new StringJoiner(" ");
      words.add(telling.get(random.nextInt(3)));
      int others = 1 + random.nextInt(7);
      for (int w = 0; w < others; w++) {
        words.add(OTHER.get(random.nextInt(OTHER.size())));
      }
      lines.append(words).append('\t').append(i % 2).append('\n');
    }
    return lines.toString();
  }

  static String yaml(String teacher, String student) {
    return """
    name: tiny
    seed: 5
    threads: 1
    task: {train_file: train.tsv, validation_file: dev.tsv}
    tokenizer: {path: vocab.txt, max_length: 16}
    training:
      per_device_train_batch_size: 4
      num_train_epochs: 3
      learning_rate: 4e-2
      weight_decay: 0.01
      num_warmup_steps: 2
      max_grad_norm: 1
      cls_dropout: 0
      hidn_dropout: 0
      att_dropout: 0
    teacher:
      config: %s
      finetune: {learning_rate: 1e-2}
    student:
      config: %s
    filters: {teacher_filter_interval: 2}
    distill: {kl_alpha: 1, mse_alpha: 1}
    """
        .formatted(teacher, student);
  }

  /** The recipe with its run's folder and some keys replaced. */
  public Recipe recipe(Path out, String... assignments) {
    return recipe(Use.RUN, out, assignments);
  }

  /** A whole run, not stopped. */
  static Results run(Recipe recipe) {
    return new Run(recipe, Progress.SILENT, () -> false, false).execute();
  }

  /** A whole run that goes on where an earlier one stopped. */
  static Results resume(Recipe recipe) {
    return new Run(recipe, Progress.SILENT, () -> false, true).execute();
  }

  /** What somebody saw who watched a run, and who may ask it to stop. */
  static class Watcher implements Progress, BooleanSupplier {
    final List<String> notes = new ArrayList<>();
    private final String stage;
    private final int step;
    private String at = "";

    /** Stops after an update of a stage. */
    Watcher(String stage, int step) {
      this.stage = stage;
      this.step = step;
    }

    @Override
    public boolean getAsBoolean() {
      return at.equals(stage + " " + step);
    }

    @Override
    public void begin(Path folder, String begun, int done, int steps) {
      notes.add("begin " + begun + " " + done + " " + steps);
    }

    @Override
    public void update(Update update) {
      at = update.stage() + " " + update.step();
    }

    @Override
    public void evaluation(String evaluated, int done, Map<String, Double> metrics, boolean best) {
      notes.add("evaluation " + evaluated + " " + done + (best ? " best" : ""));
    }

    @Override
    public void end(String ended, int done, double seconds) {
      notes.add("end " + ended + " " + done);
    }

    @Override
    public void note(String text) {
      notes.add(text);
    }
  }

  /** The tensors of a model's folder as bits, which compare exactly. */
  static Map<String, List<Integer>> bits(Path modelFolder) {
    return bits(Safetensors.open(modelFolder.resolve("model.safetensors")).tensors());
  }

  /** Tensors as bits. */
  static Map<String, List<Integer>> bits(Map<String, Tensor> tensors) {
    Map<String, List<Integer>> bits = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          List<Integer> numbers = new ArrayList<>();
          for (float value : tensor.toFloats()) {
            numbers.add(Float.floatToRawIntBits(value));
          }
          bits.put(name, numbers);
        });
    return bits;
  }

  /** The lines of {@code metrics.jsonl} without what clocks measured. */
  static List<String> log(Path runFolder) {
    try {
      return Files.readAllLines(runFolder.resolve("metrics.jsonl")).stream()
          .map(line -> line.replaceAll(",\"(examples_per_second|time)\":[^,}]*", ""))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
