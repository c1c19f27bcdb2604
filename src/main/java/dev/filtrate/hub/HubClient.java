package dev.filtrate.hub;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Speaks to a hub. Redirects are followed here, not by the JDK's client, so that the token goes to
 * the hub's own address only, and a connection that began encrypted stays so.
 */
final class HubClient {
  private static final int REDIRECTS = 8;

  private final HubSettings settings;
  private final HttpClient http;

  HubClient(HubSettings settings) {
    this.settings = settings;
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(30))
            .followRedirects(HttpClient.Redirect.NEVER)
            .proxy(settings.proxies())
            .build();
  }

  /** An address of the hub. */
  URI api(Repo repo, String revision) {
    return settings.endpoint().resolve(repo.apiPath() + "/revision/" + escaped(revision));
  }

  /** The address of a file in a commit. */
  URI file(Repo repo, String commit, String name) {
    String path =
        Arrays.stream(name.split("/")).map(HubClient::escaped).collect(Collectors.joining("/"));
    return settings.endpoint().resolve(repo.path() + "/resolve/" + commit + "/" + path);
  }

  private static String escaped(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** Asks for what is at an address, from a byte on; the answer's body is to be closed. */
  HttpResponse<InputStream> get(URI address, long from) throws IOException {
    URI at = address;
    for (int i = 0; i <= REDIRECTS; i++) {
      HttpResponse<InputStream> answer = send("GET", at, from);
      if (!isRedirect(answer)) {
        return answer;
      }
      answer.body().close();
      at = target(at, answer);
    }
    throw UserError.of("%s: more than %d redirects", address, REDIRECTS);
  }

  /**
   * Asks what an address has to offer: the redirect that leads to a large file says it, or else the
   * last answer.
   */
  HttpResponse<InputStream> head(URI address) throws IOException {
    URI at = address;
    for (int i = 0; i <= REDIRECTS; i++) {
      HttpResponse<InputStream> answer = send("HEAD", at, 0);
      answer.body().close();
      if (!isRedirect(answer) || answer.headers().firstValue("X-Linked-Etag").isPresent()) {
        return answer;
      }
      at = target(at, answer);
    }
    throw UserError.of("%s: more than %d redirects", address, REDIRECTS);
  }

  private HttpResponse<InputStream> send(String method, URI at, long from) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(at)
            .method(method, HttpRequest.BodyPublishers.noBody())
            .timeout(Duration.ofSeconds(60)) // until the answer begins
            .header("User-Agent", "filtrate");
    if (from > 0) {
      request.header("Range", "bytes=" + from + "-");
    }
    if (isOurs(at)) {
      settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
    }
    settings
        .proxies()
        .of(at)
        .flatMap(Proxies.Way::authorization)
        .ifPresent(value -> request.header("Proxy-Authorization", value));
    try {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  private boolean isOurs(URI at) {
    URI hub = settings.endpoint();
    return Objects.equals(at.getScheme(), hub.getScheme())
        && Objects.equals(at.getHost(), hub.getHost())
        && at.getPort() == hub.getPort();
  }

  /** How the hub is reached: {@code " through the proxy ADDRESS"}, or nothing to say. */
  String way() {
    return settings
        .proxies()
        .of(settings.endpoint())
        .map(way -> " through the proxy " + way)
        .orElse("");
  }

  /** Why there was no answer; the JDK leaves the usual cases without a word. */
  static String reason(IOException e) {
    String message = e.getMessage();
    if (message != null && !message.isEmpty()) {
      return message;
    }
    boolean unknown = false;
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      unknown |= cause instanceof UnresolvedAddressException;
    }
    return unknown
        ? "no such host"
        : e instanceof ConnectException ? "connection refused" : e.getClass().getSimpleName();
  }

  /** Whether the same question may be answered a little later. */
  static boolean isBusy(HttpResponse<?> answer) {
    return answer.statusCode() >= 500 || answer.statusCode() == 429;
  }

  private static boolean isRedirect(HttpResponse<?> answer) {
    int status = answer.statusCode();
    return status >= 301 && status <= 308 && status != 304;
  }

  private static URI target(URI at, HttpResponse<?> answer) {
    String location = answer.headers().firstValue("Location").orElse("");
    URI next;
    try {
      next = at.resolve(location);
    } catch (IllegalArgumentException e) {
      throw new UserError(at + ": redirects to '" + location + "', which is no address", e);
    }
    boolean web = "https".equals(next.getScheme()) || "http".equals(next.getScheme());
    boolean exposed = "https".equals(at.getScheme()) && !"https".equals(next.getScheme());
    Check.user(
        web && next.getHost() != null && !exposed,
        "%s: redirects to '%s'; expected an address of the same or a safer kind",
        at,
        location);
    return next;
  }

  /** Says in one sentence why the hub refuses something. */
  UserError refusal(Repo repo, String what, HttpResponse<?> answer) {
    String code = answer.headers().firstValue("X-Error-Code").orElse("");
    int status = answer.statusCode();
    String where = repo + " at " + settings.endpoint();
    String token = settings.token().isPresent() ? "the token that is set" : "no token";
    return new UserError(
        switch (status) {
          case 401 ->
              "%s: refused (401) with %s; check the name, or set HF_TOKEN to a token that may read it"
                  .formatted(where, token);
          case 403 ->
              "%s: forbidden (403) with %s; accept its conditions on its page, and set HF_TOKEN"
                  .formatted(where, token);
          case 404 ->
              code.equals("RevisionNotFound") || code.equals("EntryNotFound")
                  ? "%s: has no %s (404)".formatted(where, what)
                  : "%s: not found (404); check the name, and --repo_type if it is a %s"
                      .formatted(where, repo.type() == Repo.Type.MODEL ? "dataset" : "model");
          case 407 ->
              "%s: refused (407)%s; write its user and password into its address, as in"
                  .formatted(where, way())
                  .concat(" HTTPS_PROXY=http://user:password@proxy:3128");
          default -> "%s: %s: the hub answers %d; try again later".formatted(where, what, status);
        });
  }
}
