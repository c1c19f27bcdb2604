package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.autodiff.MixedPrecision;
import dev.filtrate.base.UserError;
import org.junit.jupiter.api.Test;

/** The rules of {@code torch.amp.GradScaler}. */
class LossScaleTest {
  private static final LossScale FIRST = LossScale.initial(MixedPrecision.FP16);

  private static LossScale after(LossScale scale, int updates) {
    for (int i = 0; i < updates; i++) {
      scale = scale.afterUpdate();
    }
    return scale;
  }

  @Test
  void onlyHalfPrecisionNeedsAScale() {
    assertEquals(65536, FIRST.scale());
    assertEquals(LossScale.NONE, LossScale.initial(MixedPrecision.BF16));
    assertEquals(LossScale.NONE, LossScale.initial(MixedPrecision.NO));
  }

  @Test
  void aSkippedUpdateHalvesIt() {
    assertEquals(new LossScale(16384, 0, 2), FIRST.afterSkip().afterSkip());
  }

  @Test
  void itDoublesAfterTwoThousandUpdatesInARow() {
    assertEquals(new LossScale(65536, 1999, 0), after(FIRST, 1999));
    assertEquals(new LossScale(131072, 0, 0), after(FIRST, 2000));
    LossScale interrupted = after(after(FIRST, 1999).afterSkip(), 1999);
    assertEquals(new LossScale(32768, 1999, 1), interrupted);
    assertEquals(new LossScale(65536, 0, 1), interrupted.afterUpdate());
  }

  @Test
  void aCheckpointHoldsItExactly() {
    LossScale scale = after(FIRST.afterSkip(), 7);
    ObjectNode json = new ObjectMapper().createObjectNode();
    scale.write(json.putObject("loss_scale"));
    assertEquals(scale, LossScale.read(json.path("loss_scale")));
    assertEquals(LossScale.NONE, LossScale.read(json.path("absent")));
  }

  @Test
  void gradientsThatAreNeverFiniteEndTheStage() {
    LossScale scale = FIRST;
    while (scale.scale() >= 0x1p-14f) {
      Finite.requireScale("ted", 1, scale);
      scale = scale.afterSkip();
    }
    LossScale last = scale;
    UserError e = assertThrows(UserError.class, () -> Finite.requireScale("ted", 32, last));
    assertEquals(
        "stage 'ted' step 32: gradients are not finite, however small the loss scale; lower"
            + " learning_rate, or set mixed_precision to bf16 or no",
        e.getMessage());
  }
}
