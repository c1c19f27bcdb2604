package dev.filtrate.recipe;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.Example;
import dev.filtrate.data.FileFormat;
import dev.filtrate.data.Layout;
import dev.filtrate.data.Metrics;
import dev.filtrate.data.Survey;
import dev.filtrate.data.TaskData;
import dev.filtrate.data.TaskProposal;
import dev.filtrate.data.TaskSpec;
import dev.filtrate.data.tokenize.Vocabulary;
import dev.filtrate.hub.HubCache;
import dev.filtrate.hub.HubSettings;
import dev.filtrate.model.ModelConfig;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A first recipe for somebody's own data, with comments. Models are those that are named, or small
 * ones from scratch with a vocabulary that is learnt from the data.
 *
 * @param yaml the recipe
 * @param vocabulary what belongs into the file that it names as its tokenizer; null where the
 *     models bring one
 * @param assumptions what was guessed, a sentence each
 */
public record RecipeDraft(String yaml, @Nullable String vocabulary, List<String> assumptions) {
  private static final int VOCABULARY = 8_000;
  private static final int SHORTEST = 32;
  private static final int LONGEST = 256;

  /** About so many examples are seen in each stage of models from scratch. */
  private static final int SEEN = 50_000;

  /** Above so many examples models from scratch are larger. */
  private static final int MANY = 20_000;

  /** More classes than this are not written out. */
  private static final int MOST_LISTED = 50;

  /** Plain scalars: what YAML takes for text, and never for a number, a truth value or nothing. */
  private static final String PLAIN = "[A-Za-z_./][\\w./ +-]*[\\w/]|[A-Za-z_]|-?\\d+(\\.\\d+)?";

  private static final String WORDS = "(?i)true|false|yes|no|on|off|null|y|n";

  /**
   * What the user says.
   *
   * @param recipe where the recipe will stand; paths in it are relative to its folder
   * @param task about the columns
   * @param teacher a folder or a fetched model, or null
   * @param student the same, or null
   * @param schema the file of the JSON schema that editors are told of, or null
   */
  public record Wishes(
      Path recipe,
      TaskProposal.Choices task,
      @Nullable String teacher,
      @Nullable String student,
      @Nullable Path schema) {}

  /** Copies the list. */
  public RecipeDraft {
    assumptions = List.copyOf(assumptions);
  }

  /** Drafts a recipe for a file; what does not work is a {@link UserError}. */
  public static RecipeDraft of(Survey survey, Wishes wishes) {
    Check.user(
        wishes.teacher != null || wishes.student == null,
        "--teacher_model_name_or_path: missing: a student without a teacher learns nothing new");
    TaskProposal proposal = TaskProposal.of(survey, wishes.task);
    TaskSpec task = proposal.task().withMetric(Metrics.of(proposal.task().problemType()).get(0));
    TaskData data;
    try {
      data = TaskData.forTraining(task, 42); // reads it as a run will
    } catch (UserError e) {
      throw new UserError(
          e.getMessage()
              + "; where the guess is wrong, say --label_key, --sentence1_key, --sentence2_key or"
              + " --problem_type",
          e);
    }
    return new Draft(survey, proposal, task, data, wishes).write();
  }

  /** Where the vocabulary of a recipe is put. */
  public static Path vocabularyFile(Path recipe) {
    return recipe.resolveSibling(stem(recipe) + "-vocab.txt");
  }

  private static String stem(Path recipe) {
    return String.valueOf(recipe.getFileName()).replaceFirst("\\.ya?ml$", "");
  }

  /** A recipe in the making. */
  private static final class Draft {
    private final Survey survey;
    private final TaskProposal proposal;
    private final TaskSpec task;
    private final TaskData data;
    private final Wishes wishes;
    private final Path folder;
    private final List<String> told;
    private final StringBuilder text = new StringBuilder();

    Draft(Survey survey, TaskProposal proposal, TaskSpec task, TaskData data, Wishes wishes) {
      this.survey = survey;
      this.proposal = proposal;
      this.task = task;
      this.data = data;
      this.wishes = wishes;
      Path parent = wishes.recipe.toAbsolutePath().normalize().getParent();
      this.folder = parent == null ? Path.of("").toAbsolutePath() : parent;
      this.told = new ArrayList<>(proposal.assumptions());
    }

