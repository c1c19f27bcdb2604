package dev.filtrate.recipe;

import dev.filtrate.base.Check;

/**
 * How often something happens during a stage: after so many updates, after every epoch, or never.
 *
 * @param unit what is counted
 * @param updates how many updates; 0 for the other units
 */
public record Every(Unit unit, int updates) {
  /** What is counted. */
  public enum Unit {
    /** Updates of the parameters. */
    UPDATES,
    /** Passes over the training examples. */
    EPOCH,
    /** Nothing. */
    NEVER
  }

  /** After every pass over the training examples. */
  public static final Every EPOCH = new Every(Unit.EPOCH, 0);

  /** Never. */
  public static final Every NEVER = new Every(Unit.NEVER, 0);

  /** Checks the number. */
  public Every {
    Check.argument(unit == Unit.UPDATES ? updates > 0 : updates == 0, "every %d %s", updates, unit);
  }

  /** After so many updates. */
  public static Every updates(int updates) {
    return new Every(Unit.UPDATES, updates);
  }

  /**
   * Whether it is due.
   *
   * @param done updates done so far, from 1
   * @param perEpoch updates of an epoch
   */
  public boolean due(long done, long perEpoch) {
    return switch (unit) {
      case UPDATES -> done % updates == 0;
      case EPOCH -> done % perEpoch == 0;
      case NEVER -> false;
    };
  }

  /** The spelling in recipes: a number, {@code epoch} or {@code never}. */
  @Override
  public String toString() {
    return switch (unit) {
      case UPDATES -> Integer.toString(updates);
      case EPOCH -> "epoch";
      case NEVER -> "never";
    };
  }

  /** How recipes hold it. */
  static final Kind<Every> KIND =
      Kind.scalar(
              "a whole number of updates, epoch or never",
              text ->
                  switch (text) {
                    case "epoch" -> EPOCH;
                    case "never" -> NEVER;
                    default ->
                        text.matches("[1-9][0-9]{0,8}") ? updates(Integer.parseInt(text)) : null;
                  })
          .told("{'anyOf': [{'type': 'integer', 'minimum': 1}, {'enum': ['epoch', 'never']}]}");
}
