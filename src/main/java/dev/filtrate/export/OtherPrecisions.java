package dev.filtrate.export;

import dev.filtrate.data.Metrics;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.Parameters;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.recipe.ExportSettings;
import dev.filtrate.recipe.Precision;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.Engine;
import dev.filtrate.train.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Writes the files of a student's precisions and measures each: one that answers too badly is
 * deleted again.
 *
 * @param folder the export's
 * @param slim the student in single precision
 * @param provenance what goes into the files' metadata
 * @param settings how, and what a precision may lose
 * @param engine where they are measured
 * @param dataInside how many bytes of weights a file may hold inside
 */
record OtherPrecisions(
    Path folder,
    WeightedGraph slim,
    Provenance provenance,
    Proof proof,
    Optional<? extends ValidationSet> task,
    ExportSettings settings,
    Engine engine,
    long dataInside) {
  private static final List<Integer> BATCHES = List.of(1, 8);

  /** A point is a hundredth of a metric up to 1; those of SQuAD are in points already. */
  private static final int POINTS = 100;

  /** Differences of a metric that come from sums in another order. */
  private static final double NOTHING = 1e-9;

  /** Writes a precision's file, and what it did; its answers to the golden texts are kept. */
  Measurement add(Precision precision, Golden golden) throws IOException {
    Path file = folder.resolve(ExportFolder.ONNX).resolve(precision.file());
    Path data = file.resolveSibling(precision.file() + "_data");
    write(precision, file);
    long bytes = Files.size(file) + (Files.exists(data) ? Files.size(data) : 0);
    Measurement measured = measured(precision, file, bytes, golden);
    if (!measured.kept()) {
      Files.delete(file);
      Files.deleteIfExists(data);
    }
    return measured;
  }

  private void write(Precision precision, Path file) {
    switch (precision) {
      case FP32 -> throw new IllegalArgumentException("fp32 is written first");
      case FP16 -> write(file, ExportPasses.HALF.run(slim), precision);
      case INT8 -> write(file, ExportPasses.quantized(settings).run(slim), precision);
      case OPTIMIZED -> {
        Path plain = file.resolveSibling(Precision.FP32.file());
        boolean beside = Files.exists(plain.resolveSibling(Precision.FP32.file() + "_data"));
        ComputeSession.writeOptimized(plain, file, beside, engine.options());
      }
    }
  }

  private void write(Path file, WeightedGraph draft, Precision precision) {
    OnnxCodec.write(
        file,
        draft.graph(),
        Parameters.embedded(draft.values()),
        provenance.metadata(precision),
        dataInside);
  }

  private Measurement measured(Precision precision, Path file, long bytes, Golden golden)
      throws IOException {
    try (ComputeSession session =
        ComputeSession.openFile(file.toString(), file, engine.options())) {
      Measurement measured = measure(precision, bytes, session, proof.answers(session));
      if (measured.kept()) {
        golden.add(precision, session, measured.largestDifference());
      }
      return measured;
    } catch (IllegalStateException e) { // the runtime has no kernel for it, say
      return Measurement.unusable(precision, bytes, "ONNX Runtime refuses it: " + e.getMessage());
    }
  }

  /** What a session's answers are worth, and how fast it gives them. */
  Measurement measure(
      Precision precision, long bytes, ComputeSession session, List<Proof.Answer> answers) {
    Proof.Comparison found = proof.compare(precision.file(), answers);
    Map<Integer, Double> latency = new LinkedHashMap<>();
    for (int batch : BATCHES) {
      latency.put(batch, Models.latencyMs(session, proof.examples(), batch));
    }
    return new Measurement(
        precision,
        bytes,
        found.largest(),
        found.mean(),
        found.agreement(),
        found.metrics(),
        drop(found.metrics()),
        latency,
        precision == Precision.FP32 ? Optional.empty() : refusal(found));
  }

  private OptionalDouble drop(Map<String, Double> metrics) {
    if (task.isEmpty()) {
      return OptionalDouble.empty();
    }
    String metric = task.get().metrics().get(0);
    double lost = reference(metric) - metrics.getOrDefault(metric, Double.NaN);
    int points = task.get() instanceof SquadSet ? 1 : POINTS;
    return OptionalDouble.of(points * (Metrics.higherIsBetter(metric) ? lost : -lost));
  }

  private double reference(String metric) {
    return proof.metrics().getOrDefault(metric, Double.NaN);
  }

  private Optional<String> refusal(Proof.Comparison found) {
    if (!Double.isFinite(found.largest())) {
      return Optional.of("some of its logits are not finite");
    }
    OptionalDouble drop = drop(found.metrics());
    if (drop.isEmpty() || drop.getAsDouble() <= settings.maxDrop() + NOTHING) {
      return Optional.empty();
    }
    String metric = task.map(t -> t.metrics().get(0)).orElse("");
    return Optional.of(
        String.format(
            Locale.ROOT,
            "its %s is %.4f, that of the trained model %.4f: %.2f points lost, and max_drop is %s",
            metric,
            found.metrics().getOrDefault(metric, Double.NaN),
            reference(metric),
            drop.getAsDouble(),
            settings.maxDrop()));
  }
}