    RecipeDraft write() {
      String vocabulary = null;
      head();
      task();
      int length = length();
      if (wishes.teacher == null) {
        List<String> tokens = vocabulary();
        vocabulary = String.join("\n", tokens) + "\n";
        fromScratch(tokens.size(), length);
      } else {
        pretrained(length);
      }
      tail();
      Recipe.parse(text.toString(), wishes.recipe.toString(), folder, List.of(), checked());
      return new RecipeDraft(text.toString(), vocabulary, told);
    }

    /** A vocabulary is only written after the recipe was found right. */
    private Use checked() {
      return wishes.teacher == null ? Use.PLAN : Use.RUN;
    }

    private void head() {
      if (wishes.schema != null) {
        comment("yaml-language-server: $schema=" + wishes.schema);
      }
      comment(
          "Made by 'filtrate init' of %s: %,d rows, %d columns (%s)."
              .formatted(
                  survey.file().getFileName(),
                  survey.rows(),
                  survey.columns().size(),
                  survey.layout().format().id()));
      told.forEach(this::bullet);
      comment("Next:");
      comment("  filtrate plan " + recipeName() + "   (what it will take; whether all is there)");
      comment("  filtrate run " + recipeName() + "    (train, compare, export)");
      line("name: " + scalar(stem(wishes.recipe)));
      line("seed: 42", "[42, 43, 44] does all of it three times and tells mean ± deviation");
    }

    private String recipeName() {
      return String.valueOf(wishes.recipe.getFileName());
    }

    private void task() {
      Layout layout = task.layout();
      section("task");
      line("  task_name: " + scalar(task.name()));
      line("  train_file: " + path(task.trainFile()));
      Path validation = task.validationFile();
      if (validation == null) {
        line(
            "  validation_fraction: " + task.validationFraction(),
            "held out: %,d rows; or say validation_file: FILE".formatted(data.validation().size()));
      } else {
        line("  validation_file: " + path(validation));
      }
      layout(layout);
      line("  sentence1_key: " + scalar(layout.sentence1()));
      if (layout.sentence2() != null) {
        line("  sentence2_key: " + scalar(layout.sentence2()));
      } else {
        line("  # sentence2_key: COLUMN", "the second text, if texts are pairs");
      }
      List<String> labels = layout.labels();
      line("  label_key: " + (labels.size() == 1 ? scalar(labels.get(0)) : list(labels)));
      line("  problem_type: " + task.problemType().id());
      if (!task.labels().isEmpty() && task.labels().size() <= MOST_LISTED) {
        line("  labels: " + list(task.labels()), "in the order of their ids");
      }
      shares().ifPresent(shares -> line("  # " + shares));
      line("  metric: " + task.metric(), others());
      if (layout.skipShort()) {
        line("  skip_short_rows: true", "rows without a text are left out and counted");
      }
    }

    private void layout(Layout layout) {
      FileFormat format = layout.format();
      FileFormat usual = usual();
      if (format != usual) {
        line("  format: " + format.id());
      }
      Layout base = Layout.of(format, "", null, null);
      if (layout.delimiter() != base.delimiter()) {
        line(
            "  delimiter: "
                + (layout.delimiter() == '\t' ? "tab" : "\"" + layout.delimiter() + "\""));
      }
      if (layout.quoted() != base.quoted()) {
        line("  quoted: " + layout.quoted());
      }
      if (!layout.encoding().equals(StandardCharsets.UTF_8)) {
        line("  encoding: " + layout.encoding().name());
      }
      if (!layout.header()) {
        line("  header: false", "columns are counted from 0");
      }
    }

    private @Nullable FileFormat usual() {
      try {
        return FileFormat.of(survey.file());
      } catch (UserError e) { // its ending says nothing
        return null;
      }
    }

    private Optional<String> shares() {
      Map<String, Integer> classes = proposal.classes();
      if (classes.isEmpty()) {
        return Optional.empty();
      }
      StringJoiner shares = new StringJoiner(", ");
      classes.entrySet().stream()
          .limit(MOST_LISTED)
          .forEach(e -> shares.add("%s: %,d".formatted(e.getKey(), e.getValue())));
      String more = classes.size() > MOST_LISTED ? ", …" : "";
      return Optional.of("examples of each: " + shares + more);
    }

