package dev.filtrate.cli;

import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.train.Plan;
import dev.filtrate.train.Readiness;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate plan}: what a recipe will take, before it is run. */
final class PlanCommand implements Command {
  @Override
  public String name() {
    return "plan";
  }

  @Override
  public String summary() {
    return "what a recipe will take, and whether every part is there and fits, before hours are"
        + " spent";
  }

  @Override
  public String arguments() {
    return "RECIPE";
  }

  @Override
  public Options options() {
    return RecipeFlags.options(Use.PLAN);
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example("deberta-v3-base-to-xsmall", "the released setting, on random weights"),
        new Example("my.yaml --threads 4", "a recipe of your own"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    Recipe recipe = RecipeFlags.read(Home.recipe(RecipeFlags.argument(line)), line, Use.PLAN);
    Plan plan = Plan.of(recipe, console::note);
    if (!plan.stages().isEmpty()) {
      costs(recipe, plan, console);
      console.print("");
    }
    findings(plan, console);
    return plan.isReady() ? DONE : CHECK_FAILED;
  }

  private static void costs(Recipe recipe, Plan plan, Console console) {
    List<List<String>> rows = new ArrayList<>();
    for (Plan.PlannedStage stage : plan.stages()) {
      boolean known = stage.updates().isPresent();
      rows.add(
          List.of(
              stage.name(),
              "%,d".formatted(stage.trained()),
              known ? "%,d".formatted(stage.updates().getAsInt()) : "-",
              "%d × %d".formatted(stage.batch(), stage.length()),
              "%.1f GB".formatted(stage.bytes() / 1e9),
              "%.3f".formatted(stage.secondsPerUpdate()),
              known ? ConsoleProgress.time(stage.seconds()) : "-"));
    }
    console.table(
        List.of("stage", "trained parameters", "updates", "batch", "memory", "s / update", "time"),
        rows);
    console.print("");
    if (plan.teacherParameters() > 0) {
      console.printf("teacher            %,d parameters", plan.teacherParameters());
    }
    console.printf("student            %,d parameters", plan.studentParameters());
    console.printf("peak resident set  %.2f GB while timing", plan.peakResidentBytes() / 1e9);
    for (Plan.PlannedStage stage : plan.stages()) {
      if (stage.timed() < stage.batch()) {
        console.printf(
            "timed              %d of %d examples of %s, scaled",
            stage.timed(), stage.batch(), stage.name());
      }
    }
    if (plan.trainingExamples().isPresent()) {
      console.printf("training examples  %,d", plan.trainingExamples().getAsInt());
    }
    if (!plan.timedOn().equals(recipe.device())) {
      console.printf("timed on           %s, for want of %s", plan.timedOn(), recipe.device());
    }
    if (!Double.isNaN(plan.seconds())) {
      console.printf(
          "time               about %s for %d seed%s%s",
          ConsoleProgress.time(plan.seconds()),
          plan.seeds(),
          plan.seeds() == 1 ? "" : "s",
          plan.isOfTexts() ? "" : ", if every text were as long as max_length lets it be");
    }
  }

  /** Whether every part is there, a line each. */
  private static void findings(Plan plan, Console console) {
    for (Readiness.Finding finding : plan.findings()) {
      console.printf("%-8s  %-9s  %s", finding.verdict(), finding.part(), finding.text());
    }
  }
}
