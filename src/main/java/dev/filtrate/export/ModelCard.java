package dev.filtrate.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.errorprone.annotations.FormatMethod;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.data.ProblemType;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.train.Results;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * {@code README.md}, a model card in Hugging Face's format: what the hub reads at its head, then
 * what people want to know. Every figure in it was measured on the file beside it, or by the run
 * that it is from.
 *
 * @param model what was exported
 * @param facts what {@code provenance.json} says of it
 * @param report what the export found
 * @param results of the run that it is from
 */
record ModelCard(
    Model model, ObjectNode facts, StudentExport.Report report, Optional<Results> results) {
  static final String FILE = "README.md";
  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(YAMLGenerator.Feature.MINIMIZE_QUOTES).build();
  private static final ObjectMapper JSON = new ObjectMapper();

  /** How Hugging Face calls what a model is for. */
  static String pipeline(Head head) {
    return head == Head.QUESTION_ANSWERING ? "question-answering" : "text-classification";
  }

  /** Writes the card. */
  void write(Path folder) {
    List<String> parts = new ArrayList<>();
    parts.add(head());
    parts.add("# %s\n\n%s".formatted(name(), summary()));
    parts.add("## What goes in, what comes out\n\n" + interfaces());
    parts.add("## Figures\n\n" + figures());
    parts.add("## Use\n\n" + use());
    parts.add("## Where it comes from\n\n" + origin());
    AtomicFiles.writeText(folder.resolve(FILE), String.join("\n\n", parts) + "\n");
  }

  private String name() {
    String type = facts.path("model_type").asText();
    return facts.has("task") ? facts.path("task").asText() + "-" + type : type;
  }

  private boolean answersQuestions() {
    return model.head() == Head.QUESTION_ANSWERING;
  }

  /** What the hub reads. */
  private String head() {
    ObjectNode head = JSON.createObjectNode();
    head.put("library_name", "transformers.js");
    head.put("pipeline_tag", pipeline(model.head()));
    if (facts.has("base_model")) {
      head.set("base_model", facts.path("base_model"));
    }
    List.of("onnx", "filtrate", "knowledge-distillation").forEach(head.putArray("tags")::add);
    Map<String, Double> metrics = report.agreement().metrics();
    if (facts.has("task") && !metrics.isEmpty()) {
      metrics.keySet().forEach(head.putArray("metrics")::add);
      ObjectNode entry = head.putArray("model-index").addObject();
      entry.put("name", name());
      ObjectNode result = entry.putArray("results").addObject();
      result.putObject("task").put("type", pipeline(model.head()));
      String task = facts.path("task").asText();
      result.putObject("dataset").put("name", task).put("type", task).put("split", "validation");
      ArrayNode values = result.putArray("metrics");
      metrics.forEach(
          (metric, value) -> {
            if (Double.isFinite(value)) {
              values.addObject().put("type", metric).put("value", rounded(value));
            }
          });
    }
    try {
      return YAML.writeValueAsString(head) + "---";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(head.toString(), e);
    }
  }

  private static double rounded(double value) {
    return Math.round(value * 1e4) / 1e4;
  }

  private String summary() {
    String kind =
        answersQuestions()
            ? "finds the answers to questions in texts"
            : switch (model.config().problemType()) {
              case REGRESSION -> "gives texts a score";
              case SINGLE_LABEL_CLASSIFICATION -> "says which class a text is of";
              case MULTI_LABEL_CLASSIFICATION -> "says which labels a text has";
            };
    return english(
        "A small %s model that %s%s: %,d parameters, %.1f MiB in float32. It was exported by"
            + " Filtrate %s as an ONNX file of standard operators"
            + " only (opset %d, IR %d), which any ONNX runtime takes.",
        facts.path("model_type").asText(),
        kind,
        facts.has("task") ? " (task `" + facts.path("task").asText() + "`)" : "",
        report.parameters(),
        report.bytes() / (double) (1 << 20),
        facts.path("version").asText(),
        OnnxCodec.OPSET,
        OnnxCodec.IR_VERSION);
  }

  private String interfaces() {
    StringBuilder text = new StringBuilder();
    text.append(
            "Inputs are int64 `[batch_size, sequence_length]`, made by `tokenizer.json`, of up to ")
        .append(facts.path("max_length").asInt())
        .append(" tokens. ");
    if (answersQuestions()) {
      text.append(
          "Outputs are `start_logits` and `end_logits`, float32 `[batch_size, sequence_length]`:"
              + " the answer goes from the token with the one to the token with the other, where"
              + " their sum is largest.");
      return text.toString();
    }
    int count = model.config().numLabels();
    text.append("The output is `logits`, float32 `[batch_size, ").append(count).append("]`: ");
    if (model.config().problemType() == ProblemType.REGRESSION) {
      return text.append("the score as it is.").toString();
    }
    boolean several = model.config().problemType() == ProblemType.MULTI_LABEL_CLASSIFICATION;
    text.append(
        several
            ? "a sigmoid makes a probability of each.\n\n"
            : "a softmax makes probabilities of them.\n\n");
    text.append("| id | label |\n|---|---|");
    List<String> labels = model.config().common().labels();
    for (int i = 0; i < labels.size(); i++) {
      text.append("\n| ").append(i).append(" | ").append(cell(labels.get(i))).append(" |");
    }
    return text.toString();
  }

  private static String cell(String text) {
    return text.replace("|", "\\|").replaceAll("\\s+", " ");
  }

  private String figures() {
    Agreement proof = report.agreement();
    StringBuilder text = new StringBuilder();
    if (proof.metrics().isEmpty()) {
      text.append("It was not measured on a task. ");
    } else {
      text.append(
          english("Measured with this file on %,d validation examples:\n\n", proof.examples()));
      text.append("| metric | value |\n|---|---|\n");
      proof
          .metrics()
          .forEach((metric, value) -> text.append(english("| %s | %.4f |\n", metric, value)));
      text.append('\n');
    }
    text.append(
        english(
            "Its logits differ from those of the trained model by at most %.1g (%,d %s, allowed"
                + " %.1g).",
            proof.largestDifference(),
            proof.examples(),
            proof.metrics().isEmpty() ? "made up texts" : "validation examples",
            proof.bound()));
    text.append("\n\n").append(precisions());
    results.ifPresent(all -> text.append("\n\n").append(comparison(all)));
    return text.toString();
  }

  /** Every file, measured. */
  private String precisions() {
    Measurements all = report.precisions();
    StringBuilder text = new StringBuilder();
    text.append(
        english(
            "The files in `onnx/`, their logits and answers against those of the trained model, and"
                + " their median latency on the host of the export (%s, %s):\n\n",
            all.device(),
            switch (all.threads()) {
              case 0 -> "all cores";
              case 1 -> "1 thread";
              default -> all.threads() + " threads";
            }));
    row(text, all.head());
    row(text, Collections.nCopies(all.head().size(), "---"));
    all.cells().forEach(cells -> row(text, cells));
    List<String> files =
        all.rows().stream()
            .filter(Measurement::kept)
            .map(row -> row.precision().id() + " is `onnx/" + row.precision().file() + "`")
            .toList();
    text.append("\n").append(String.join(", ", files)).append('.');
    all.refusals().forEach(why -> text.append(" Not kept: ").append(why).append('.'));
    return text.toString();
  }

  private static void row(StringBuilder text, List<String> cells) {
    text.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }

  private static String comparison(Results results) {
    int seeds = results.rows().stream().mapToInt(row -> row.metrics().size()).max().orElse(1);
    StringBuilder text = new StringBuilder();
    text.append(
        english(
            "The run that it is from measured (%d seed%s%s):\n\n",
            seeds, seeds == 1 ? "" : "s", seeds == 1 ? "" : ", mean ± standard deviation"));
    text.append(english("| model | %s | parameters |\n|---|---|---|", results.metric()));
    for (Results.Row row : results.rows()) {
      String value = english("%.4f", row.mean(results.metric()));
      if (row.metrics().size() > 1) {
        value += english(" ± %.4f", row.deviation(results.metric()));
      }
      text.append(english("\n| %s | %s | %,d |", row.name(), value, row.parameters()));
    }
    return text.toString();
  }

  private String use() {
    String javascript =
        answersQuestions()
            ? "await answer(\"Who sang?\", \"Ann sang, while Bob played the drums.\")"
            : "await answer(\"the room was quiet and bright\")";
    String feed =
        answersQuestions()
            ? "tokenizer.encode(\"Who sang?\", \"Ann sang, while Bob played the drums.\")"
            : "tokenizer.encode(\"the room was quiet and bright\")";
    String text =
        """
        ```python
        import onnxruntime, tokenizers
        session = onnxruntime.InferenceSession("model.onnx")
        tokenizer = tokenizers.Tokenizer.from_file("tokenizer.json")
        e = %s
        feeds = {"input_ids": [e.ids], "attention_mask": [e.attention_mask], "token_type_ids": [e.type_ids]}
        print(session.run(None, {i.name: feeds[i.name] for i in session.get_inputs()}))
        ```

        """
            .formatted(feed);
    if (!isScore()) { // transformers.js would put a single score through a softmax
      text +=
          """
          ```js
          import { env, pipeline } from "@huggingface/transformers";
          Object.assign(env, { allowRemoteModels: false, localModelPath: "./" });
          const answer = await pipeline("%s", "this-folder");
          console.log(%s);
          ```

          """
              .formatted(pipeline(model.head()), javascript);
    }
    return text
        + "DJL opens the folder by `serving.properties`. `golden/` has texts, their ids and the"
        + " logits that belong to them: a program that gets the same has everything right."
        + (report.training().isPresent()
            ? " `training/` has models and a checkpoint for ONNX Runtime's training API, to train"
                + " it on."
            : "");
  }

  private boolean isScore() {
    return !answersQuestions() && model.config().problemType() == ProblemType.REGRESSION;
  }

  private String origin() {
    StringBuilder text = new StringBuilder();
    text.append(
        "`provenance.json` has this and more, and the model's own metadata has it under"
            + " `filtrate.`. No licence is stated here: that is a matter of the weights it started"
            + " from and of its data.\n\n| | |\n|---|---|");
    for (Map.Entry<String, JsonNode> fact : facts.properties()) {
      if (fact.getKey().endsWith("sha256")) {
        String hash = fact.getValue().asText();
        text.append("\n| ").append(fact.getKey()).append(" | `").append(hash).append("` |");
      }
    }
    return text.toString();
  }

  /** The same figures whatever the host's language. */
  @FormatMethod
  private static String english(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
