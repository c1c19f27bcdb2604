package dev.filtrate.train.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.filtrate.base.Shared;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.train.Engine;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The reference cases beside the project, where they are: PyTorch's numbers, on the runtime. */
@Tag("ort")
class SharedCasesTest {
  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "bert-classify",
    "bert-regress",
    "bert-qa",
    "roberta-classify",
    "electra-classify",
    "distilbert-classify",
    "deberta-v3-classify",
    "deberta-v3-long",
    "deberta-v3-qa",
    "deberta-v2-conv",
    "deberta-v2-noshare",
    "ted-classify",
    "ted-nonlinear",
    "ted-regress",
    "ted-stsb",
    "ted-qa"
  })
  void everyQuantityHoldsUnderBothTargets(String name) {
    Path folder = Shared.path("fixtures/" + name);
    for (Target target : Target.values()) {
      Engine engine = new Engine(target, RuntimeOptions.defaults().withThreads(1));
      Verification verification = Verification.of(ReferenceCase.read(folder), engine);
      assertFalse(verification.quantities().isEmpty());
      assertEquals(List.of(), verification.failures(), name + " under " + target);
    }
  }
}
