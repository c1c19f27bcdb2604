package dev.filtrate.hub;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where the hub is and where its files are kept, as {@code huggingface_hub} reads it from the
 * environment: {@code HF_ENDPOINT}; {@code HF_TOKEN}, else the file of {@code HF_TOKEN_PATH} or
 * {@code token} in {@code HF_HOME}; {@code HF_HUB_CACHE}, else {@code hub} in {@code HF_HOME},
 * which is {@code ~/.cache/huggingface} unless set; {@code HF_HUB_OFFLINE}. What other programs
 * read too, its proxies, is {@link Proxies}.
 *
 * @param endpoint the hub's address, ending in a slash
 * @param token sent to the endpoint, if there is one
 * @param cache where downloads lie
 * @param proxies on the way to the endpoint and to where it redirects
 * @param offline whether nothing is asked, and only what the cache holds is there
 */
public record HubSettings(
    URI endpoint, Optional<String> token, Path cache, Proxies proxies, boolean offline) {
  private static final String HUB = "https://huggingface.co";
  private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

  /** The process's own. */
  public static HubSettings ofEnvironment() {
    return of(System.getenv(), Path.of(System.getProperty("user.home")));
  }

  /** The cache that the process's environment names. */
  public static Path cacheOfEnvironment() {
    return cache(System.getenv(), Path.of(System.getProperty("user.home")));
  }

  private static Path own(Map<String, String> environment, Path home) {
    Path caches = path(environment, "XDG_CACHE_HOME").orElse(home.resolve(".cache"));
    return path(environment, "HF_HOME").orElse(caches.resolve("huggingface"));
  }

  private static Path cache(Map<String, String> environment, Path home) {
    return path(environment, "HF_HUB_CACHE")
        .or(() -> path(environment, "HUGGINGFACE_HUB_CACHE")) // its older name
        .orElse(own(environment, home).resolve("hub"));
  }

  /** What an environment says to a user with a home. */
  public static HubSettings of(Map<String, String> environment, Path home) {
    Path own = own(environment, home);
    Optional<String> token =
        text(environment, "HF_TOKEN")
            .or(() -> text(environment, "HUGGING_FACE_HUB_TOKEN"))
            .or(() -> stored(path(environment, "HF_TOKEN_PATH").orElse(own.resolve("token"))));
    return new HubSettings(
        endpoint(text(environment, "HF_ENDPOINT").orElse(HUB)),
        token,
        cache(environment, home),
        new Proxies(environment),
        isOffline(environment));
  }

  /** The same with another cache. */
  public HubSettings withCache(Path folder) {
    return new HubSettings(endpoint, token, folder, proxies, offline);
  }

  private static boolean isOffline(Map<String, String> environment) {
    return text(environment, "HF_HUB_OFFLINE")
        .or(() -> text(environment, "TRANSFORMERS_OFFLINE")) // means the same to huggingface_hub
        .filter(value -> TRUE.contains(value.toUpperCase(Locale.ROOT)))
        .isPresent();
  }

  /** What a variable says, if it says anything. */
  static Optional<String> text(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).map(String::strip).filter(s -> !s.isEmpty());
  }

  private static Optional<Path> path(Map<String, String> environment, String name) {
    return text(environment, name).map(Path::of);
  }

  private static Optional<String> stored(Path file) {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Files.readString(file).strip()).filter(s -> !s.isEmpty());
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  private static URI endpoint(String text) {
    try {
      URI uri = URI.create(text.endsWith("/") ? text : text + "/");
      if (uri.getHost() != null
          && ("https".equals(uri.getScheme()) || "http".equals(uri.getScheme()))) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // said below
    }
    throw UserError.of("HF_ENDPOINT: expected an address such as %s, found '%s'", HUB, text);
  }

  @Override
  public String toString() { // tokens are nobody's to read
    return "%s, cache %s, %s token".formatted(endpoint, cache, token.isPresent() ? "with a" : "no");
  }
}
