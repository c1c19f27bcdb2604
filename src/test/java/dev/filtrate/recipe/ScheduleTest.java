package dev.filtrate.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Rates (times 1e5) that transformers' get_scheduler gave at rate 4e-5 over 10 updates. */
class ScheduleTest {
  static Stream<Arguments> rates() {
    return Stream.of(
        row(SchedulerType.LINEAR, 0, 4, 3.6, 3.2, 2.8, 2.4, 2, 1.6, 1.2, 0.8, 0.4, 0),
        row(
            SchedulerType.LINEAR,
            3,
            0,
            1.33333,
            2.66667,
            4,
            3.42857,
            2.85714,
            2.28571,
            1.71429,
            1.14286,
            0.571429,
            0),
        row(
            SchedulerType.COSINE,
            0,
            4,
            3.90211,
            3.61803,
            3.17557,
            2.61803,
            2,
            1.38197,
            0.824429,
            0.381966,
            0.097887,
            0),
        row(
            SchedulerType.COSINE,
            3,
            0,
            1.33333,
            2.66667,
            4,
            3.80194,
            3.24698,
            2.44504,
            1.55496,
            0.75302,
            0.198062,
            0),
        row(
            SchedulerType.COSINE_WITH_RESTARTS,
            3,
            0,
            1.33333,
            2.66667,
            4,
            3.80194,
            3.24698,
            2.44504,
            1.55496,
            0.75302,
            0.198062,
            0),
        row(
            SchedulerType.POLYNOMIAL,
            0,
            4,
            3.601,
            3.202,
            2.803,
            2.404,
            2.005,
            1.606,
            1.207,
            0.808,
            0.409,
            0.01),
        row(
            SchedulerType.POLYNOMIAL,
            3,
            0,
            1.33333,
            2.66667,
            4,
            3.43,
            2.86,
            2.29,
            1.72,
            1.15,
            0.58,
            0.01),
        row(SchedulerType.CONSTANT, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4),
        row(SchedulerType.CONSTANT_WITH_WARMUP, 3, 0, 1.33333, 2.66667, 4, 4, 4, 4, 4, 4, 4, 4));
  }

  private static Arguments row(SchedulerType type, int warmup, double... rates) {
    return Arguments.of(type, warmup, rates);
  }

  @ParameterizedTest(name = "{0}, warm-up {1}")
  @MethodSource("rates")
  void equalsTransformers(SchedulerType type, int warmup, double[] rates) {
    Schedule schedule = new Schedule(type, 4e-5, warmup);
    for (int step = 0; step < rates.length; step++) {
      assertEquals(rates[step] * 1e-5, schedule.rate(step, 10), 1e-10, type + " step " + step);
    }
  }

  @ParameterizedTest
  @MethodSource("rates")
  void staysWhereItEnded(SchedulerType type, int warmup, double[] rates) {
    Schedule schedule = new Schedule(type, 4e-5, warmup);
    IntStream.of(11, 12, 99)
        .forEach(step -> assertEquals(rates[10] * 1e-5, schedule.rate(step, 10), 1e-10));
  }

  /** The same over 7 updates: no warm-up, a short one, one that is longer than the training. */
  static Stream<Arguments> ratesOfSeven() {
    double[] rising = {0, 0.444444, 0.888889, 1.333333, 1.777778, 2.222222, 2.666667, 3.111111};
    double[] wave = {4, 3.801938, 3.24698, 2.445042, 1.554958, 0.75302, 0.198062, 0};
    double[] lateWave = {0, 2, 4, 3.618034, 2.618034, 1.381966, 0.381966, 0};
    return Stream.of(
        row(
            SchedulerType.LINEAR,
            0,
            4,
            3.428571,
            2.857143,
            2.285714,
            1.714286,
            1.142857,
            0.571429,
            0),
        row(SchedulerType.LINEAR, 2, 0, 2, 4, 3.2, 2.4, 1.6, 0.8, 0),
        row(SchedulerType.LINEAR, 9, rising),
        row(SchedulerType.COSINE, 0, wave),
        row(SchedulerType.COSINE, 2, lateWave),
        row(SchedulerType.COSINE, 9, rising),
        row(SchedulerType.COSINE_WITH_RESTARTS, 0, wave),
        row(SchedulerType.COSINE_WITH_RESTARTS, 2, lateWave),
        row(SchedulerType.COSINE_WITH_RESTARTS, 9, rising),
        row(SchedulerType.POLYNOMIAL, 0, 4, 3.43, 2.86, 2.29, 1.72, 1.15, 0.58, 0.01),
        row(SchedulerType.POLYNOMIAL, 2, 0, 2, 4, 3.202, 2.404, 1.606, 0.808, 0.01),
        row(SchedulerType.POLYNOMIAL, 9, rising),
        row(SchedulerType.CONSTANT_WITH_WARMUP, 0, 4, 4, 4, 4, 4, 4, 4, 4),
        row(SchedulerType.CONSTANT_WITH_WARMUP, 2, 0, 2, 4, 4, 4, 4, 4, 4),
        row(SchedulerType.CONSTANT_WITH_WARMUP, 9, rising));
  }

  @ParameterizedTest(name = "{0}, warm-up {1}")
  @MethodSource("ratesOfSeven")
  void equalsTransformersOverSevenUpdates(SchedulerType type, int warmup, double[] rates) {
    Schedule schedule = new Schedule(type, 4e-5, warmup);
    for (int step = 0; step < rates.length; step++) {
      assertEquals(rates[step] * 1e-5, schedule.rate(step, 7), 1e-11, type + " step " + step);
    }
  }

  @Test
  void refusesARateOfNothing() {
    assertThrows(IllegalArgumentException.class, () -> new Schedule(SchedulerType.LINEAR, 0, 0));
  }
}
