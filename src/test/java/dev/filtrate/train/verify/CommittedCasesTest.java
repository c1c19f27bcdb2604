package dev.filtrate.train.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.onnx.Target;
import dev.filtrate.runtime.RuntimeOptions;
import dev.filtrate.train.Engine;
import dev.filtrate.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The small reference cases that come with the project ({@link CaseMaker}). When a definition
 * changes on purpose, renew them:
 *
 * <pre>./mvnw test -Dtest=CommittedCasesTest -Dcases.renew=true</pre>
 */
class CommittedCasesTest {
  private static final Path CASES = Path.of("src/test/resources/cases");
  private static final String RENEW =
      "; if that is meant, renew the cases: ./mvnw test -Dtest=CommittedCasesTest"
          + " -Dcases.renew=true";

  static List<Path> cases() throws IOException {
    try (Stream<Path> folders = Files.list(CASES)) {
      return folders.sorted().toList();
    }
  }

  @Tag("ort")
  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void everyQuantityHoldsUnderBothTargets(Path folder) {
    ReferenceCase reference = ReferenceCase.read(folder);
    for (Target target : Target.values()) {
      Engine engine = new Engine(target, RuntimeOptions.defaults().withThreads(1));
      Verification verification = Verification.of(reference, engine);
      assertFalse(verification.quantities().isEmpty());
      assertEquals(List.of(), verification.failures(), folder + " under " + target);
    }
  }

  @Test
  void theCommittedFilesAreWhatTheOracleComputes(@TempDir Path fresh) throws IOException {
    if (Boolean.getBoolean("cases.renew")) {
      new CaseMaker(CASES).makeAll();
    }
    new CaseMaker(fresh).makeAll();
    List<Path> expected = files(fresh);
    assertEquals(expected, files(CASES), "the files" + RENEW);
    for (Path file : expected) {
      if (file.toString().endsWith(".json")) {
        JsonNode made = new ObjectMapper().readTree(fresh.resolve(file).toFile());
        JsonNode committed = new ObjectMapper().readTree(CASES.resolve(file).toFile());
        assertTrue(
            committed.equals(CommittedCasesTest::difference, made), file + " differs" + RENEW);
      } else {
        assertSame(file, fresh.resolve(file), CASES.resolve(file));
      }
    }
  }

  private static List<Path> files(Path root) throws IOException {
    try (Stream<Path> below = Files.walk(root)) {
      return below.filter(Files::isRegularFile).map(root::relativize).sorted().toList();
    }
  }

  /** Numbers may differ by rounding: another JVM's sine is not the same to the last bit. */
  private static int difference(JsonNode a, JsonNode b) {
    boolean close = a.isNumber() && b.isNumber() && near(a.doubleValue(), b.doubleValue(), 1e-9);
    return close || a.equals(b) ? 0 : 1;
  }

  private static boolean near(double a, double b, double tolerance) {
    return Double.compare(a, b) == 0 || Math.abs(a - b) <= tolerance * (1 + Math.abs(b));
  }

  private static void assertSame(Path file, Path made, Path committed) {
    Safetensors expected = Safetensors.open(made);
    Safetensors actual = Safetensors.open(committed);
    assertEquals(expected.names(), actual.names(), file + RENEW);
    for (String name : expected.names()) {
      Tensor a = expected.tensor(name);
      Tensor b = actual.tensor(name);
      assertEquals(a.toString(), b.toString(), file + ": " + name + RENEW);
      for (int i = 0; i < a.size(); i++) {
        double tolerance = a.type() == DType.FLOAT ? 1e-6 : 0;
        assertTrue(
            near(b.get(i), a.get(i), tolerance),
            "%s: %s[%d] is %s, computed %s%s".formatted(file, name, i, b.get(i), a.get(i), RENEW));
      }
    }
  }
}
