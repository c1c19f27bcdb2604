package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.train.Bench;
import dev.filtrate.train.TinyTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that look at a recipe without carrying it out. */
class PlanningCommandsTest {
  @TempDir private Path folder;
  private TinyTask task;

  @BeforeEach
  void write() {
    task = new TinyTask(folder);
  }

  private Outcome filtrate(String command, String... flags) {
    List<String> all = new ArrayList<>(List.of(command, task.file("recipe.yaml").toString()));
    all.addAll(List.of(flags));
    return Captured.filtrate(all.toArray(String[]::new));
  }

  @Test
  void graphWritesEveryGraphOfARunTwice() throws IOException {
    Path out = folder.resolve("graphs");
    Outcome outcome = filtrate("graph", "--out", out.toString());
    assertEquals(0, outcome.code(), outcome.err());
    List<String> names =
        List.of(
            "kd_gradients",
            "kd_joined",
            "kd_teacher",
            "kd_update",
            "lwd_gradients",
            "lwd_joined",
            "lwd_teacher",
            "lwd_update",
            "student_filters_gradients",
            "student_filters_update",
            "student_finetuned_gradients",
            "student_finetuned_update",
            "student_inference",
            "teacher_filters_gradients",
            "teacher_filters_update",
            "teacher_finetuned_gradients",
            "teacher_finetuned_update",
            "teacher_inference",
            "ted_gradients",
            "ted_joined",
            "ted_teacher",
            "ted_update");
    try (Stream<Path> files = Files.list(out)) {
      assertEquals(
          names.stream().flatMap(n -> Stream.of(n + ".onnx", n + ".txt")).toList(),
          files.map(f -> f.getFileName().toString()).sorted().toList());
    }
    String listing = Files.readString(out.resolve("student_inference.txt"));
    assertTrue(listing.startsWith("graph student_inference\n"), listing);
    assertTrue(listing.contains("\noutput    logits"), listing);
    List<String> lines = outcome.out().lines().toList();
    assertTrue(lines.get(0).matches("graph +nodes +parameters +outputs"), outcome.out());
    assertEquals(2 + names.size() + 1, lines.size());
    assertEquals(out.toString(), lines.get(lines.size() - 1));
  }

  @Test
  void graphNeedsARecipeAndAFolderThatCanBeWritten() {
    assertEquals("filtrate: expected one recipe, got none\n", Captured.filtrate("graph").err());
    Outcome outcome = filtrate("graph", "--out", task.file("vocab.txt").toString());
    assertEquals(2, outcome.code());
    assertTrue(outcome.err().contains(": cannot be written: "), outcome.err());
    assertEquals(
        "filtrate: --out: expected a folder, got nothing\n", filtrate("graph", "--out=").err());
  }

  @Test
  @Tag("ort")
  void planTellsStagesUpdatesAndSizesWithoutCheckpoints() {
    Outcome outcome = filtrate("plan", "--set=seed=[1, 2]");
    assertEquals(0, outcome.code(), outcome.err());
    assertTrue(
        outcome
            .out()
            .matches("(?s)stage +trained parameters +updates +batch +memory +s / update +time\n.*"),
        outcome.out());
    assertTrue(
        outcome
            .out()
            .matches(
                "(?s).*\nteacher/finetuned +5,346 +27 +4 × \\d +0.0 GB +\\d+\\.\\d{3} +\\d+ s\n.*"),
        outcome.out());
    assertTrue(outcome.out().matches("(?s).*\nted +1,130 +27 +.*"), outcome.out());
    assertTrue(outcome.out().contains("\nstudent            986 parameters\n"), outcome.out());
    assertTrue(outcome.out().contains("\ntraining examples  36\n"), outcome.out());
    assertTrue(outcome.out().matches("(?s).*\ntime +about \\d+ s for 2 seeds\n.*"), outcome.out());
    assertEquals(
        "ok 36 training and 20 validation examples, 2 classes (0: 18, 1: 18)",
        findings(outcome, "data").get(0));
    assertEquals(List.of("ok 17 tokens, which the models take"), findings(outcome, "tokenizer"));
    assertTrue(outcome.err().startsWith("timing teacher/finetuned\n"), outcome.err());
  }

  @Test
  @Tag("ort")
  void planTimesBatchesAsLongAsTheirTexts() {
    int grouped = plannedLength();
    int drawn = plannedLength("--set=training.group_by_length=false");
    assertTrue(4 < grouped && grouped < drawn && drawn < 11, grouped + " and " + drawn);
    assertEquals(12, plannedLength("--set=tokenizer.pad_to_multiple_of=12"));
    assertEquals(16, plannedLength("--set=tokenizer.pad_to_max_length=true"));
    assertEquals(5, plannedLength("--set=tokenizer.max_length=5"));
  }

