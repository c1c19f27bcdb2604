package dev.filtrate.hub;

import dev.filtrate.base.UserError;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The proxies that the environment names, read as curl and Python's programs read them: {@code
 * HTTPS_PROXY} or {@code HTTP_PROXY} by the address that is asked for, else {@code ALL_PROXY}; none
 * for the hosts of {@code NO_PROXY} ({@link NoProxy}). A name in small letters goes before the one
 * in capitals. Where the environment names none, the JVM's own settings hold ({@code
 * -Dhttps.proxyHost}).
 *
 * <p>The JDK speaks to a proxy in plain HTTP only; others (SOCKS, TLS) are refused when they would
 * be used. The password goes out as a header with every question, as a client that answers a
 * proxy's refusal by it would take the hub's refusals for its own.
 */
public final class Proxies extends ProxySelector {
  static {
    // Or else the JDK keeps a password to itself where it opens a tunnel, so for all of https.
    String schemes = "jdk.http.auth.tunneling.disabledSchemes";
    if (System.getProperty(schemes) == null) {
      System.setProperty(schemes, "");
    }
  }

  private final Map<String, String> environment;
  private final NoProxy exceptions;

  /** Reads an environment; what is wrong in it is said when it would be used. */
  Proxies(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
    this.exceptions = new NoProxy(named("NO_PROXY").orElse(""));
  }

  /**
   * A proxy.
   *
   * @param address without user and password, to show
   * @param authorization the value of the header that says who asks, if its address had it
   */
  record Way(URI address, Optional<String> authorization) {
    private SocketAddress socket() {
      int port = address.getPort() < 0 ? 80 : address.getPort();
      return InetSocketAddress.createUnresolved(address.getHost(), port);
    }

    @Override
    public String toString() { // passwords are nobody's to read
      return address.toString();
    }
  }

  /** The proxy for an address, if the environment names one. */
  Optional<Way> of(URI address) {
    if (exceptions.has(address)) {
      return Optional.empty();
    }
    return way("https".equals(address.getScheme()) ? "HTTPS_PROXY" : "HTTP_PROXY")
        .or(() -> way("ALL_PROXY"));
  }

  private Optional<String> named(String variable) {
    return HubSettings.text(environment, variable.toLowerCase(Locale.ROOT))
        .or(() -> HubSettings.text(environment, variable));
  }

  private Optional<Way> way(String variable) {
    return named(variable).map(text -> parsed(variable, text));
  }

  private static Way parsed(String variable, String text) {
    try {
      URI uri = URI.create(text.contains("://") ? text : "http://" + text);
      if (uri.getHost() != null && "http".equals(uri.getScheme())) {
        String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
        return new Way(
            URI.create("http://" + uri.getHost() + port), authorization(uri.getUserInfo()));
      }
    } catch (IllegalArgumentException e) {
      // said below
    }
    throw UserError.of(
        "%s: expected a proxy's address such as http://user:password@proxy:3128, found '%s'",
        variable, text.replaceFirst("^(.*://)?.*@", "$1…@"));
  }

  private static Optional<String> authorization(@Nullable String user) {
    if (user == null || user.isEmpty()) {
      return Optional.empty();
    }
    byte[] bytes = (user.contains(":") ? user : user + ":").getBytes(StandardCharsets.UTF_8);
    return Optional.of("Basic " + Base64.getEncoder().encodeToString(bytes));
  }

  @Override
  public List<Proxy> select(URI address) {
    Optional<Way> way = of(address);
    if (way.isPresent()) {
      return List.of(new Proxy(Proxy.Type.HTTP, way.get().socket()));
    }
    ProxySelector others = ProxySelector.getDefault();
    return others == null || exceptions.has(address)
        ? List.of(Proxy.NO_PROXY)
        : others.select(address);
  }

  @Override
  public void connectFailed(URI address, SocketAddress proxy, IOException e) {
    // who asked hears of it
  }
}
