package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.cli.Captured.Outcome;
import dev.filtrate.hub.FakeHub;
import dev.filtrate.hub.HubSettings;
import dev.filtrate.train.TinyTask;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FetchCommandTest {
  @TempDir private Path folder;

  private Outcome fetch(FakeHub hub, String... arguments) {
    Map<String, String> environment =
        Map.of("HF_ENDPOINT", hub.endpoint(), "HF_HOME", folder.resolve("home").toString());
    FetchCommand command = new FetchCommand(() -> HubSettings.of(environment, folder));
    return Captured.run(new Commands(List.of(command)), arguments);
  }

  @Test
  void itPrintsWhereTheFilesAre() throws IOException {
    try (FakeHub hub = new FakeHub().small("a.csv", "1\n").small("b.csv", "2\n")) {
      Outcome outcome =
          fetch(
              hub,
              "fetch",
              "org/tiny",
              "--repo-type",
              "dataset",
              "--include=*.csv",
              "--exclude=a*",
              "--cache_dir",
              folder.resolve("mine").toString());
      assertEquals(0, outcome.code(), outcome.err());
      Path snapshot = folder.resolve("mine/datasets--org--tiny/snapshots").resolve(FakeHub.COMMIT);
      assertEquals(snapshot + System.lineSeparator(), outcome.out());
      assertEquals("2\n", Files.readString(snapshot.resolve("b.csv")));
      assertTrue(Files.notExists(snapshot.resolve("a.csv")));
      assertEquals("1/1  b.csv" + System.lineSeparator(), outcome.err());
    }
  }

  @Test
  void wordsThatDoNotFitAreOneSentence() {
    try (FakeHub hub = new FakeHub()) {
      assertEquals(
          "filtrate: expected one name of a model or dataset, got none",
          fetch(hub, "fetch").err().strip());
      assertEquals(
          "filtrate: --repo_type: expected model or dataset, got 'space'",
          fetch(hub, "fetch", "org/tiny", "--repo_type=space").err().strip());
      assertEquals(
          "filtrate: model org/tiny: none of its 0 files is wanted (include [], exclude []); name some"
              + " with --include",
          fetch(hub, "fetch", "org/tiny").err().strip());
    }
  }

  @Test
  void otherCommandsFindAFetchedModelByItsName() throws IOException, InterruptedException {
    try (FakeHub hub = new FakeHub().small("config.json", TinyTask.BERT_TEACHER)) {
      assertEquals(0, fetch(hub, "fetch", "org/tiny").code());
    }
    Path recipe =
        new TinyTask(folder)
            .write(
                "hub.yaml",
                """
                task: {train_file: train.tsv, validation_file: dev.tsv}
                tokenizer: {path: vocab.txt, max_length: 16}
                student: {model_name_or_path: org/tiny}
                compare: [finetuned]
                """);
    ProcessBuilder filtrate =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "recipe",
            recipe.toString());
    filtrate.environment().put("HF_HOME", folder.resolve("home").toString());
    filtrate.environment().remove("HF_HUB_CACHE");
    File printed = folder.resolve("printed").toFile();
    int code = filtrate.redirectErrorStream(true).redirectOutput(printed).start().waitFor();
    String text = Files.readString(printed.toPath(), StandardCharsets.UTF_8);
    assertEquals(0, code, text);
    assertTrue(text.contains("home/hub/models--org--tiny/snapshots/" + FakeHub.COMMIT), text);
  }
}
