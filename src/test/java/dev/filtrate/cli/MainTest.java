package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.cli.Captured.Outcome;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.junit.jupiter.api.Test;

class MainTest {
  /** Does what its argument says. */
  private static final class Probe implements Command {
    @Override
    public String name() {
      return "learn-filters";
    }

    @Override
    public String summary() {
      return "does what its argument says";
    }

    @Override
    public String arguments() {
      return "WHAT";
    }

    @Override
    public Options options() {
      return new Options()
          .addOption(Flags.valued("kl_alpha", "X", "a weight (default 0)"))
          .addOption(Flags.flag("save_best", "keep the best"));
    }

    @Override
    public List<Example> examples() {
      return List.of(new Example("nothing --save_best", "which does nothing"));
    }

    @Override
    public int run(CommandLine line, Console console) {
      switch (String.join(" ", line.getArgList())) {
        case "refuse" -> throw new UserError("train.tsv:3: expected 2 columns, got 1");
        case "break" -> throw new IllegalStateException("impossible");
        case "fail", "--fail" -> {
          return CHECK_FAILED;
        }
        default -> {
          console.note("working");
          console.print("kl_alpha " + line.getOptionValue("kl_alpha", "0"));
          return DONE;
        }
      }
    }
  }

  private static Outcome probe(String... arguments) {
    return Captured.run(new Commands(List.of(new Probe(), new RecipeCommand())), arguments);
  }

  @Test
  void exitCodesTellDoneFailedRefusedAndBroken() {
    assertEquals(new Outcome(0, "kl_alpha 0\n", "working\n"), probe("learn-filters", "go"));
    assertEquals(1, probe("learn-filters", "fail").code());
    assertEquals(
        new Outcome(2, "", "filtrate: train.tsv:3: expected 2 columns, got 1\n"),
        probe("learn-filters", "refuse"));
    assertEquals(
        new Outcome(
            3,
            "",
            """
            filtrate: a defect of this program: java.lang.IllegalStateException: impossible
            filtrate: --debug shows where; please report it
            """),
        probe("learn-filters", "break"));
  }

  @Test
  void onlyDebugShowsAStackTrace() {
    assertFalse(probe("learn-filters", "refuse").err().contains("\tat "));
    assertTrue(probe("learn-filters", "refuse", "--debug").err().contains("\tat "));
  }

  @Test
  void hyphensAreTakenForUnderscores() {
    for (String flag : List.of("--kl_alpha", "--kl-alpha")) {
      assertEquals("kl_alpha 3\n", probe("learn-filters", "go", flag, "3").out());
      assertEquals("kl_alpha -3\n", probe("learn-filters", flag + "=-3", "go").out());
    }
    assertEquals(0, probe("learn_filters", "go", "--save-best").code());
  }

  @Test
  void aValueIsTakenAsItIsTyped() {
    assertEquals("kl_alpha \"a-b\"\n", probe("learn-filters", "go", "--kl_alpha", "\"a-b\"").out());
    assertEquals(1, probe("learn-filters", "--", "--fail").code()); // no flag after --
  }

  @Test
  void mistypedNamesAreAnsweredWithNearOnes() {
    assertEquals(
        "filtrate: unknown command 'lern-filters'; did you mean 'learn-filters'? 'filtrate help'"
            + " lists the commands\n",
        probe("lern-filters").err());
    assertEquals(
        "filtrate: unknown command 'zebra'; 'filtrate help' lists the commands\n",
        probe("zebra").err());
    assertEquals(
        "filtrate: unknown flag '--kl-alfa'; did you mean '--kl_alpha'?\n",
        probe("learn-filters", "go", "--kl-alfa=3").err());
    assertEquals(
        "filtrate: unknown flag '--zebra'; 'filtrate help learn-filters' lists the flags\n",
        probe("learn-filters", "go", "--zebra").err());
    assertEquals(
        "filtrate: --model_type: the model's config.json says it; leave it out\n",
        probe("learn-filters", "go", "--model_type", "ted-deberta-v2").err());
    assertEquals(
        "filtrate: --kl_alpha: needs a value\n", probe("learn-filters", "go", "--kl_alpha").err());
    assertEquals(
        "filtrate: expected a command before '--kl_alpha'; 'filtrate help' lists them\n",
        probe("--kl_alpha", "3").err());
    assertEquals(2, probe("zebra").code());
  }

  @Test
  void quietPrintsResultsOnly() {
    assertEquals(new Outcome(0, "kl_alpha 0\n", ""), probe("learn-filters", "go", "--quiet"));
  }

  @Test
  void helpListsCommandsAndShowsAPagePerCommand() {
    Outcome overview = probe();
    assertEquals(overview, probe("help"));
    assertEquals(overview, probe("--help"));
    assertTrue(
        overview.out().contains("\n  learn-filters   does what its argument says\n"),
        overview.out());
    String page =
        """
        usage: filtrate learn-filters WHAT [FLAGS]

        does what its argument says

        flags
          --kl_alpha X                      a weight (default 0)
          --save_best                       keep the best

        flags of every command
          -h, --help                        show this page
          --quiet                           print results and errors only
          --debug                           print a stack trace with an error

        examples
          filtrate learn-filters nothing --save_best
              which does nothing
        """;
    assertEquals(new Outcome(0, page, ""), probe("help", "learn-filters"));
    assertEquals(new Outcome(0, page, ""), probe("learn-filters", "-h"));
    assertEquals(new Outcome(0, page, ""), probe("learn-filters", "go", "--help"));
  }

  @Test
  void everyCommandHasAPageThatFitsTheScreen() {
    for (Command command : Commands.all().list()) {
      Outcome page = Captured.filtrate("help", command.name());
      assertEquals(0, page.code());
      page.out().lines().forEach(l -> assertTrue(l.length() <= 100, l));
      assertTrue(page.out().contains("\nexamples\n"), command.name());
    }
  }

  @Test
  void theVersionIsPrinted() {
    assertTrue(probe("--version").out().startsWith("filtrate "));
  }

  @Test
  void theRecipeCommandPrintsWhatARecipeComesTo() {
    Outcome good =
        Captured.filtrate(
            "recipe",
            "released/sst2",
            "--set",
            "training.max_train_steps=5",
            "--set",
            "seed=7",
            "--seed",
            "1,2");
    assertEquals(0, good.code(), good.err());
    assertTrue(good.out().contains("\nseed:\n  - 1\n  - 2\n"), good.out());
    assertTrue(good.out().contains("\n  max_train_steps: 5\n"), good.out());
    assertEquals(
        new Outcome(
            2,
            "",
            "filtrate: --device: device: expected cpu, cuda or cuda:<number>, got \"gpu\"\n"),
        Captured.filtrate("recipe", "sst2", "--device", "gpu"));
    assertEquals(
        "filtrate: stt2: no such recipe; did you mean 'sst2'?\n",
        Captured.filtrate("recipe", "stt2").err());
    assertTrue(
        Captured.filtrate("recipe", "my.yaml")
            .err()
            .startsWith(
                "filtrate: my.yaml: no such recipe; give a file, or one of ag_news, cola, "));
    assertEquals(0, Captured.filtrate("recipe", "released/mnli").code());
    assertEquals(
        "filtrate: released/mnly: no such recipe; did you mean 'released/mnli'?\n",
        Captured.filtrate("recipe", "released/mnly").err());
    assertEquals("filtrate: expected one recipe, got none\n", Captured.filtrate("recipe").err());
  }
}
