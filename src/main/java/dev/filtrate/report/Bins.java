package dev.filtrate.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Curves over updates, kept short: each is a row of bins of as many updates as it takes for there
 * to be no more than {@link #LIMIT} of them, with mean, least and greatest value. One pass, in any
 * order, for any number of seeds.
 */
final class Bins {
  /** No curve has more points. */
  static final int LIMIT = 200;

  private final Map<String, List<Bin>> curves = new LinkedHashMap<>();
  private int width = 1;
  private int last;

  /** The values of a curve in a range of updates. */
  static final class Bin {
    private double sum;
    private int count;
    private double low = Double.POSITIVE_INFINITY;
    private double high = Double.NEGATIVE_INFINITY;

    void add(double value) {
      sum += value;
      count++;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }

    private void add(Bin other) {
      sum += other.sum;
      count += other.count;
      low = Math.min(low, other.low);
      high = Math.max(high, other.high);
    }

    /** The mean; not a number where nothing was added. */
    double mean() {
      return count == 0 ? Double.NaN : sum / count;
    }

    double low() {
      return low;
    }

    double high() {
      return high;
    }
  }

  /** Adds what an update (from 1) said of a curve; what is not finite is left out. */
  void add(int step, String curve, double value) {
    last = Math.max(last, step);
    while ((step - 1) / width >= LIMIT) {
      widen();
    }
    if (Double.isFinite(value)) {
      List<Bin> bins = curves.computeIfAbsent(curve, c -> new ArrayList<>());
      int place = (step - 1) / width;
      while (bins.size() <= place) {
        bins.add(new Bin());
      }
      bins.get(place).add(value);
    }
  }

  private void widen() {
    width *= 2;
    curves.replaceAll(
        (name, bins) -> {
          List<Bin> wider = new ArrayList<>();
          for (int i = 0; i < bins.size(); i++) {
            if (i % 2 == 0) {
              wider.add(bins.get(i));
            } else {
              wider.get(i / 2).add(bins.get(i));
            }
          }
          return wider;
        });
  }

  Set<String> names() {
    return curves.keySet();
  }

  /** A curve, a bin for each of {@link #steps}. */
  List<Bin> curve(String name) {
    List<Bin> bins = new ArrayList<>(curves.getOrDefault(name, List.of()));
    while (bins.size() < size()) {
      bins.add(new Bin());
    }
    return bins;
  }

  /** The middle of each bin, in updates. */
  List<Double> steps() {
    List<Double> steps = new ArrayList<>();
    for (int i = 0; i < size(); i++) {
      steps.add((i * width + 1 + Math.min((i + 1) * width, last)) / 2.0);
    }
    return steps;
  }

  private int size() {
    return (last + width - 1) / width;
  }
}