  private int plannedLength(String... more) {
    String[] arguments =
        Stream.concat(Stream.of("--set=compare=finetuned"), Stream.of(more)).toArray(String[]::new);
    Outcome outcome = filtrate("plan", arguments);
    assertEquals(0, outcome.code(), outcome.err());
    return Integer.parseInt(outcome.out().replaceFirst("(?s).* 4 × (\\d+) .*", "$1"));
  }

  @Test
  @Tag("ort")
  void planNamesWhatIsNotThereYet() throws IOException {
    Files.delete(task.file("train.tsv"));
    Outcome outcome =
        filtrate("plan", "--set=compare=finetuned", "--set=student.model_name_or_path=checkpoint");
    assertEquals(1, outcome.code(), outcome.err());
    assertTrue(
        outcome
            .out()
            .matches("(?s).*\nstudent/finetuned +986 +- +4 × 16 +0.0 GB +\\d+\\.\\d{3} +-\n.*"),
        outcome.out());
    assertTrue(
        outcome
            .out()
            .contains("\nmissing   data       " + task.file("train.tsv") + ": no such file\n"),
        outcome.out());
    assertTrue(
        outcome
            .out()
            .contains(
                "\nmissing   student    "
                    + Path.of("checkpoint").toAbsolutePath()
                    + ": no such folder\n"),
        outcome.out());
  }

  /** The verdict and text of the findings about a part. */
  private static List<String> findings(Outcome outcome, String part) {
    return outcome
        .out()
        .lines()
        .filter(line -> line.matches("(ok|note|missing|wrong) +" + part + " .*"))
        .map(line -> line.replaceFirst(" +" + part + " +", " "))
        .toList();
  }

  @Test
  void planReadsTheDataAsARunWill() throws IOException {
    Outcome column = filtrate("plan", "--set=task.label_key=labl");
    assertEquals(1, column.code());
    assertEquals(
        List.of(
            "wrong "
                + task.file("train.tsv")
                + ":1: no column 'labl'; known: [sentence, label] (parted by tabs)"),
        findings(column, "data"));
    Outcome unnamed = filtrate("plan", "--set=task.labels=[1, 2]");
    assertEquals(1, unnamed.code());
    assertEquals(
        List.of(
            "wrong "
                + task.file("train.tsv")
                + ":2: column 'label': expected one of [1, 2], got \"0\""),
        findings(unnamed, "data"));
    Outcome never = filtrate("plan", "--set=task.labels=[0, 1, 2]");
    assertEquals(1, never.code());
    assertTrue(findings(never, "data").get(0).contains("no example has the label 2"), never.out());
  }

