package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Check;
import dev.filtrate.model.Filters;
import java.util.OptionalInt;

/**
 * Where filters sit and how wide they are; defaults are the released ones.
 *
 * @param filterInterval one filter every so many layers of the student
 * @param teacherFilterInterval the same of the teacher
 * @param filterOutputDim F, one value for both models; empty = the teacher's hidden size (of a
 *     single model: its own)
 * @param nonlinear whether a hidden layer comes first ({@code filter_nonlinear})
 * @param disabled whether there are no learned filters: LWD and KD only ({@code filter_disabled})
 * @param frozenDropout whether dropout of the frozen backbone is on while filters learn, as
 *     released
 * @param frozenCache where what the filters read of the frozen backbone is kept, if anywhere
 */
public record FilterSettings(
    int filterInterval,
    int teacherFilterInterval,
    OptionalInt filterOutputDim,
    boolean nonlinear,
    boolean disabled,
    boolean frozenDropout,
    FrozenCacheSettings frozenCache) {
  /** Checks the numbers. */
  public FilterSettings {
    Check.argument(
        filterInterval > 0 && teacherFilterInterval > 0,
        "intervals %d, %d",
        filterInterval,
        teacherFilterInterval);
    Check.argument(
        filterOutputDim.isEmpty() || filterOutputDim.getAsInt() > 0, "width %s", filterOutputDim);
  }

  /** The student's filters, learned ones, where the teacher's hidden size is this. */
  public Filters student(int teacherHiddenSize) {
    return new Filters(filterInterval, filterOutputDim.orElse(teacherHiddenSize), nonlinear);
  }

  /** The teacher's filters. */
  public Filters teacher(int teacherHiddenSize) {
    return new Filters(teacherFilterInterval, filterOutputDim.orElse(teacherHiddenSize), nonlinear);
  }

  /**
   * LWD's fresh projections of the student: as wide as the teacher, whatever {@code
   * filter_output_dim} says, as in the released code.
   */
  public Filters projections(int teacherHiddenSize) {
    return new Filters(filterInterval, teacherHiddenSize, nonlinear);
  }

  static FilterSettings read(Config c) {
    return new FilterSettings(
        c.get("filter_interval", Kind.wholeFrom(1), 1),
        c.get("teacher_filter_interval", Kind.wholeFrom(1), 1),
        c.optional("filter_output_dim", Kind.wholeFrom(1), OptionalInt.empty()),
        c.get("filter_nonlinear", Kind.FLAG, false),
        c.get("filter_disabled", Kind.FLAG, false),
        c.get("frozen_dropout", Kind.FLAG, true),
        FrozenCacheSettings.read(c, FrozenCacheSettings.none("frozen_cache")));
  }

  ObjectNode write() {
    Keys keys =
        new Keys()
            .put("filter_interval", filterInterval)
            .put("teacher_filter_interval", teacherFilterInterval)
            .put("filter_output_dim", filterOutputDim)
            .put("filter_nonlinear", nonlinear)
            .put("filter_disabled", disabled)
            .put("frozen_dropout", frozenDropout);
    frozenCache.write(keys);
    return keys.object();
  }
}
