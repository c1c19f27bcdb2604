package dev.filtrate.data;

import java.nio.file.Path;
import java.util.List;

/**
 * A test file of a {@link GlueTask}, whose labels only the leaderboard knows.
 *
 * @param file where it is
 * @param layout where the texts stand in it; there is no label
 * @param answers the file's name that the leaderboard expects the answers under
 */
public record GlueTest(Path file, Layout layout, String answers) {
  /** The texts, in the file's order; what is wrong with it is a {@link UserError}. */
  public List<Example> read() {
    return ExampleReader.read(file, layout, Labels.scores());
  }
}
