package dev.filtrate.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.autodiff.MixedPrecision;

/**
 * The number that the loss is multiplied by before it is differentiated, so that small gradients do
 * not vanish in half precision; the update divides by it. An update whose gradients are not finite
 * is skipped and the scale halved; after 2,000 updates in a row that were not, it is doubled: the
 * defaults of {@code torch.amp.GradScaler}.
 *
 * @param scale the number, a power of two
 * @param good updates since the scale was last changed
 * @param skipped updates that were skipped so far
 */
record LossScale(float scale, int good, int skipped) {
  /** No scaling: float32 and bfloat16 hold small gradients. */
  static final LossScale NONE = new LossScale(1, 0, 0);

  private static final float INITIAL = 65_536;
  private static final int GROWTH_INTERVAL = 2000;
  private static final float LARGEST = 0x1p100f; // far from what a gradient times it overflows at

  /** What a stage in this precision begins with. */
  static LossScale initial(MixedPrecision precision) {
    return precision.scalesLoss() ? new LossScale(INITIAL, 0, 0) : NONE;
  }

  /** After an update whose gradients were finite. */
  LossScale afterUpdate() {
    if (good + 1 < GROWTH_INTERVAL) {
      return new LossScale(scale, good + 1, skipped);
    }
    return new LossScale(Math.min(2 * scale, LARGEST), 0, skipped);
  }

  /** After an update that was skipped. */
  LossScale afterSkip() {
    return new LossScale(scale / 2, 0, skipped + 1);
  }

  /** Writes this into a checkpoint. */
  void write(ObjectNode json) {
    json.put("scale", scale);
    json.put("good_updates", good);
    json.put("skipped_updates", skipped);
  }

  /** Reads it again; absent in checkpoints without scaling. */
  static LossScale read(JsonNode json) {
    return json.isMissingNode()
        ? NONE
        : new LossScale(
            (float) json.path("scale").asDouble(),
            json.path("good_updates").asInt(),
            json.path("skipped_updates").asInt());
  }
}
