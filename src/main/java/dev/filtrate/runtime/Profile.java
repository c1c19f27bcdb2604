package dev.filtrate.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the runtime's profiler saw of a session, averaged over its last runs: see {@link
 * RuntimeOptions#withProfile}. Fused nodes appear as what they became.
 *
 * @param runSeconds wall time of a run, kernels and all else
 * @param kernels every node that ran
 */
public record Profile(double runSeconds, List<Kernel> kernels) {
  private static final String KERNEL = "_kernel_time";
  private static final double MICRO = 1e-6;

  /**
   * A node's kernel.
   *
   * @param node the node's name; those of a backward pass begin with {@code grad}
   * @param operator what the node is
   * @param provider the execution provider that ran it
   * @param seconds of a run
   */
  public record Kernel(String node, String operator, String provider, double seconds) {}

  /** Copies the list. */
  public Profile {
    kernels = List.copyOf(kernels);
  }

  /** A stretch of the profile's clock, in microseconds. */
  private record Span(long start, long end) {
    static Span of(JsonNode event) {
      long start = event.path("ts").asLong();
      return new Span(start, start + event.path("dur").asLong());
    }

    boolean holds(Span other) {
      return start <= other.start && other.end <= end;
    }
  }

  /**
   * Reads a profile as the runtime writes it, a list of Chrome trace events.
   *
   * @param runs how many runs at the end count; those before were for warming up
   */
  public static Profile read(Path file, int runs) {
    List<Span> spans = new ArrayList<>();
    List<JsonNode> events = new ArrayList<>();
    try {
      for (JsonNode event : new ObjectMapper().readTree(file.toFile())) {
        String name = event.path("name").asText();
        if (name.equals("model_run")) {
          spans.add(Span.of(event));
        } else if (name.endsWith(KERNEL) && event.path("cat").asText().equals("Node")) {
          events.add(event);
        }
      }
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
    Check.argument(
        runs >= 1 && runs <= spans.size(), "%s: %d of %d runs", file, runs, spans.size());
    spans.sort(Comparator.comparingLong(Span::start));
    return of(spans.subList(spans.size() - runs, spans.size()), events);
  }

  private static Profile of(List<Span> runs, List<JsonNode> events) {
    Map<String, Kernel> kernels = new LinkedHashMap<>();
    for (JsonNode event : events) {
      Span span = Span.of(event);
      if (runs.stream().anyMatch(run -> run.holds(span))) {
        String name = event.path("name").asText();
        Kernel kernel =
            new Kernel(
                name.substring(0, name.length() - KERNEL.length()),
                event.at("/args/op_name").asText(),
                event.at("/args/provider").asText(),
                (span.end - span.start) * MICRO / runs.size());
        kernels.merge(kernel.node, kernel, Profile::sum);
      }
    }
    long wall = runs.stream().mapToLong(run -> run.end - run.start).sum();
    return new Profile(wall * MICRO / runs.size(), List.copyOf(kernels.values()));
  }

  private static Kernel sum(Kernel a, Kernel b) {
    return new Kernel(a.node, a.operator, a.provider, a.seconds + b.seconds);
  }
}
