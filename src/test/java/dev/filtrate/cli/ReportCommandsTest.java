package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.cli.Captured.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code report} and {@code compare}. */
class ReportCommandsTest {
  @TempDir Path folder = Path.of("");

  private Path run(String name, int alpha) throws IOException {
    Path run = Files.createDirectories(folder.resolve(name));
    Files.writeString(
        run.resolve("recipe.yaml"),
        "name: %s\nseed: 3\ntask: {metric: accuracy}\ndistill: {kl_alpha: %d}\n"
            .formatted(name, alpha));
    Files.writeString(
        run.resolve("metrics.jsonl"),
        """
        {"stage": "kd", "step": 1, "epoch": 1, "loss": 0.5, "learning_rate": 0.1, "time": 5}
        {"stage": "kd", "step": 1, "epoch": 1, "eval": {"accuracy": 0.%d}, "time": 6}
        """
            .formatted(alpha));
    return run;
  }

  @Test
  void aReportIsMadeAnewForAnyRun() throws IOException {
    Path run = run("mine", 75);
    assertEquals(
        new Outcome(
            0,
            "%s\n%s\n%s\n"
                .formatted(
                    run.resolve("report.html"),
                    run.resolve("metrics.csv"),
                    run.resolve("tensorboard")),
            ""),
        Captured.filtrate("report", run.toString(), "--csv", "--tensorboard"));
    assertTrue(Files.exists(run.resolve("tensorboard/kd")));
    Files.delete(run.resolve("metrics.csv"));
    Captured.filtrate("report", run.toString(), "--worst-examples=0");
    assertFalse(Files.exists(run.resolve("metrics.csv")));
  }

  @Test
  void whatIsNoRunIsRefused() throws IOException {
    refused(
        folder + ": is not a run's folder (no recipe.yaml); give the --output_dir of a run",
        "report",
        folder.toString());
    refused("expected the folder of one run, got none; 'filtrate compare' takes several", "report");
    refused(
        "expected the folder of one run, got 'a b'; 'filtrate compare' takes several",
        "report",
        "a",
        "b");
    String run = run("mine", 75).toString();
    refused(
        "--worst_examples: expected a whole number above 0, got 'many'",
        "report",
        run,
        "--worst_examples=many");
    refused("expected the folders of two runs or more, got only 'a'", "compare", "a");
    refused("expected the folders of two runs or more, got none", "compare");
  }

  private static void refused(String why, String... arguments) {
    assertEquals(new Outcome(2, "", "filtrate: " + why + "\n"), Captured.filtrate(arguments));
  }

  @Test
  void runsAreShownBesideEachOther() throws IOException {
    Path page = folder.resolve("page.html");
    Outcome outcome =
        Captured.filtrate(
            "compare", run("one", 75).toString(), run("two", 5).toString(), "--html=" + page);
    assertEquals(
        """
        accuracy
        model     one     two
        ---------------------
        kd     0.7500  0.5000

        one: not finished: kd, update 1
        two: not finished: kd, update 1
        what differs      one  two
        --------------------------
        distill.kl_alpha   75    5

        %s
        """
            .formatted(page),
        outcome.out());
    assertTrue(Files.readString(page).contains("\"kind\":\"compare\""));
  }

  @Test
  void runsOfOneRecipeSayThatTheyAreTheSame() throws IOException {
    Outcome outcome =
        Captured.filtrate(
            "compare", run("one", 5).toString(), run("two", 5).toString(), "--html", "none");
    assertTrue(outcome.out().endsWith("the recipes say the same\n"), outcome.out());
  }
}