    private String others() {
      List<String> all = Metrics.of(task.problemType());
      boolean two = task.labels().size() == 2;
      return "selects the best model; also "
          + String.join(
              ", ",
              all.stream()
                  .filter(m -> !m.equals(task.metric()))
                  .filter(m -> two || !m.equals("f1"))
                  .toList());
    }

    /** Room for 19 of 20 texts, in tokens. */
    private int length() {
      int tokens = (int) Math.ceil(proposal.words() * 1.3) + 3;
      int length = Math.min(LONGEST, Math.max(SHORTEST, Math.floorDiv(tokens + 15, 16) * 16));
      told.add(
          "texts are cut to %d tokens: 19 of 20 have at most %d words and signs"
              .formatted(length, proposal.words()));
      bullet(told.get(told.size() - 1), text.indexOf("# Next:"));
      return length;
    }

    private List<String> vocabulary() {
      Stream<String> texts =
          data.train().stream()
              .flatMap(e -> Stream.of(e.sentence1(), second(e)))
              .filter(t -> !t.isEmpty());
      List<String> tokens = Vocabulary.learn(texts.toList(), VOCABULARY);
      told.add(
          "no models are named, so both start from scratch with a vocabulary of %,d pieces learnt"
                  .formatted(tokens.size())
              + " from the texts; pretrained models do much better:"
              + " --teacher_model_name_or_path, --model_name_or_path");
      bullet(told.get(told.size() - 1), text.indexOf("# Next:"));
      return tokens;
    }

    private static String second(Example example) {
      String second = example.sentence2();
      return second == null ? "" : second;
    }

    private void fromScratch(int vocabulary, int length) {
      int examples = data.train().size();
      int batch = examples < 640 ? 8 : 32;
      int epochs = Math.max(2, Math.min(20, (SEEN + examples - 1) / examples));
      boolean many = examples > MANY;
      int updates = epochs * Math.max(1, examples / batch);
      section("tokenizer");
      line("  path: " + scalar(String.valueOf(vocabularyFile(wishes.recipe).getFileName())));
      line("  max_length: " + length);
      section("training", "what all stages share where they say nothing else");
      line("  per_device_train_batch_size: " + batch);
      line("  per_device_eval_batch_size: 64");
      line("  num_train_epochs: " + epochs);
      line("  num_warmup_steps: " + Math.min(100, updates / 10));
      line("  weight_decay: 0.01");
      line("  max_grad_norm: 1");
      line("  save_best: true", "keep each stage's best model on the held out rows");
      scratch("teacher", vocabulary, length, many ? 256 : 128, 4, many ? "3e-4" : "5e-4");
      scratch("student", vocabulary, length, many ? 128 : 64, 2, many ? "5e-4" : "1e-3");
      section("filters");
      line("  teacher_filter_interval: 2", "student layer k learns from teacher layer 2k");
      section("distill");
      line("  learning_rate: " + (many ? "5e-4" : "1e-3"));
      line("  kl_alpha: 2", "weight of the divergence from the teacher's answers");
      line("  mse_alpha: 1", "weight of the layer-wise error");
    }

    private void scratch(
        String who, int vocabulary, int length, int width, int layers, String rate) {
      section(who);
      line("  config:");
      line("    model_type: bert");
      line("    vocab_size: " + vocabulary);
      line("    hidden_size: " + width);
      line("    num_hidden_layers: " + layers);
      line("    num_attention_heads: " + layers);
      line("    intermediate_size: " + 4 * width);
      line("    max_position_embeddings: " + length);
      stages(rate, "1e-3");
    }

    private void stages(String rate, String filterRate) {
      line("  finetune:");
      line("    learning_rate: " + rate);
      line("  learn_filters:");
      line("    num_train_epochs: 1");
      line("    learning_rate: " + filterRate);
    }

