package dev.filtrate.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;

/**
 * A proxy on this machine. Every host that it is asked for, it takes for this machine, so that a
 * name that nobody else knows shows who was asked.
 */
final class FakeProxy implements AutoCloseable {
  private static final InetAddress HERE = InetAddress.getLoopbackAddress();

  private final ServerSocket door;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  /** {@code METHOD target credentials} of everything that was asked. */
  final List<String> asked = Collections.synchronizedList(new ArrayList<>());

  /** The first line of every answer in place of the usual one; empty: as usual. */
  volatile String refusal = "";

  FakeProxy() {
    try {
      door = new ServerSocket(0, 50, HERE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    threads.execute(this::welcome);
  }

  /** What goes behind {@code http://}. */
  String address() {
    return "localhost:" + door.getLocalPort();
  }

  private void welcome() {
    while (!door.isClosed()) {
      try {
        Socket guest = door.accept();
        threads.execute(() -> serve(guest));
      } catch (IOException | RejectedExecutionException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket guest) {
    try (guest) {
      InputStream in = guest.getInputStream();
      String[] question = line(in).split(" ");
      StringBuilder others = new StringBuilder();
      String credentials = "-";
      for (String header = line(in); !header.isEmpty(); header = line(in)) {
        String name = header.toLowerCase(Locale.ROOT);
        if (name.startsWith("proxy-authorization: ")) {
          credentials = header.substring(header.indexOf(' ') + 1);
        } else if (!name.startsWith("connection:")) {
          others.append(header).append("\r\n");
        }
      }
      asked.add(question[0] + " " + question[1] + " " + credentials);
      OutputStream out = guest.getOutputStream();
      if (!refusal.isEmpty()) {
        send(
            out,
            "HTTP/1.1 "
                + refusal
                + "\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
      } else if (question[0].equals("CONNECT")) {
        send(out, "HTTP/1.1 200 Connected\r\n\r\n");
        in.read(); // what begins here is TLS, and nobody behind the tunnel speaks it
        send(out, "What did you say?\r\n");
      } else {
        URI uri = URI.create(question[1]);
        try (Socket target = new Socket(HERE, uri.getPort())) {
          send(
              target.getOutputStream(),
              "%s %s HTTP/1.1\r\n%sConnection: close\r\n\r\n"
                  .formatted(question[0], uri.getRawPath(), others));
          target.getInputStream().transferTo(out);
        }
      }
    } catch (IOException e) {
      // a guest that left
    }
  }

  private static void send(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
      line.append((char) c);
    }
    return line.toString().stripTrailing();
  }

  @Override
  public void close() {
    try {
      door.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    threads.shutdownNow();
  }
}
