package dev.filtrate.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.runtime.Profile;
import dev.filtrate.runtime.RuntimeOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where a step's time goes, from the runtime's profiler.
 *
 * @param stepSeconds wall time of a step under the profiler, the mean as all other figures
 * @param runSeconds wall time inside the runtime
 * @param operators the operators, the most expensive first; fused ones as what they became
 * @param copies nodes that copy between host and device
 * @param providers how many nodes each execution provider runs
 * @param onHost how many of each operator run on the processor
 */
record StepProfile(
    double stepSeconds,
    double runSeconds,
    List<Operator> operators,
    long copies,
    Map<String, Long> providers,
    Map<String, Long> onHost) {
  private static final String PREFIX = "p";
  private static final Pattern FILE = Pattern.compile(PREFIX + "-(.+)_\\d+-\\d+-\\d+_.*\\.json");

  /** The parts of a step. */
  enum Part {
    /** The frozen model: the teacher, or Stage I's backbone without dropout. */
    FROZEN,
    /** The trained model and the loss. */
    FORWARD,
    /** The gradients. */
    BACKWARD,
    /** The update, whose nodes may run side by side: their sum may exceed the time that passes. */
    OPTIMIZER;

    /** As in the results. */
    String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * An operator in all its nodes.
   *
   * @param seconds of a step by part, 0 where it does not occur
   */
  record Operator(String name, Map<Part, Double> seconds) {
    /** In all parts. */
    double total() {
      return seconds.values().stream().mapToDouble(Double::doubleValue).sum();
    }
  }

  /** Copies list and map. */
  StepProfile {
    operators = List.copyOf(operators);
    providers = Collections.unmodifiableMap(new TreeMap<>(providers));
    onHost = Collections.unmodifiableMap(new TreeMap<>(onHost));
  }

  /** Time within the runtime that no kernel took; negative where nodes ran side by side. */
  double betweenKernels() {
    return runSeconds - operators.stream().mapToDouble(Operator::total).sum();
  }

  /** Time outside the runtime: feeding and fetching. */
  double outside() {
    return stepSeconds - runSeconds;
  }

  /** Times a step once more, under the profiler. */
  interface Timed {
    StepTimer.Timing run(StepTimer timer);
  }

  /**
   * Profiles a step.
   *
   * @param cached whether a frozen model runs only before the steps, to fill a cache
   */
  static StepProfile of(StepTimer timer, boolean cached, Timed timed) {
    Path folder = null;
    try {
      folder = Files.createTempDirectory("filtrate-profile");
      Engine engine = timer.engine();
      RuntimeOptions options = engine.options().withProfile(folder.resolve(PREFIX).toString());
      Engine profiled = engine.with(options);
      double step = timed.run(timer.with(profiled)).mean();
      return read(folder, cached, timer.steps(), step);
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(Path.of(System.getProperty("java.io.tmpdir")), e);
    } finally {
      if (folder != null) {
        AtomicFiles.deleteRecursively(folder);
      }
    }
  }

  static StepProfile read(Path folder, boolean cached, int steps, double stepSeconds)
      throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files = all.sorted().toList();
    }
    double runSeconds = 0;
    Map<String, Map<Part, Double>> operators = new HashMap<>();
    Map<String, Long> providers = new HashMap<>();
    Map<String, Long> onHost = new HashMap<>();
    long copies = 0;
    for (Path file : files) {
      Matcher name = FILE.matcher(file.getFileName().toString());
      Check.state(name.matches(), "%s: not the name of a profile", file);
      if (cached && name.group(1).equals(ComputedOutputs.NAME)) {
        continue;
      }
      Profile profile = Profile.read(file, steps);
      runSeconds += profile.runSeconds();
      for (Profile.Kernel kernel : profile.kernels()) {
        operators
            .computeIfAbsent(kernel.operator(), o -> new EnumMap<>(Part.class))
            .merge(part(name.group(1), kernel.node()), kernel.seconds(), Double::sum);
        providers.merge(kernel.provider(), 1L, Long::sum);
        if (kernel.provider().equals("CPUExecutionProvider")) {
          onHost.merge(kernel.operator(), 1L, Long::sum);
        }
        copies += kernel.operator().startsWith("Memcpy") ? 1 : 0;
      }
    }
    List<Operator> sorted = new ArrayList<>();
    operators.forEach(
        (operator, seconds) ->
            sorted.add(new Operator(operator, Collections.unmodifiableMap(seconds))));
    sorted.sort(Comparator.comparingDouble(Operator::total).reversed());
    return new StepProfile(stepSeconds, runSeconds, sorted, copies, providers, onHost);
  }

  private static Part part(String session, String node) {
    return switch (session) {
      case ComputedOutputs.NAME -> Part.FROZEN;
      case "update" -> Part.OPTIMIZER;
      default -> node.startsWith("grad") ? Part.BACKWARD : Part.FORWARD;
    };
  }

  /** Seconds by operator and part, and what is beside them. */
  ObjectNode toJson() {
    ObjectNode json = new ObjectMapper().createObjectNode();
    json.put("step_s", stepSeconds);
    json.put("run_s", runSeconds);
    ObjectNode byOperator = json.putObject("operators_s");
    for (Operator operator : operators) {
      ObjectNode parts = byOperator.putObject(operator.name());
      operator.seconds().forEach((part, seconds) -> parts.put(part.id(), seconds));
    }
    json.put("between_kernels_s", betweenKernels());
    json.put("outside_s", outside());
    json.setAll(placement());
    return json;
  }

  /** Where the nodes are: {@code nodes} by provider, {@code copy_nodes}, {@code on_host}. */
  ObjectNode placement() {
    ObjectNode json = new ObjectMapper().createObjectNode();
    providers.forEach(json.putObject("nodes")::put);
    json.put("copy_nodes", copies);
    onHost.forEach(json.putObject("on_host")::put);
    return json;
  }
}
