package dev.filtrate.hub;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The cache's folders: {@code models--org--name/blobs/HASH} holds what was fetched, {@code
 * …/snapshots/COMMIT/} the files of a commit under their own names, as links into the blobs, and
 * {@code …/refs/main} the commit of a branch.
 */
public final class HubCache {
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /** What parts names on other systems, and what no file should be called. */
  private static final Pattern UNSAFE = Pattern.compile("[\\\\:\\p{Cntrl}]");

  private final Path folder;

  HubCache(Path folder) {
    this.folder = folder;
  }

  /**
   * The folder of a model that was fetched into a cache, {@code main} as it then was; empty if it
   * was not, or if the text is no model's name.
   */
  public static Optional<Path> find(String name, Path folder) {
    if (!Repo.isName(name)) {
      return Optional.empty();
    }
    return new HubCache(folder).find(new Repo(Repo.Type.MODEL, name), "main");
  }

  /** The folder of a revision that was fetched. */
  Optional<Path> find(Repo repo, String revision) {
    Path ref = ref(repo, revision);
    try {
      String commit =
          isCommit(revision) || !Files.isRegularFile(ref)
              ? revision
              : Files.readString(ref).strip();
      return isCommit(commit)
          ? Optional.of(snapshot(repo, commit)).filter(Files::isDirectory)
          : Optional.empty();
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(ref, e);
    }
  }

  /** The names of the files in a commit's folder that are there, in alphabetical order. */
  static List<String> files(Path snapshot) {
    try (Stream<Path> files = Files.walk(snapshot)) {
      return files
          .filter(Files::isRegularFile) // a link whose blob is gone is none
          .map(f -> snapshot.relativize(f).toString().replace(File.separatorChar, '/'))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(snapshot, e);
    }
  }

  /**
   * Where a model is: at a path if something is there, else where a cache has the model of this
   * name, else at the path all the same.
   */
  public static Path find(String name, Path path, Path folder) {
    return Files.exists(path) ? path : find(name, folder).orElse(path);
  }

  /** Whether a text is a commit's hash, in full. */
  static boolean isCommit(String text) {
    return COMMIT.matcher(text).matches();
  }

  /** Where a blob of this hash is or will be. */
  Path blob(Repo repo, String hash) {
    return folder.resolve(repo.folder()).resolve("blobs").resolve(hash);
  }

  /** The folder of a commit's files. */
  Path snapshot(Repo repo, String commit) {
    return folder.resolve(repo.folder()).resolve("snapshots").resolve(commit);
  }

  private Path ref(Repo repo, String revision) {
    return folder.resolve(repo.folder()).resolve("refs").resolve(revision);
  }

  /** Notes which commit a branch or tag stands for. */
  void writeRef(Repo repo, String revision, String commit) {
    if (!isCommit(revision)) {
      AtomicFiles.writeText(ref(repo, revision), commit);
    }
  }

  /** Whether a name leads to a place below a folder, on every system. */
  static boolean isInside(String name) {
    boolean inside = !UNSAFE.matcher(name).find();
    for (String part : name.split("/", -1)) {
      inside &= !part.isEmpty() && !part.equals(".") && !part.equals("..");
    }
    return inside;
  }

  /** Gives a blob its name in a commit's folder; a link where the file system has them. */
  void place(Repo repo, String commit, String name, String hash) {
    Path snapshot = snapshot(repo, commit);
    Path file = snapshot.resolve(name);
    Path blob = blob(repo, hash);
    Path parent = Objects.requireNonNull(file.getParent());
    try {
      Files.createDirectories(snapshot);
      requireInside(snapshot, parent);
      Files.deleteIfExists(file);
      try {
        Files.createSymbolicLink(file, parent.toAbsolutePath().relativize(blob.toAbsolutePath()));
      } catch (UnsupportedOperationException | FileSystemException e) {
        Files.copy(blob, file);
      }
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }

  /** Makes the folder, unless a link on the way leads elsewhere. */
  private static void requireInside(Path snapshot, Path parent) throws IOException {
    Path step = snapshot;
    for (Path part : snapshot.relativize(parent)) {
      step = step.resolve(part);
      if (Files.isSymbolicLink(step)) {
        throw UserError.of("%s: expected a folder, found a link; delete it and fetch again", step);
      }
      if (!Files.isDirectory(step)) {
        Files.createDirectory(step);
      }
    }
  }
}
