package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Check;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * In which forms a student is exported, and how.
 *
 * @param precisions without repetitions, {@link Precision#FP32} always among them and first
 * @param maxDrop points of the metric that selects which another precision may lose; a point is a
 *     hundredth of a metric up to 1
 * @param perChannel whether int8 scales each column of a weight, not the whole ({@code
 *     per_channel})
 * @param reduceRange whether int8 weights take 7 bits, for processors whose products of bytes
 *     overflow 16 bits: x86 before VNNI ({@code reduce_range})
 */
public record ExportSettings(
    List<Precision> precisions, double maxDrop, boolean perChannel, boolean reduceRange) {
  /** Single precision only. */
  public static final ExportSettings DEFAULT =
      new ExportSettings(List.of(Precision.FP32), 0.5, true, false);

  /** Checks the number and puts the list in order. */
  public ExportSettings {
    Check.argument(maxDrop >= 0, "a drop of %s points", maxDrop);
    Set<Precision> all = EnumSet.of(Precision.FP32);
    all.addAll(precisions);
    precisions = List.copyOf(all);
  }

  static ExportSettings read(Config c) {
    return new ExportSettings(
        c.get("precision", Kind.listOf(Kind.choice(Precision.class)), DEFAULT.precisions),
        c.get("max_drop", Kind.notNegative(), DEFAULT.maxDrop),
        c.get("per_channel", Kind.FLAG, DEFAULT.perChannel),
        c.get("reduce_range", Kind.FLAG, DEFAULT.reduceRange));
  }

  ObjectNode write() {
    return new Keys()
        .put("precision", precisions)
        .put("max_drop", maxDrop)
        .put("per_channel", perChannel)
        .put("reduce_range", reduceRange)
        .object();
  }
}
