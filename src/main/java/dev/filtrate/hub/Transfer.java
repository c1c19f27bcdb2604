package dev.filtrate.hub;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/**
 * Brings one file: into {@code HASH.incomplete} beside its place, which a broken-off transfer is
 * taken up from, now or by a later run; it gets its name when size and hash are right.
 */
final class Transfer {
  /** A line that brings nothing so many times in a row is given up. */
  private static final int FRUITLESS = 5;

  private static final int PIECE = 1 << 16;

  private final HubClient client;
  private final Repo repo;
  private final FetchListener listener;
  private final Waiting waiting;

  /**
   * How long things may take.
   *
   * @param pause before the second attempt; doubled before each further one
   * @param silence after which a line that brings nothing is taken for broken
   */
  record Waiting(Duration pause, Duration silence) {
    static final Waiting USUAL = new Waiting(Duration.ofSeconds(1), Duration.ofSeconds(60));

    /** Waits after so many attempts that brought nothing. */
    void pause(int attempts) throws IOException {
      try {
        Thread.sleep(pause.toMillis() << Math.max(0, attempts - 1));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }
  }

  Transfer(HubClient client, Repo repo, FetchListener listener, Waiting waiting) {
    this.client = client;
    this.repo = repo;
    this.listener = listener;
    this.waiting = waiting;
  }

  /** Brings what is at an address to where it belongs. */
  void bring(String name, URI from, Announced file, Path blob) {
    Path part = blob.resolveSibling(blob.getFileName() + ".incomplete");
    try {
      Files.createDirectories(blob.toAbsolutePath().getParent());
      try (FileChannel out =
              FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock lock = lock(out, part)) {
        receiveAll(name, from, file, out);
        out.force(true);
      }
      String found = file.hashOf(part);
      if (!found.equals(file.hash())) {
        Files.delete(part);
        throw UserError.of(
            "%s: %s: expected the hash %s, found %s; what came was thrown away, fetch it again",
            repo, name, file.hash(), found);
      }
      Files.move(part, blob, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(blob, e);
    }
  }

  private static FileLock lock(FileChannel out, Path part) throws IOException {
    FileLock lock;
    try {
      lock = out.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      throw UserError.of("%s: another process fetches it; wait until it is done", part);
    }
    return lock;
  }

  private void receiveAll(String name, URI from, Announced file, FileChannel out)
      throws IOException {
    int fruitless = 0;
    while (true) {
      if (out.size() > file.size()) { // of something else
        out.truncate(0);
      }
      long before = out.size();
      String trouble = before == file.size() ? "" : receive(name, from, file, out);
      if (out.size() == file.size()) {
        return;
      }
      fruitless = out.size() > before ? 0 : fruitless + 1;
      if (fruitless == FRUITLESS) {
        throw UserError.of(
            "%s: %s: broke off at byte %d of %d (%s); run the same command again to go on from there",
            repo, name, out.size(), file.size(), trouble);
      }
      listener.note(
          "%s: broke off at byte %,d of %,d (%s), goes on"
              .formatted(name, out.size(), file.size(), trouble));
      waiting.pause(fruitless);
    }
  }

  /** Takes what one connection brings; returns why it ended, if early. */
  private String receive(String name, URI from, Announced file, FileChannel out)
      throws IOException {
    HttpResponse<InputStream> answer;
    try {
      answer = client.get(from, out.size());
    } catch (IOException e) {
      return HubClient.reason(e);
    }
    try (InputStream body = new WatchedStream(answer.body(), waiting.silence())) {
      int status = answer.statusCode();
      if (status == 416) {
        out.truncate(0);
        return "the hub has no such part";
      }
      if (HubClient.isBusy(answer)) {
        return "the hub answers " + status;
      }
      if (status != 200 && status != 206) {
        throw client.refusal(repo, name, answer);
      }
      boolean goesOn =
          status == 206
              && answer
                  .headers()
                  .firstValue("Content-Range")
                  .orElse("")
                  .startsWith("bytes " + out.size() + "-");
      out.position(goesOn ? out.size() : out.truncate(0).position());
      return copy(name, body, file, out);
    } catch (BrokenLine e) {
      return HubClient.reason(e);
    }
  }

  /** What the other side did, as opposed to the disk. */
  private static final class BrokenLine extends IOException {
    private static final long serialVersionUID = 1;

    BrokenLine(IOException cause) {
      super(cause.getMessage(), cause);
    }
  }

  private String copy(String name, InputStream body, Announced file, FileChannel out)
      throws IOException {
    byte[] piece = new byte[PIECE];
    while (true) {
      int n;
      try {
        n = body.read(piece);
      } catch (IOException e) {
        throw new BrokenLine(e);
      }
      if (n < 0) {
        return "the connection ended";
      }
      if (out.position() + n > file.size()) {
        out.truncate(0);
        throw UserError.of(
            "%s: %s: expected %d bytes, but more came; fetch it again", repo, name, file.size());
      }
      ByteBuffer bytes = ByteBuffer.wrap(piece, 0, n);
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
      listener.progress(name, out.position(), file.size());
    }
  }
}
