package dev.filtrate.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.Device;
import dev.filtrate.runtime.OnnxRuntime;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.train.Engine;
import dev.filtrate.train.verify.Quantity;
import dev.filtrate.train.verify.ReferenceCase;
import dev.filtrate.train.verify.Verification;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate verify}: computes reference cases again and compares. */
final class VerifyCommand implements Command {
  private static final String TARGET = "target";
  private static final String DEVICE = "device";
  private static final String THREADS = "threads";
  private static final String CUDA_GRAPH = "enable_cuda_graph";
  private static final String JSON = "json";
  private static final String BRIEF = "brief";

  @Override
  public String name() {
    return "verify";
  }

  @Override
  public String summary() {
    return "prove models, gradients and training against reference cases of another implementation";
  }

  @Override
  public String arguments() {
    return "CASE...";
  }

  @Override
  public Options options() {
    Options options = new Options();
    options.addOption(
        Flags.valued(
            TARGET,
            "TARGET",
            "with whose operators: ort, portable (standard operators only), or both (default)"));
    options.addOption(Flags.valued(DEVICE, "DEVICE", "cpu, cuda or cuda:1 (default cpu)"));
    options.addOption(Flags.valued(THREADS, "N", "threads of an operator (default 0: every core)"));
    options.addOption(
        Flags.flag(CUDA_GRAPH, "on a GPU: with the graphs that training replays, and replayed"));
    options.addOption(Flags.flag(JSON, "print everything as JSON"));
    options.addOption(Flags.flag(BRIEF, "list only what does not hold"));
    return options;
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example(
            "src/test/resources/cases/bert-classify",
            "a case that comes along: hidden states, loss, gradients, a training trajectory"),
        new Example(
            "cases/* --target portable --brief",
            "every case of a folder, with standard operators only"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    Set<Path> cases = new LinkedHashSet<>();
    line.getArgList().forEach(c -> cases.add(Path.of(c)));
    if (cases.isEmpty()) {
      throw new UserError("expected at least one reference case, a folder, got none");
    }
    List<Engine> engines = engines(line);
    Outcome outcome = new Outcome();
    for (Path folder : cases) {
      try {
        ReferenceCase reference = ReferenceCase.read(folder);
        for (Engine engine : engines) {
          console.progress("verifying %s, %s".formatted(folder, name(engine.target())));
          outcome.add(folder, Verification.of(reference, engine));
        }
      } catch (UserError e) {
        if (cases.size() == 1) {
          throw e;
        }
        console.error("filtrate: " + e.getMessage()); // the other cases have their turn
        outcome.refused(folder, String.valueOf(e.getMessage()));
      }
    }
    console.endProgress();
    if (line.hasOption(JSON)) {
      console.print(outcome.json());
    } else {
      outcome.print(console, line.hasOption(BRIEF));
    }
    return outcome.exitCode();
  }

  private static List<Engine> engines(CommandLine line) {
    Device device = Device.parse(line.getOptionValue(DEVICE, "cpu"));
    if (device.isCuda()) {
      OnnxRuntime.requireCuda(device);
    }
    RuntimeOptions options =
        RuntimeOptions.defaults()
            .withDevice(device)
            .withThreads(threads(line.getOptionValue(THREADS, "0")))
            .withCudaGraphs(line.hasOption(CUDA_GRAPH));
    return targets(line.getOptionValue(TARGET, "both")).stream()
        .map(target -> Engine.of(target, options, MixedPrecision.NO))
        .toList();
  }

  private static List<Target> targets(String text) {
    return switch (text) {
      case "ort" -> List.of(Target.ORT);
      case "portable" -> List.of(Target.PORTABLE);
      case "both" -> List.of(Target.ORT, Target.PORTABLE);
      default -> throw UserError.of("--target: expected ort, portable or both, got \"%s\"", text);
    };
  }

  private static int threads(String text) {
    Check.user(
        text.matches("\\d{1,4}"), "--threads: expected 0 (all cores) or more, got \"%s\"", text);
    return Integer.parseInt(text);
  }

  private static String name(Target target) {
    return target.name().toLowerCase(Locale.ROOT);
  }

  /** What came of all cases. */
  private static final class Outcome {
    private final List<Verification> done = new ArrayList<>();
    private final ArrayNode rows = new ObjectMapper().createArrayNode();
    private int refused;

    void add(Path folder, Verification verification) {
      done.add(verification);
      ObjectNode row = rows.addObject();
      row.put("case", folder.toString());
      row.put("target", name(verification.target()));
      row.put("ok", verification.ok());
      ArrayNode quantities = row.putArray("quantities");
      for (Quantity q : verification.quantities()) {
        ObjectNode quantity = quantities.addObject();
        quantity.put("quantity", q.name());
        if (Double.isFinite(q.difference())) {
          quantity.put("largest_difference", q.difference());
        } else {
          quantity.putNull("largest_difference");
        }
        quantity.put("tolerance", q.tolerance());
        quantity.put("at", q.at());
        quantity.put("ok", q.ok());
      }
    }

    void refused(Path folder, String message) {
      refused++;
      ObjectNode row = rows.addObject();
      row.put("case", folder.toString());
      row.put("ok", false);
      row.put("error", message);
    }

    int exitCode() {
      if (done.stream().anyMatch(v -> !v.ok())) {
        return CHECK_FAILED;
      }
      return refused > 0 ? Main.BAD_INPUT : DONE;
    }

    String json() {
      ObjectMapper mapper = new ObjectMapper();
      ObjectNode all = mapper.createObjectNode();
      all.put("ok", exitCode() == DONE);
      all.set("cases", rows);
      try {
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(all);
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("a tree of numbers and strings cannot be written", e);
      }
    }

    void print(Console console, boolean brief) {
      for (Verification v : done) {
        List<Quantity> listed = brief ? v.failures() : v.quantities();
        console.print(
            "%s, %s: %s"
                .formatted(v.name(), name(v.target()), held(v.quantities().size(), v.failures())));
        if (!listed.isEmpty()) {
          console.print("");
          console.table(
              List.of("quantity", "largest difference", "tolerance", "at", "ok"),
              listed.stream().map(Outcome::cells).toList());
          console.print("");
        }
      }
      List<Quantity> failures = done.stream().flatMap(v -> v.failures().stream()).toList();
      int count = done.stream().mapToInt(v -> v.quantities().size()).sum();
      console.print(
          "%s in %d verification%s%s"
              .formatted(
                  held(count, failures),
                  done.size(),
                  done.size() == 1 ? "" : "s",
                  refused == 0 ? "" : "; cases that cannot be verified: " + refused));
    }

    private static String held(int count, List<Quantity> failures) {
      return failures.isEmpty()
          ? "all %d quantities hold".formatted(count)
          : "%d of %d quantities DO NOT HOLD".formatted(failures.size(), count);
    }

    private static List<String> cells(Quantity q) {
      return List.of(
          q.name(),
          String.format(Locale.ROOT, "%.2e", q.difference()),
          String.format(Locale.ROOT, "%.2e", q.tolerance()),
          q.at(),
          q.ok() ? "yes" : "NO");
    }
  }
}