    private void pretrained(int length) {
      String named = String.valueOf(wishes.teacher);
      ModelConfig teacher = config(named, "--teacher_model_name_or_path");
      String own = wishes.student;
      ModelConfig student = own == null ? null : config(own, "--model_name_or_path");
      section("tokenizer");
      line("  max_length: " + length, "the tokenizer is the student's, or else the teacher's");
      section("training", "what all stages share where they say nothing else");
      line("  per_device_train_batch_size: 16");
      line("  per_device_eval_batch_size: 32");
      line("  num_train_epochs: 3");
      line("  save_best: true", "keep each stage's best model on the held out rows");
      section("teacher");
      line("  model_name_or_path: " + model(named));
      stages("2e-5", "2e-5");
      section("student");
      int layers = teacher.numHiddenLayers();
      int studentLayers;
      if (student == null || own == null) {
        List<Integer> half = new ArrayList<>();
        for (int layer = 1; layer < layers; layer += 2) {
          half.add(layer);
        }
        half = half.isEmpty() ? List.of(0) : half;
        studentLayers = half.size();
        line("  teacher_layers: " + half, "it starts as every other layer of the teacher");
        told.add("no student is named: it is made of every other layer of the teacher");
        bullet(told.get(told.size() - 1), text.indexOf("# Next:"));
      } else {
        studentLayers = student.numHiddenLayers();
        line("  model_name_or_path: " + model(own));
      }
      stages("4e-5", "4e-5");
      filters(layers, studentLayers);
      section("distill");
      line("  learning_rate: 4e-5");
      line("  kl_alpha: 20", "weight of the divergence from the teacher's answers");
      line("  mse_alpha: 20", "weight of the layer-wise error");
    }

    /** As many filters as possible, as many in both models. */
    private void filters(int teacher, int student) {
      int pairs = Math.min(teacher, student);
      while (teacher / (teacher / pairs) != pairs || student / (student / pairs) != pairs) {
        pairs--; // ends at 1
      }
      section("filters");
      line(
          "  filter_interval: " + student / pairs,
          "%d filters in each model, one every so many layers".formatted(pairs));
      line("  teacher_filter_interval: " + teacher / pairs);
    }

    private static ModelConfig config(String named, String flag) {
      Path folder =
          HubCache.find(named, Path.of(named).toAbsolutePath(), HubSettings.cacheOfEnvironment());
      Check.user(
          Files.isRegularFile(folder.resolve("config.json")),
          "%s: expected a Hugging Face folder at %s, found none; a model of the hub is downloaded"
              + " by 'filtrate fetch NAME'",
          flag,
          folder);
      return ModelConfig.read(folder.resolve("config.json"));
    }

    /** A folder relative to the recipe; the name of a fetched model as it is. */
    private String model(String named) {
      return Files.isDirectory(Path.of(named)) ? path(Path.of(named)) : scalar(named);
    }

    private void tail() {
      text.append("\ncompare: [finetuned, kd, lwd, ted]\n");
      line("start: fair", "all methods from the same fine-tuned student");
    }

    private String path(Path file) {
      Path absolute = file.toAbsolutePath().normalize();
      boolean same = folder.getRoot() != null && folder.getRoot().equals(absolute.getRoot());
      Path shown = same ? folder.relativize(absolute) : absolute;
      return scalar(shown.toString().replace('\\', '/'));
    }

    private void section(String name) {
      text.append('\n').append(name).append(":\n");
    }

    private void section(String name, String comment) {
      text.append('\n');
      line(name + ":", comment);
    }

    private void line(String line) {
      text.append(line).append('\n');
    }

    private void line(String line, String comment) {
      text.append("%-30s # %s\n".formatted(line, comment));
    }

    private void comment(String comment) {
      text.append("# ").append(comment.replace('\n', ' ')).append('\n');
    }

    private void bullet(String sentence) {
      comment("- " + sentence);
    }

    /** Puts what was found out later where the rest of it stands. */
    private void bullet(String sentence, int place) {
      text.insert(place, "# - " + sentence.replace('\n', ' ') + "\n");
    }
  }

  private static String list(List<String> items) {
    StringJoiner list = new StringJoiner(", ", "[", "]");
    items.forEach(item -> list.add(scalar(item)));
    return list.toString();
  }

  /** A text as a YAML scalar. */
  static String scalar(String text) {
    if (text.matches(PLAIN) && !text.matches(WORDS)) {
      return text;
    }
    StringBuilder quoted = new StringBuilder("\"");
    text.chars()
        .forEach(
            c ->
                quoted.append(
                    switch (c) {
                      case '"' -> "\\\"";
                      case '\\' -> "\\\\";
                      case '\n' -> "\\n";
                      case '\t' -> "\\t";
                      default -> c < ' ' ? "\\x%02x".formatted(c) : String.valueOf((char) c);
                    }));
    return quoted.append('"').toString();
  }
}
