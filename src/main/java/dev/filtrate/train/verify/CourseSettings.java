package dev.filtrate.train.verify;

import dev.filtrate.base.Check;
import dev.filtrate.model.AdamW;
import dev.filtrate.recipe.Schedule;
import dev.filtrate.recipe.SchedulerType;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How a trajectory is trained: AdamW with decay on parameters of rank 2 and more, a rate that rises
 * from 0 and falls to 0 in straight lines.
 *
 * @param optimizer AdamW's numbers, clipping included
 * @param schedule the rate of each update
 * @param updates how many updates the schedule is made for
 * @param accumulation micro-batches per update
 */
record CourseSettings(AdamW optimizer, Schedule schedule, int updates, int accumulation) {
  /** Reads the settings from {@code trajectory.json}. */
  static CourseSettings read(CaseJson json) {
    json.oneOf("optimizer", "adamw");
    json.oneOf("schedule", "linear");
    List<Double> betas = json.numbers("betas");
    Check.user(betas.size() == 2, "%s: 'betas': expected two numbers", json.where());
    Check.user(
        betas.stream().allMatch(b -> b >= 0 && b < 1),
        "%s: 'betas': expected numbers in [0, 1), found %s",
        json.where(),
        betas);
    double rate = json.positive("lr");
    OptionalDouble clip =
        json.isNull("clip_grad_norm")
            ? OptionalDouble.empty()
            : OptionalDouble.of(json.positive("clip_grad_norm"));
    int accumulation =
        json.isNull("gradient_accumulation_steps") ? 1 : json.count("gradient_accumulation_steps");
    Check.user(
        accumulation > 0,
        "%s: 'gradient_accumulation_steps': expected at least 1, found 0",
        json.where());
    return new CourseSettings(
        new AdamW(
            betas.get(0),
            betas.get(1),
            json.positive("eps"),
            json.notNegative("weight_decay"),
            clip),
        new Schedule(SchedulerType.LINEAR, rate, json.count("warmup_steps")),
        json.count("total_steps"),
        accumulation);
  }
}
