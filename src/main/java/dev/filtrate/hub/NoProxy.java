package dev.filtrate.hub;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Which hosts are asked without a proxy, as {@code NO_PROXY} lists them, parted by commas or
 * blanks: {@code example.com} and {@code .example.com} mean the host and all below it, {@code
 * example.com:8080} only this port, {@code 10.0.0.0/8} the addresses that begin alike, {@code *}
 * every host. No name is looked up.
 */
final class NoProxy {
  private static final Pattern NUMBERS =
      Pattern.compile("((25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(?!$)|$)){4}");

  private final List<String> entries;

  NoProxy(String list) {
    this.entries =
        Arrays.stream(list.toLowerCase(Locale.ROOT).split("[,\\s]+"))
            .map(e -> e.replaceFirst("^\\*?\\.", ""))
            .filter(e -> !e.isEmpty())
            .toList();
  }

  /** Whether an address is asked without a proxy. */
  boolean has(URI address) {
    String host = bare(address.getHost().toLowerCase(Locale.ROOT));
    int port =
        address.getPort() >= 0 ? address.getPort() : "https".equals(address.getScheme()) ? 443 : 80;
    return entries.stream().anyMatch(entry -> fits(entry, host, port));
  }

  private static boolean fits(String entry, String host, int port) {
    int slash = entry.indexOf('/');
    if (slash >= 0) {
      return isInside(host, entry.substring(0, slash), entry.substring(slash + 1));
    }
    boolean isV6 = entry.indexOf(':') != entry.lastIndexOf(':') && !entry.contains("]:");
    int colon = isV6 ? -1 : entry.lastIndexOf(':');
    String name = bare(colon < 0 ? entry : entry.substring(0, colon));
    return (colon < 0 || entry.substring(colon + 1).equals(Integer.toString(port)))
        && (name.equals("*") || host.equals(name) || host.endsWith("." + name));
  }

  private static String bare(String host) {
    return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
  }

  private static boolean isInside(String host, String network, String bits) {
    Optional<byte[]> a = literal(host);
    Optional<byte[]> b = literal(bare(network));
    if (a.isEmpty() || b.isEmpty() || !bits.matches("\\d{1,3}")) {
      return false;
    }
    int count = Integer.parseInt(bits);
    boolean inside = a.get().length == b.get().length && count <= 8 * a.get().length;
    for (int i = 0; inside && i < count; i++) {
      inside = ((a.get()[i / 8] ^ b.get()[i / 8]) >> (7 - i % 8) & 1) == 0;
    }
    return inside;
  }

  /** The bytes of an address that is written as numbers. */
  private static Optional<byte[]> literal(String host) {
    try {
      return host.contains(":") || NUMBERS.matcher(host).matches()
          ? Optional.of(InetAddress.getByName(host).getAddress())
          : Optional.empty();
    } catch (UnknownHostException e) {
      return Optional.empty();
    }
  }
}