  @Test
  @Tag("ort")
  void planTriesTheTokenizerOnTextsAndModels() throws IOException {
    Files.writeString(
        task.file("vocab.txt"), Files.readString(task.file("vocab.txt")) + "new\nnewer\n");
    Outcome large = filtrate("plan", "--set=compare=finetuned");
    assertEquals(1, large.code(), large.out());
    assertEquals(
        List.of(
            "wrong the student: its vocab_size is 17, but the tokenizer's ids go up to 18; use the"
                + " tokenizer that belongs to the model, or a config with a larger vocab_size"),
        findings(large, "tokenizer"));
    Files.writeString(task.file("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\n");
    Outcome small = filtrate("plan", "--set=compare=finetuned", "--set=tokenizer.max_length=6");
    assertEquals(0, small.code(), small.out());
    List<String> texts = findings(small, "texts");
    assertTrue(texts.get(0).endsWith("room for 6 (max_length)"), texts.toString());
    assertTrue(texts.get(1).endsWith(" of the texts are longer and lose their end"), texts.get(1));
    assertTrue(
        texts.get(2).endsWith("unknown to the vocabulary; is it the right tokenizer?"),
        texts.get(2));
  }

  @Test
  @Tag("ort")
  void planAsksTheDeviceAndTheFolder() throws IOException {
    Path out = Files.createDirectories(folder.resolve("out"));
    Files.writeString(out.resolve("notes.txt"), "mine");
    Outcome outcome =
        filtrate("plan", "--set=compare=finetuned", "--device=cuda:7", "--set=output_dir=" + out);
    assertEquals(1, outcome.code());
    assertTrue(findings(outcome, "device").get(0).startsWith("wrong "), outcome.out());
    assertTrue(outcome.out().contains("\ntimed on           cpu, for want of cuda:7\n"));
    assertTrue(
        findings(outcome, "output").get(0).startsWith("note " + out + ": exists already"),
        outcome.out());
  }

  @Test
  @Tag("ort")
  void benchPrintsTheKeysThatAreAgreedUpon() throws IOException {
    Outcome outcome =
        filtrate("bench", "--batch=2", "--length=8", "--steps=2", "--json", "--threads=1");
    assertEquals(0, outcome.code(), outcome.err());
    JsonNode json = new ObjectMapper().readTree(outcome.out());
    for (Bench.Part part : Bench.Part.values()) {
      double min = json.get(part.id()).get("min_s").asDouble();
      double median = json.get(part.id()).get("median_s").asDouble();
      double max = json.get(part.id()).get("max_s").asDouble();
      assertTrue(0 < min && min <= median && median <= max, outcome.out());
    }
    assertTrue(json.get("peak_rss_bytes").asLong() > 0, outcome.out());
    assertTrue(json.get("matmul_gflops").asDouble() > 0, outcome.out());
    assertEquals(8, json.at("/settings/length").asInt());
    assertEquals(1, json.at("/settings/threads").asInt());
  }

  @Test
  @Tag("ort")
  void benchTimesThePartsThatAreAskedFor() {
    Outcome outcome =
        filtrate("bench", "--batch=2", "--length=8", "--steps=1", "--parts=student_forward");
    assertEquals(0, outcome.code(), outcome.err());
    List<String> lines = outcome.out().lines().toList();
    assertTrue(
        lines.get(0).matches("seconds +median +min +max +examples/s +GFLOP +x floor"),
        outcome.out());
    assertTrue(lines.get(2).startsWith("student_forward  "), outcome.out());
    assertEquals("", lines.get(3));
  }

  @Test
  @Tag("ort")
  void benchSaysWhereTheTimeGoes() throws IOException {
    String[] flags = {"--batch=2", "--length=8", "--steps=2", "--parts=stage2_step", "--profile"};
    Outcome outcome = filtrate("bench", flags);
    assertEquals(0, outcome.code(), outcome.err());
    List<String> lines = outcome.out().lines().toList();
    String header = "stage2_step, ms +frozen +forward +backward +optimizer +total +%";
    assertTrue(lines.stream().anyMatch(line -> line.matches(header)), outcome.out());
    assertTrue(
        lines.get(lines.size() - 1).matches("a step under .* nodes: \\{\"CPU.*copies: 0"),
        outcome.out());
    List<String> json = new ArrayList<>(List.of(flags));
    json.add("--json");
    JsonNode profile =
        new ObjectMapper()
            .readTree(filtrate("bench", json.toArray(String[]::new)).out())
            .at("/stage2_step/profile");
    JsonNode operators = profile.get("operators_s");
    assertTrue(operators.at("/FusedMatMul/frozen").asDouble() > 0, profile.toString());
    assertTrue(operators.at("/FusedMatMul/backward").asDouble() > 0, profile.toString());
    assertTrue(operators.at("/AdamOptimizer/optimizer").asDouble() > 0, profile.toString());
    assertFalse(operators.at("/AdamOptimizer").has("forward"), profile.toString());
    assertEquals(0, profile.get("copy_nodes").asInt());
  }

  @ParameterizedTest
  @ValueSource(strings = {"stage2_cached_step", "stage1_cached_step"})
  @Tag("ort")
  void benchCountsNothingOfAFrozenModelWhoseCacheIsFull(String part) throws IOException {
    String[] flags = {
      "--batch=2", "--length=8", "--steps=6", "--parts=" + part, "--profile", "--json",
    };
    Outcome outcome = filtrate("bench", flags);
    assertEquals(0, outcome.code(), outcome.err());
    JsonNode profile = new ObjectMapper().readTree(outcome.out()).get(part).get("profile");
    assertTrue(profile.at("/operators_s/AdamOptimizer/optimizer").asDouble() > 0, part);
    assertFalse(profile.toString().contains("\"frozen\""), profile.toString());
  }

  @Test
  void benchRefusesWhatItDoesNotKnow() {
    assertEquals(
        "filtrate: --parts: unknown part 'stage3_step'; did you mean 'stage2_step'?\n",
        filtrate("bench", "--parts=stage3_step").err());
    assertEquals(
        "filtrate: --preset: expected deberta-v3-base-xsmall, got 'gpt'\n",
        filtrate("bench", "--preset=gpt").err());
    assertEquals(
        "filtrate: --batch: expected a whole number above 0, got '0'\n",
        filtrate("bench", "--batch=0").err());
    assertEquals(
        "filtrate: recipe tiny compares nothing that needs a teacher\n",
        lastLine(filtrate("bench", "--set=compare=finetuned", "--parts=stage2_step")));
  }

  private static String lastLine(Outcome outcome) {
    List<String> lines = outcome.err().lines().toList();
    return lines.get(lines.size() - 1) + "\n";
  }
}
