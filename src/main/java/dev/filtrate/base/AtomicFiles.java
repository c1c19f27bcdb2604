package dev.filtrate.base;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Files and folders that appear whole or not at all: written beside their place under a temporary
 * name, synced, renamed. Whatever the file system refuses becomes a {@link UserError} that names
 * the path.
 */
public final class AtomicFiles {
  private AtomicFiles() {}

  /** Writes the content of a file. */
  @FunctionalInterface
  public interface Writer {
    /** Writes to the channel, which the caller opened and will sync and close. */
    void write(FileChannel channel) throws IOException;
  }

  /** Fills a folder. */
  @FunctionalInterface
  public interface Filler {
    /** Writes files below {@code folder}, which exists and is empty. */
    void fill(Path folder) throws IOException;
  }

  /** Writes a file through its channel; parents are made. An existing file is replaced. */
  public static void write(Path file, Writer content) {
    Path temporary = beside(file);
    try {
      createParents(file);
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        content.write(channel);
        channel.force(true);
      }
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw cannotWrite(file, e);
    } finally {
      deleteRecursively(temporary);
    }
  }

  /** Writes a UTF-8 text file. */
  public static void writeText(Path file, String text) {
    writeStream(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Writes to a stream. */
  @FunctionalInterface
  public interface StreamWriter {
    /** Writes to the buffered stream, which the caller flushes and closes. */
    void write(OutputStream out) throws IOException;
  }

  /** Writes a file through a buffered stream. */
  public static void writeStream(Path file, StreamWriter content) {
    write(
        file,
        channel -> {
          OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
          content.write(out);
          out.flush();
        });
  }

  /**
   * Makes a folder whole: filled under a temporary name, then renamed; an existing one is replaced.
   */
  public static void writeFolder(Path folder, Filler content) {
    Path temporary = beside(folder);
    try {
      createParents(folder);
      deleteRecursively(temporary);
      Files.createDirectories(temporary);
      content.fill(temporary);
      if (Files.exists(folder)) {
        Path old = folder.resolveSibling("." + folder.getFileName() + ".old");
        deleteRecursively(old);
        Files.move(folder, old, StandardCopyOption.ATOMIC_MOVE);
        Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
        deleteRecursively(old);
      } else {
        Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw cannotWrite(folder, e);
    } finally {
      deleteRecursively(temporary);
    }
  }

  /** Deletes a file or a folder with all below it; what is not there is no error. */
  public static void deleteRecursively(Path path) {
    if (!Files.exists(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (Stream<Path> below = Files.walk(path)) {
      List<Path> deepestFirst = below.sorted(Comparator.reverseOrder()).toList();
      for (Path p : deepestFirst) {
        Files.deleteIfExists(p);
      }
    } catch (IOException e) {
      throw new UserError(path + ": cannot be deleted: " + reason(e), e);
    }
  }

  /** The error for a path that the file system does not let us write. */
  public static UserError cannotWrite(Path path, IOException e) {
    return new UserError(
        path + ": cannot be written: " + reason(e) + "; choose another place or make room", e);
  }

  /** The error for a path that cannot be read. */
  public static UserError cannotRead(Path path, IOException e) {
    return new UserError(path + ": cannot be read: " + reason(e), e);
  }

  private static String reason(IOException e) {
    if (e instanceof java.nio.file.NoSuchFileException missing) {
      return "no such file or folder: " + missing.getFile();
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof java.nio.file.FileAlreadyExistsException exists) {
      return exists.getFile() + " is in the way";
    }
    if (e instanceof FileSystemException f && f.getReason() != null) {
      return f.getReason();
    }
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message;
  }

  private static Path beside(Path file) {
    return file.toAbsolutePath().resolveSibling("." + file.getFileName() + ".part");
  }

  private static void createParents(Path file) throws IOException {
    Path parent = file.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
  }
}
