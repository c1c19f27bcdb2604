package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Setting;
import dev.filtrate.recipe.Use;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The graphs of the embedded default are those in {@code onnx-graphs/}, byte for byte. */
class GoldenGraphsTest {
  private static final Path GOLDEN = Path.of("onnx-graphs");
  private static final Path NOW = Path.of("target", "onnx-graphs");
  private static final String RENEW =
      "; if the change is meant: ./filtrate graph default --set compare=[ted] --out onnx-graphs";

  @Test
  void graphsOfTheEmbeddedDefaultAreThoseThatAreKept() throws IOException {
    Recipe recipe =
        Recipe.read(
            Path.of("data", "recipes", "default.yaml"),
            List.of(Setting.assignment("compare=[ted]")),
            Use.PLAN);
    AtomicFiles.deleteRecursively(NOW); // graphs that are no more
    GraphFiles.write(NOW, new Outline(recipe).graphs(), recipe);
    assertEquals(names(GOLDEN), names(NOW), "the files in onnx-graphs" + RENEW);
    for (String name : names(NOW)) {
      String message = "onnx-graphs/" + name + " differs from target/onnx-graphs/" + name + RENEW;
      if (name.endsWith(".txt")) {
        assertEquals(
            Files.readString(GOLDEN.resolve(name)), Files.readString(NOW.resolve(name)), message);
      } else {
        assertArrayEquals(
            Files.readAllBytes(GOLDEN.resolve(name)),
            Files.readAllBytes(NOW.resolve(name)),
            message);
      }
    }
  }

  private static Set<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.equals("README.md"))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
