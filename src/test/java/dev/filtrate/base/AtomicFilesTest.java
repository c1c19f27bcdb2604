package dev.filtrate.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
  @TempDir private Path folder;

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aFileIsMadeWithItsFoldersAndReplaced() throws IOException {
    Path file = folder.resolve("a/b/file.txt");
    AtomicFiles.writeText(file, "grün");
    assertEquals("grün", Files.readString(file));
    AtomicFiles.writeText(file, "");
    assertEquals("", Files.readString(file));
    assertEquals(List.of("file.txt"), names(folder.resolve("a/b")));
  }

  @Test
  void aFileWhoseWritingFailsIsTheOldOne() throws IOException {
    Path file = folder.resolve("file.txt");
    AtomicFiles.writeText(file, "old");
    UserError refused =
        assertThrows(
            UserError.class,
            () ->
                AtomicFiles.writeStream(
                    file,
                    out -> {
                      out.write(new byte[1 << 20]);
                      throw new IOException("No space left on device");
                    }));
    assertEquals(
        file + ": cannot be written: No space left on device; choose another place or make room",
        refused.getMessage());
    assertEquals("old", Files.readString(file));
    assertEquals(List.of("file.txt"), names(folder));
  }

  @Test
  void aFolderIsWholeOrTheOldOne() throws IOException {
    Path made = folder.resolve("made");
    AtomicFiles.writeFolder(made, in -> Files.writeString(in.resolve("one"), "1"));
    assertEquals(List.of("one"), names(made));
    assertThrows(
        UserError.class,
        () ->
            AtomicFiles.writeFolder(
                made,
                in -> {
                  Files.writeString(in.resolve("half"), "");
                  throw new IOException("No space left on device");
                }));
    assertEquals(List.of("one"), names(made));
    AtomicFiles.writeFolder(made, in -> Files.writeString(in.resolve("two"), "2"));
    assertEquals(List.of("two"), names(made));
    assertEquals(List.of("made"), names(folder));
  }

  @Test
  void whatIsInTheWayIsNamed() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    Path below = file.resolve("below.txt");
    UserError refused = assertThrows(UserError.class, () -> AtomicFiles.writeText(below, "text"));
    assertEquals(
        below
            + ": cannot be written: "
            + file
            + " is in the way; choose another place or make room",
        refused.getMessage());
  }

  @Test
  void deletingTakesAllThatIsBelowAndNothingBesides() throws IOException {
    AtomicFiles.writeText(folder.resolve("gone/deep/file"), "");
    AtomicFiles.writeText(folder.resolve("kept/file"), "");
    Files.createSymbolicLink(folder.resolve("gone/link"), folder.resolve("kept"));
    AtomicFiles.deleteRecursively(folder.resolve("gone"));
    AtomicFiles.deleteRecursively(folder.resolve("never there"));
    assertEquals(List.of("kept"), names(folder));
    assertEquals(List.of("file"), names(folder.resolve("kept")));
  }
}
