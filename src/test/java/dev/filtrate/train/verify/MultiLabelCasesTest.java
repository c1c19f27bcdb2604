package dev.filtrate.train.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.train.Engine;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Several labels of one text against PyTorch, of which the shared cases have none: {@code
 * tools/multi-label-cases.py} made these, in float64, with {@code BCEWithLogitsLoss} as
 * transformers' models have it, {@code binary_cross_entropy_with_logits} where labels are unknown,
 * and {@code kl_div} over the two chances of every label.
 */
@Tag("ort")
class MultiLabelCasesTest {
  private static final Path CASES = Path.of("src/test/resources/multi-label");

  private static List<String> failures(Path folder, Target target) {
    Engine engine = new Engine(target, RuntimeOptions.defaults().withThreads(1));
    Verification verification = Verification.of(ReferenceCase.read(folder), engine);
    List<String> names = verification.quantities().stream().map(Quantity::name).toList();
    assertTrue(
        names.containsAll(
            folder.endsWith("bert-multi-label")
                ? List.of("logits", "loss", "grad.classifier.weight", "trajectory: loss")
                : List.of("stage1_student: loss", "ted: pred_loss", "ted: kl_loss", "kd: kl_loss")),
        names::toString);
    return verification.failures().stream().map(Quantity::name).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert-multi-label", "ted-multi-label"})
  void everyQuantityHoldsUnderBothTargets(String name) {
    for (Target target : Target.values()) {
      assertEquals(List.of(), failures(CASES.resolve(name), target), name + " under " + target);
    }
  }

  @Test
  void aKlOverTheClassesIsAnotherOne(@TempDir Path parent) {
    CaseCopy copy =
        CaseCopy.of(CASES.resolve("ted-multi-label"), parent)
            .json("trajectory", json -> json.put("kl_over", "last_axis"));
    List<String> failures = failures(copy.folder(), Target.ORT);
    assertTrue(failures.containsAll(List.of("ted: kl_loss", "kd: kl_loss")), failures::toString);
  }
}
