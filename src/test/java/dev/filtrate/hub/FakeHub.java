package dev.filtrate.hub;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * A hub on this machine, and on another port the store that it redirects to for large files. Both
 * can be told to misbehave. Public for the command's test.
 */
public final class FakeHub implements AutoCloseable {
  /** The one commit that there is. */
  public static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  /** The one repository that there is, as model and as dataset. */
  public static final String REPO = "org/tiny";

  private final HttpServer hub = server();
  private final HttpServer store = server();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, byte[]> small = new LinkedHashMap<>();
  private final Map<String, byte[]> large = new LinkedHashMap<>();
  private final CountDownLatch closing = new CountDownLatch(1);

  /** What the listing names; as a rule the files. */
  final List<String> listed = new ArrayList<>();

  /** {@code METHOD path} of everything that was asked, with {@code @byte} behind for a part. */
  final List<String> asked = Collections.synchronizedList(new ArrayList<>());

  /** Whom the hub and the store were shown a token of. */
  final List<String> tokens = Collections.synchronizedList(new ArrayList<>());

  /** After how many bytes the store's next answers break off; negative: they fall silent there. */
  final Deque<Integer> breaks = new ConcurrentLinkedDeque<>();

  /** Headers of the hub's answers about files that replace the usual ones. */
  final Map<String, String> headers = new LinkedHashMap<>();

  /** Answers of the hub in place of the usual ones, by path. */
  final Map<String, Integer> refusals = new LinkedHashMap<>();

  /** What the hub answers to the next questions, whatever they are. */
  final Deque<Integer> hiccups = new ConcurrentLinkedDeque<>();

  /** What the hub says beside a refusal. */
  String errorCode = "";

  /** What the store sends in place of a file. */
  byte @Nullable [] forged;

  /** Whether the store knows parts. */
  boolean parts = true;

  /** What the listing says the commit is. */
  String commit = COMMIT;

  /** Whether the hub falls silent within its listing. */
  boolean silent;

  /** Starts both. */
  public FakeHub() {
    hub.createContext("/", this::answer);
    store.createContext("/", this::deliver);
    for (HttpServer server : List.of(hub, store)) {
      server.setExecutor(threads);
      server.start();
    }
  }

  private static HttpServer server() {
    try {
      return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file that the hub itself keeps. */
  public FakeHub small(String name, String content) {
    small.put(name, content.getBytes(StandardCharsets.UTF_8));
    listed.add(name);
    return this;
  }

  /** A file that the store keeps. */
  public FakeHub large(String name, byte[] content) {
    large.put(name, content);
    listed.add(name);
    return this;
  }

  /** The hub's address. */
  public String endpoint() {
    return "http://localhost:" + hub.getAddress().getPort();
  }

  private String storeAddress() {
    return "http://localhost:" + store.getAddress().getPort();
  }

  /** The SHA-256 of a large file. */
  static String sha256(byte[] content) {
    return hash("SHA-256", content);
  }

  /** The SHA-1 that git gives a small one. */
  static String gitSha1(byte[] content) {
    byte[] head = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
    byte[] all = new byte[head.length + content.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(content, 0, all, head.length, content.length);
    return hash("SHA-1", all);
  }

  private static String hash(String algorithm, byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void note(String who, HttpExchange exchange) {
    Headers given = exchange.getRequestHeaders();
    String range = given.getFirst("Range");
    asked.add(
        exchange.getRequestMethod()
            + " "
            + exchange.getRequestURI().getRawPath()
            + (range == null ? "" : range.replace("bytes=", "@").replace("-", "")));
    if (given.containsKey("Authorization")) {
      tokens.add(who + " " + given.getFirst("Authorization"));
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    note("hub", exchange);
    String path = exchange.getRequestURI().getRawPath();
    Headers reply = exchange.getResponseHeaders();
    Integer hiccup = hiccups.poll();
    Integer refusal = hiccup == null ? refusals.get(path) : hiccup;
    if (refusal != null) {
      reply.set("X-Error-Code", errorCode);
      headers.forEach(reply::set);
      exchange.sendResponseHeaders(refusal, -1);
    } else if (path.startsWith("/api/")) {
      int most = silent ? -10 : Integer.MAX_VALUE;
      send(exchange, 200, listing().getBytes(StandardCharsets.UTF_8), 0, most);
    } else {
      String decoded = exchange.getRequestURI().getPath();
      file(exchange, decoded.replaceFirst(".*/resolve/" + COMMIT + "/", ""));
    }
    exchange.close();
  }

  private String listing() {
    StringBuilder siblings = new StringBuilder();
    for (String name : listed) {
      siblings.append(siblings.isEmpty() ? "" : ",");
      siblings.append("{\"rfilename\":\"").append(name.replace("\\", "\\\\")).append("\"}");
    }
    return "{\"sha\":\"" + commit + "\",\"siblings\":[" + siblings + "]}";
  }

  private void file(HttpExchange exchange, String name) throws IOException {
    Headers reply = exchange.getResponseHeaders();
    byte[] content = small.get(name);
    byte[] stored = large.get(name);
    if (content != null) {
      reply.set("ETag", "W/\"" + gitSha1(content) + "\"");
      headers.forEach(reply::set);
      send(exchange, 200, content, 0, Integer.MAX_VALUE);
    } else if (stored != null) {
      reply.set("ETag", "\"of the redirect\"");
      reply.set("X-Linked-Etag", "\"" + sha256(stored) + "\"");
      reply.set("X-Linked-Size", Integer.toString(stored.length));
      reply.set("Location", storeAddress() + "/" + name);
      headers.forEach(reply::set);
      exchange.sendResponseHeaders(302, -1);
    } else {
      exchange.sendResponseHeaders(404, -1);
    }
  }

  private void deliver(HttpExchange exchange) throws IOException {
    note("store", exchange);
    byte[] content = forged;
    if (content == null) {
      content = large.get(exchange.getRequestURI().getPath().substring(1));
    }
    if (content == null) {
      exchange.sendResponseHeaders(404, -1);
      exchange.close();
      return;
    }
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = range == null || !parts ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    Integer most = breaks.poll();
    if (from > 0) {
      exchange
          .getResponseHeaders()
          .set(
              "Content-Range",
              "bytes %d-%d/%d".formatted(from, content.length - 1, content.length));
    }
    send(exchange, from > 0 ? 206 : 200, content, from, most == null ? Integer.MAX_VALUE : most);
    exchange.close();
  }

  private void send(HttpExchange exchange, int status, byte[] content, int from, int most)
      throws IOException {
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", Integer.toString(content.length));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, content.length - from);
    OutputStream out = exchange.getResponseBody();
    out.write(content, from, Math.min(Math.abs(most), content.length - from));
    out.flush();
    if (most < 0) {
      try {
        closing.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    closing.countDown();
    hub.stop(0);
    store.stop(0);
    threads.shutdownNow();
  }
}
