package dev.filtrate.base;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** What Linux tells of memory under {@code /proc}. */
public final class Proc {
  private Proc() {}

  /**
   * The bytes that a line such as {@code VmHWM: 1234 kB} tells; empty where there is none, as on
   * other systems.
   *
   * @param file below {@code /proc}
   * @param name what the line is called, without its colon
   */
  public static OptionalLong bytes(String file, String name) {
    Path path = Path.of("/proc", file);
    if (!Files.isReadable(path)) {
      return OptionalLong.empty();
    }
    try {
      return Files.readAllLines(path).stream()
          .filter(line -> line.startsWith(name + ":"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
