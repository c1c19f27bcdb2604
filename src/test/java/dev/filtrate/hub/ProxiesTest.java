package dev.filtrate.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProxiesTest {
  private static final Repo MODEL = new Repo(Repo.Type.MODEL, FakeHub.REPO);

  @TempDir private Path folder;
  private final FakeHub hub = new FakeHub();
  private final FakeProxy proxy = new FakeProxy();
  private final List<String> notes = new ArrayList<>();

  @AfterEach
  void close() {
    hub.close();
    proxy.close();
  }

  /** A hub's address that only the proxy knows. */
  private String hidden(String scheme) {
    return hub.endpoint().replace("http://localhost", scheme + "://hub.invalid");
  }

  private Fetch fetch(Map<String, String> variables) {
    Map<String, String> environment = new HashMap<>(variables);
    environment.put("HF_HOME", folder.toString());
    FetchListener listener =
        new FetchListener() {
          @Override
          public void begin(String file, int number, int files) {}

          @Override
          public void progress(String file, long done, long size) {}

          @Override
          public void note(String text) {
            notes.add(text);
          }
        };
    return new Fetch(
        HubSettings.of(environment, folder),
        listener,
        new Transfer.Waiting(Duration.ofMillis(1), Duration.ofMinutes(1)));
  }

  private Path fetch(String... variables) {
    Map<String, String> environment = new HashMap<>();
    for (String variable : variables) {
      environment.put(
          variable.substring(0, variable.indexOf('=')),
          variable.substring(variable.indexOf('=') + 1));
    }
    return fetch(environment).fetch(MODEL, "main", FileSelection.DEFAULT);
  }

  private String error(String... variables) {
    return String.valueOf(assertThrows(UserError.class, () -> fetch(variables)).getMessage());
  }

  private static String basic(String user) {
    return "Basic " + Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void theHubAndItsStoreAreAskedThroughTheProxy() throws IOException {
    hub.small("config.json", "{}").large("model.safetensors", new byte[100_000]);
    Path snapshot =
        fetch(
            "HF_ENDPOINT=" + hidden("http"),
            "HTTP_PROXY=http://me:p%40ss%20w%C3%B6rd@" + proxy.address(),
            "HF_TOKEN=secret");
    assertEquals("{}", Files.readString(snapshot.resolve("config.json")));
    assertEquals(100_000, Files.size(snapshot.resolve("model.safetensors")));
    assertEquals(6, proxy.asked.size(), proxy.asked + "");
    String me = " " + basic("me:p@ss wörd");
    assertEquals(
        "GET " + hidden("http") + "/api/models/org/tiny/revision/main" + me, proxy.asked.get(0));
    assertTrue(proxy.asked.stream().allMatch(a -> a.endsWith(me)), proxy.asked + "");
    assertEquals(Set.of("hub Bearer secret"), Set.copyOf(hub.tokens));
  }

  @Test
  void hostsOfNoProxyAreAskedDirectly() {
    hub.small("config.json", "{}").large("model.safetensors", new byte[10]);
    fetch(
        "HF_ENDPOINT=" + hidden("http"),
        "all_proxy=" + proxy.address(), // without a scheme
        "NO_PROXY=example.com,localhost");
    assertEquals(5, proxy.asked.size(), proxy.asked + ""); // the hub, but not the store
    assertTrue(proxy.asked.stream().allMatch(a -> a.contains("hub.invalid") && a.endsWith(" -")));
  }

  @Test
  void anEncryptedHubIsReachedByATunnelWhichAloneBearsThePassword() {
    String message =
        error("HF_ENDPOINT=" + hidden("https"), "https_proxy=http://me:pw@" + proxy.address());
    String target = hidden("https").replace("https://", "");
    assertEquals("CONNECT " + target + " " + basic("me:pw"), proxy.asked.get(0));
    // behind the tunnel is no hub that speaks TLS
    assertTrue(
        message.startsWith(
            hidden("https") + "/: cannot be reached through the proxy http://" + proxy.address()),
        message);
  }

  @Test
  void aProxyThatRefusesIsNamed() {
    String where = "http://" + proxy.address();
    for (String scheme : List.of("http", "https")) {
      proxy.refusal = "407 Who are you";
      assertEquals(
          "model org/tiny at %s/: refused (407) through the proxy %s; write its user and password into its address, as in HTTPS_PROXY=http://user:password@proxy:3128"
              .formatted(hidden(scheme), where),
          error("HF_ENDPOINT=" + hidden(scheme), "ALL_PROXY=" + where));
    }
    proxy.refusal = "403 No";
    assertEquals(
        "%s/: cannot be reached through the proxy %s (Tunnel failed, got: 403); check the line and HF_ENDPOINT"
            .formatted(hidden("https"), where),
        error("HF_ENDPOINT=" + hidden("https"), "ALL_PROXY=" + where));
    proxy.close();
    assertEquals(
        "%s/: cannot be reached through the proxy %s (connection refused); check the line and HF_ENDPOINT"
            .formatted(hidden("https"), where),
        error("HF_ENDPOINT=" + hidden("https"), "ALL_PROXY=" + where));
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "socks5://me:pw@host:1080, socks5://…@host:1080",
    "https://host, https://host",
    "me:p@w@:80, …@:80",
    "a b, a b"
  })
  void aProxyOfAnotherKindIsOneSentenceWithoutThePassword(String address, String shown) {
    assertEquals(
        "ALL_PROXY: expected a proxy's address such as http://user:password@proxy:3128, found '"
            + shown
            + "'",
        error("HF_ENDPOINT=" + hidden("http"), "ALL_PROXY=" + address, "HTTPS_PROXY=unasked"));
  }

  @Test
  void theSchemeAndSmallLettersDecide() {
    Proxies proxies =
        new Proxies(
            Map.of("https_proxy", "small:1", "HTTPS_PROXY", "big:2", "ALL_PROXY", "http://all"));
    URI encrypted = URI.create("https://hub");
    assertEquals("Optional[http://small:1]", proxies.of(encrypted).toString());
    assertEquals("[HTTP @ small/<unresolved>:1]", proxies.select(encrypted).toString());
    assertEquals("Optional[http://all]", proxies.of(URI.create("http://hub")).toString());
    assertEquals(
        "[HTTP @ all/<unresolved>:80]", proxies.select(URI.create("http://hub")).toString());
    Proxies none = new Proxies(Map.of("HTTPS_PROXY", " ", "HF_TOKEN", "x"));
    assertTrue(none.of(encrypted).isEmpty());
    assertEquals("[DIRECT]", none.select(encrypted).toString());
    HubSettings settings = HubSettings.of(Map.of("HTTPS_PROXY", "http://me:hush@proxy"), folder);
    assertFalse((settings + "" + settings.proxies().of(encrypted)).contains("hush"));
  }

  @ParameterizedTest(name = "NO_PROXY={0}: {1} is {2}")
  @CsvSource(
      delimiter = ';',
      value = {
        "*; https://hub; true",
        "a.org, *; https://hub; true",
        "hub.co; https://hub.co; true",
        "HUB.co; https://Hub.CO; true",
        "hub.co; https://cdn.hub.co; true",
        ".hub.co; https://cdn.hub.co; true",
        ".hub.co; https://hub.co; true",
        "*.hub.co; https://cdn.hub.co; true",
        "hub.co; https://myhub.co; false",
        "hub.co; https://hub.co.uk; false",
        "cdn.hub.co; https://hub.co; false",
        "hub.co:443; https://hub.co; true",
        "hub.co:80; https://hub.co; false",
        "hub.co:8080; http://cdn.hub.co:8080; true",
        "10.1.2.3 hub; http://10.1.2.3; true",
        "10.1.0.0/16; http://10.1.2.3:8080; true",
        "10.1.0.0/16; http://10.2.2.3; false",
        "10.1.2.0/23; http://10.1.3.3; true",
        "10.1.0.0/99; http://10.1.0.0; false",
        "0.0.0.0/0; http://10.1.2.3; true",
        "10.0.0.0/8; http://10.example; false",
        "300.0.0.0/8; http://30.0.0.0; false",
        "::1; http://[::1]:8080; true",
        "[::1]; http://[::1]:8080; true",
        "[::1]:80; http://[::1]:8080; false",
        "fd00::/8; http://[fd12::1]; true",
        "fd00::/8; http://[fe80::1]; false",
        "10.0.0.0/8; http://[::1]; false",
        "''; https://hub; false"
      })
  void whatNoProxyMeans(String list, String address, boolean direct) {
    Proxies proxies = new Proxies(Map.of("NO_PROXY", list, "ALL_PROXY", "proxy:1"));
    assertEquals(direct, proxies.of(URI.create(address)).isEmpty());
    assertEquals(
        direct ? "[DIRECT]" : "[HTTP @ proxy/<unresolved>:1]",
        proxies.select(URI.create(address)).toString());
  }

  @Test
  void offlineWhatTheCacheHoldsIsAllThereIs() throws IOException {
    String endpoint = "HF_ENDPOINT=" + hub.endpoint();
    String absent =
        "model org/tiny: expected in the cache %s, as HF_HUB_OFFLINE is set, found no %s; unset it to fetch";
    Path cache = folder.resolve("hub");
    assertEquals(
        absent.formatted(cache, "revision 'main'"), error(endpoint, "HF_HUB_OFFLINE=True"));
    hub.small("config.json", "{}").small("data/a.csv", "1");
    Path snapshot = fetch(endpoint, "HF_HUB_OFFLINE=0");
    hub.asked.clear();
    assertEquals(snapshot, fetch(endpoint, "HF_HUB_OFFLINE=1"));
    assertEquals(snapshot, fetch(endpoint, "TRANSFORMERS_OFFLINE=yes"));
    assertEquals(
        "HF_HUB_OFFLINE is set: the hub was not asked, the cache holds 1 of its files",
        notes.get(0));
    Fetch offline = fetch(Map.of("HF_HUB_OFFLINE", "1"));
    assertEquals(snapshot, offline.fetch(MODEL, FakeHub.COMMIT, FileSelection.DEFAULT));
    FileSelection more = new FileSelection(List.of("*.json", "data/*"), List.of());
    assertEquals(
        absent.formatted(cache, "data/* of revision 'main'"),
        assertThrows(UserError.class, () -> offline.fetch(MODEL, "main", more)).getMessage());
    Files.delete(snapshot.resolve("config.json").toRealPath());
    assertEquals(
        absent.formatted(cache, "wanted file of revision 'main'"),
        error(endpoint, "HF_HUB_OFFLINE=on"));
    assertEquals(List.of(), hub.asked);
  }
}
