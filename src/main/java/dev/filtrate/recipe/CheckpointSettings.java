package dev.filtrate.recipe;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Check;

/**
 * When a run writes down where it is.
 *
 * @param every how often ({@code checkpointing_steps})
 * @param keep how many of the last ones stay
 */
public record CheckpointSettings(Every every, int keep) {
  /** Checks the number. */
  public CheckpointSettings {
    Check.argument(keep >= 1, "keep %d checkpoints", keep);
  }

  static CheckpointSettings read(Config c) {
    return new CheckpointSettings(
        c.get("checkpointing_steps", Every.KIND, Every.EPOCH), c.get("keep", Kind.wholeFrom(1), 1));
  }

  ObjectNode write() {
    return new Keys().put("checkpointing_steps", every.toString()).put("keep", keep).object();
  }
}
