package dev.filtrate.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The files of a run that nobody carried out. */
record FakeRun(Path folder) {
  static final String RECIPE =
      """
      name: fake
      seed: [1, 2]
      output_dir: /somewhere
      task: {task_name: tiny, metric: accuracy}
      distill: {kl_alpha: %s, mse_alpha: 1}
      """;

  /** Two seeds of the stages {@code teacher/finetuned} and {@code ted}. */
  static FakeRun finished(Path folder) {
    FakeRun run = begun(folder);
    run.write(
        "results.json",
        """
        {"task": "tiny", "metric": "accuracy", "models": {
          "teacher": {"parameters": 1000, "latency_ms": 2,
            "seeds": {"1": {"accuracy": 0.9, "f1": 0.8}, "2": {"accuracy": 0.7, "f1": 0.6}}},
          "ted": {"parameters": 100, "latency_ms": 0.5,
            "seeds": {"1": {"accuracy": 0.5, "f1": 0.4}, "2": {"accuracy": 0.75, "f1": 0.6}}}}}
        """);
    run.write("environment.json", "{\"filtrate\": \"0\", \"providers\": [\"CPU\"]}");
    run.write(
        "validation.jsonl",
        """
        {"text": "a </script><b>", "label": "yes"}
        {"text": "b", "text_pair": "c", "label": "no"}
        {"text": "without a label", "label": null}
        {"text": "d", "label": "yes"}
        """);
    for (int seed : new int[] {1, 2}) {
      run.write(
          "seed-" + seed + "/predictions/teacher.jsonl",
          """
          {"prediction": "yes", "logits": {"no": 0, "yes": 2}}
          {"prediction": "no", "logits": {"no": 1, "yes": 0}}
          {"prediction": "no", "logits": {"no": 1, "yes": 0}}
          {"prediction": "yes", "logits": {"no": 0, "yes": 1}}
          """);
      run.write(
          "seed-" + seed + "/predictions/ted.jsonl",
          """
          {"prediction": "no", "logits": {"no": 3, "yes": 0}}
          {"prediction": "yes", "logits": {"no": 0, "yes": 1}}
          {"prediction": "yes", "logits": {"no": 0, "yes": 9}}
          {"prediction": "yes", "logits": {"no": 0, "yes": 1}}
          """);
    }
    return run;
  }

  /** The same, stopped in its second seed. */
  static FakeRun begun(Path folder) {
    FakeRun run = new FakeRun(folder);
    run.write("recipe.yaml", RECIPE.formatted("10"));
    run.write(
        "seed-1/metrics.jsonl",
        """
        {"stage": "teacher/finetuned", "step": 1, "epoch": 0.5, "loss": 0.75, "pred_loss": 0.75, "learning_rate": 0.001, "examples_per_second": 0, "time": 100.0}
        {"stage": "teacher/finetuned", "step": 2, "epoch": 1.0, "loss": 0.5, "pred_loss": 0.5, "learning_rate": 0.0005, "examples_per_second": 40, "time": 101.5}
        {"stage": "teacher/finetuned", "step": 2, "epoch": 1.0, "eval": {"accuracy": 0.9, "f1": null}, "time": 102.0}
        {"stage": "ted", "step": 1, "epoch": 0.5, "loss": 3, "pred_loss": 1, "mse_loss": 2, "mse_loss.0": 1, "mse_loss.1": 3, "learning_rate": 0.001, "examples_per_second": 0, "time": 103.0}
        {"stage": "ted", "step": 1, "epoch": 0.5, "eval": {"accuracy": 0.5}, "time": 104.0}
        """);
    run.write(
        "seed-2/metrics.jsonl",
        """
        {"stage": "teacher/finetuned", "step": 1, "epoch": 0.5, "loss": 0.25, "pred_loss": 0.25, "learning_rate": 0.001, "examples_per_second": 0, "time": 200.0}
        {"stage": "teacher/finetuned", "step": 2, "epo""");
    return run;
  }

  FakeRun write(String name, String text) {
    try {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      Files.writeString(file, text);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What a page's program is given. */
  static JsonNode data(Path page) throws IOException {
    Matcher data =
        Pattern.compile("<script type=\"application/json\" id=\"data\">(.*)</script>")
            .matcher(Files.readString(page));
    if (!data.find()) {
      throw new AssertionError(page + " has no data");
    }
    return new ObjectMapper().readTree(data.group(1));
  }
}
