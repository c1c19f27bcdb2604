package dev.filtrate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Spelling;
import dev.filtrate.base.UserError;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.train.Bench;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate bench}: how long the steps of a recipe take on this machine. */
final class BenchCommand implements Command {
  private static final String PRESET = "preset";

  /** Preset names and the recipes that they stand for. */
  private static final String PRESET_NAME = "deberta-v3-base-xsmall";

  private static final String PRESET_RECIPE = "deberta-v3-base-to-xsmall";

  @Override
  public String name() {
    return "bench";
  }

  @Override
  public String summary() {
    return "time one step of each stage on random weights, with peak memory";
  }

  @Override
  public String arguments() {
    return "[RECIPE]";
  }

  @Override
  public Options options() {
    return RecipeFlags.options(Use.PLAN)
        .addOption(Flags.valued(PRESET, "NAME", PRESET_NAME + ": full-size models, the default"))
        .addOption(Flags.valued("batch", "N", "examples of a step (default 8)"))
        .addOption(Flags.valued("length", "N", "tokens of an example (default 128)"))
        .addOption(Flags.valued("steps", "N", "timed repetitions (default 7)"))
        .addOption(
            Flags.valued(
                "parts",
                "LIST",
                "of stage2_step, stage2_cached_step, stage1_step, stage1_cached_step,"
                    + " finetune_step, student_forward (default all)"))
        .addOption(Flags.flag("profile", "say where the time goes, by operator and part of a step"))
        .addOption(Flags.flag("json", "print JSON"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example("--threads 2", "the full-size preset on two cores"),
        new Example(
            "sst2 --batch 64 --length 32 --parts stage2_step --json", "one part of a recipe"),
        new Example("--parts stage2_step --profile", "where a step's time goes"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    String preset = line.getOptionValue(PRESET, PRESET_NAME);
    if (!preset.equals(PRESET_NAME)) {
      throw UserError.of("--preset: expected %s, got '%s'", PRESET_NAME, preset);
    }
    String name = RecipeFlags.argument(line, PRESET_RECIPE);
    Recipe recipe = RecipeFlags.read(Home.recipe(name), line, Use.PLAN);
    ObjectNode results =
        new Bench(
                recipe,
                Flags.wholeNumber(line, "batch", 8),
                Flags.wholeNumber(line, "length", 128),
                Flags.wholeNumber(line, "steps", 7))
            .run(parts(line), line.hasOption("profile"), console::note);
    if (line.hasOption("json")) {
      console.print(results.toPrettyString());
    } else {
      print(results, console);
    }
    return DONE;
  }

  private static List<Bench.Part> parts(CommandLine line) {
    List<Bench.Part> all = List.of(Bench.Part.values());
    if (!line.hasOption("parts")) {
      return all;
    }
    List<String> ids = all.stream().map(Bench.Part::id).toList();
    List<Bench.Part> parts = new ArrayList<>();
    for (String wanted : Arrays.asList(line.getOptionValue("parts").split(","))) {
      int i = ids.indexOf(wanted.strip());
      if (i < 0) {
        String near = Spelling.suggestion(wanted, ids);
        throw UserError.of(
            "--parts: unknown part '%s'%s",
            wanted, near.isEmpty() ? "; there are " + String.join(", ", ids) : near);
      }
      parts.add(all.get(i));
    }
    return parts;
  }

  private static void print(ObjectNode results, Console console) {
    List<List<String>> rows = new ArrayList<>();
    for (Bench.Part part : Bench.Part.values()) {
      JsonNode figures = results.get(part.id());
      if (figures != null) {
        double median = figures.get("median_s").asDouble();
        rows.add(
            List.of(
                part.id(),
                "%.4f".formatted(median),
                "%.4f".formatted(figures.get("min_s").asDouble()),
                "%.4f".formatted(figures.get("max_s").asDouble()),
                "%.1f".formatted(results.at("/settings/batch").asInt() / median),
                "%.1f".formatted(figures.get("gflop").asDouble()),
                "%.2f".formatted(figures.get("times_floor").asDouble())));
      }
    }
    console.table(
        List.of("seconds", "median", "min", "max", "examples/s", "GFLOP", "x floor"), rows);
    console.print("");
    console.printf("peak resident set  %.2f GB", results.get("peak_rss_bytes").asDouble() / 1e9);
    console.printf(
        "matrix product     %.0f GFLOP/s; the floor is a part's products at this rate",
        results.get("matmul_gflops").asDouble());
    console.printf("settings           %s", results.get("settings"));
    for (Bench.Part part : Bench.Part.values()) {
      JsonNode placement = results.path(part.id()).path("placement");
      if (placement.isObject()) {
        console.printf(
            "%-19snodes: %s; on the processor: %s; copies: %d",
            part.id(),
            placement.get("nodes"),
            placement.get("on_host"),
            placement.get("copy_nodes").asLong());
      }
    }
    for (Bench.Part part : Bench.Part.values()) {
      JsonNode profile = results.path(part.id()).path("profile");
      if (profile.isObject()) {
        console.print("");
        BenchProfile.print(part.id(), profile, console);
      }
    }
  }
}
