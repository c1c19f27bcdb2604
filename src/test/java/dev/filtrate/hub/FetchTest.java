package dev.filtrate.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FetchTest {
  private static final Repo MODEL = new Repo(Repo.Type.MODEL, FakeHub.REPO);
  private static final String RESOLVE = "/org/tiny/resolve/" + FakeHub.COMMIT + "/";
  private static final String API = "/api/models/org/tiny/revision/main";

  @TempDir private Path folder;
  private final FakeHub hub = new FakeHub();
  private final byte[] weights = weights();
  private final List<String> notes = new ArrayList<>();
  private Duration silence = Duration.ofMinutes(1);

  private static byte[] weights() {
    byte[] bytes = new byte[300_000];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 31 + i / 251);
    }
    return bytes;
  }

  @AfterEach
  void close() {
    hub.close();
  }

  private Fetch fetch(String token) {
    HubSettings settings =
        HubSettings.of(
            Map.of(
                "HF_ENDPOINT", hub.endpoint(),
                "HF_TOKEN", token,
                "HF_HUB_CACHE", folder.resolve("cache").toString()),
            folder);
    FetchListener listener =
        new FetchListener() {
          @Override
          public void begin(String file, int number, int files) {
            notes.add("%d/%d %s".formatted(number, files, file));
          }

          @Override
          public void progress(String file, long done, long size) {
            assertTrue(done <= size, file);
          }

          @Override
          public void note(String text) {
            notes.add(text);
          }
        };
    return new Fetch(settings, listener, new Transfer.Waiting(Duration.ofMillis(1), silence));
  }

  private Path fetch() {
    return fetch("").fetch(MODEL, "main", FileSelection.DEFAULT);
  }

  private String error() {
    return String.valueOf(assertThrows(UserError.class, this::fetch).getMessage());
  }

  private Path repo() {
    return folder.resolve("cache/models--org--tiny");
  }

  private List<String> written() {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(f -> !Files.isDirectory(f))
          .map(f -> folder.relativize(f).toString())
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatIsReadOfAModelComesIntoTheCacheThatPeopleKnow() throws IOException {
    hub.small("config.json", "{}").small("README.md", "no").small("sub/x.json", "no");
    hub.large("model.safetensors", weights).large("pytorch_model.bin", new byte[9]);
    Path snapshot = fetch();
    assertEquals(repo().resolve("snapshots").resolve(FakeHub.COMMIT), snapshot);
    assertEquals(FakeHub.COMMIT, Files.readString(repo().resolve("refs/main")));
    assertEquals("{}", Files.readString(snapshot.resolve("config.json")));
    assertArrayEquals(weights, Files.readAllBytes(snapshot.resolve("model.safetensors")));
    assertEquals(
        Path.of("../../blobs/" + FakeHub.sha256(weights)),
        Files.readSymbolicLink(snapshot.resolve("model.safetensors")));
    String git = FakeHub.gitSha1("{}".getBytes(StandardCharsets.UTF_8));
    assertEquals("9e26dfeeb6e641a33dae4961196235bdb965b21b", git); // as git hash-object says
    assertEquals(
        List.of(
            "cache/models--org--tiny/blobs/" + git,
            "cache/models--org--tiny/blobs/" + FakeHub.sha256(weights),
            "cache/models--org--tiny/refs/main",
            "cache/models--org--tiny/snapshots/" + FakeHub.COMMIT + "/config.json",
            "cache/models--org--tiny/snapshots/" + FakeHub.COMMIT + "/model.safetensors"),
        written().stream().sorted((a, b) -> order(a) - order(b)).toList());
    assertEquals(List.of("1/2 config.json", "2/2 model.safetensors"), notes);
    assertEquals(Optional.of(snapshot), HubCache.find(FakeHub.REPO, folder.resolve("cache")));
    Path cache = folder.resolve("cache");
    assertEquals(snapshot, HubCache.find(FakeHub.REPO, folder.resolve(FakeHub.REPO), cache));
    assertEquals(folder, HubCache.find(FakeHub.REPO, folder, cache), "what is there comes first");
  }

  private static int order(String path) {
    return path.contains("blobs") ? (path.endsWith("b21b") ? 0 : 1) : path.contains("refs") ? 2 : 3;
  }

  @Test
  void whatIsThereIsNotFetchedAgain() throws IOException {
    hub.small("config.json", "{}").large("model.safetensors", weights);
    Path snapshot = fetch();
    hub.asked.clear();
    assertEquals(snapshot, fetch());
    assertEquals(List.of("GET " + API), hub.asked);
    Files.delete(snapshot.resolve("model.safetensors")); // the blob stays
    hub.asked.clear();
    fetch();
    assertEquals(List.of("GET " + API, "HEAD " + RESOLVE + "model.safetensors"), hub.asked);
    assertTrue(Files.isSymbolicLink(snapshot.resolve("model.safetensors")));
  }

  @Test
  void theTokenGoesToTheHubAndToNobodyElse() {
    hub.small("config.json", "{}").large("model.safetensors", weights);
    fetch("secret").fetch(MODEL, "main", FileSelection.DEFAULT);
    assertEquals(5, hub.tokens.size());
    hub.tokens.forEach(token -> assertEquals("hub Bearer secret", token));
    assertTrue(hub.asked.contains("GET /model.safetensors"), hub.asked + "");
  }

  @Test
  void aTransferThatBreaksOffGoesOnWhereItWas() throws IOException {
    hub.large("model.safetensors", weights);
    hub.breaks.addAll(List.of(100_000, 50_000));
    Path snapshot = fetch();
    assertArrayEquals(weights, Files.readAllBytes(snapshot.resolve("model.safetensors")));
    List<String> parts = hub.asked.stream().filter(a -> a.startsWith("GET /model")).toList();
    assertEquals(3, parts.size());
    assertEquals("GET /model.safetensors", parts.get(0));
    assertTrue(parts.get(1).startsWith("GET /model.safetensors@"), parts + "");
    assertTrue(notes.get(1).startsWith("model.safetensors: broke off at byte "), notes + "");
  }

  @Test
  void aLineThatFallsSilentIsTakenForBroken() throws IOException {
    hub.large("model.safetensors", weights);
    hub.breaks.add(-100_000);
    silence = Duration.ofMillis(300);
    Path snapshot = fetch();
    assertArrayEquals(weights, Files.readAllBytes(snapshot.resolve("model.safetensors")));
    assertTrue(notes.get(1).endsWith("(silence), goes on"), notes + "");
  }

  @Test
  void aListingThatFallsSilentIsGivenUp() {
    hub.silent = true;
    silence = Duration.ofMillis(300);
    assertEquals(
        hub.endpoint() + "/: cannot be reached (silence); check the line and HF_ENDPOINT", error());
  }

  @Test
  void aLaterRunGoesOnWhereAnEarlierOneGaveUp() throws IOException {
    hub.large("model.safetensors", weights);
    hub.breaks.addAll(List.of(100_000, 0, 0, 0, 0, 0));
    String message = error();
    assertTrue(
        message.startsWith("model org/tiny: model.safetensors: broke off at byte ")
            && message.endsWith("; run the same command again to go on from there"),
        message);
    Path part = repo().resolve("blobs/" + FakeHub.sha256(weights) + ".incomplete");
    long there = Files.size(part);
    assertTrue(there > 0 && there <= 100_000, there + "");
    assertEquals(Optional.empty(), HubCache.find(FakeHub.REPO, folder.resolve("cache")));

    hub.asked.clear();
    Path snapshot = fetch();
    assertTrue(hub.asked.contains("GET /model.safetensors@" + there), hub.asked + "");
    assertArrayEquals(weights, Files.readAllBytes(snapshot.resolve("model.safetensors")));
    assertFalse(Files.exists(part));
  }

  @Test
  void aStoreThatKnowsNoPartsSendsAllAgain() throws IOException {
    hub.large("model.safetensors", weights);
    hub.breaks.add(100_000);
    hub.parts = false;
    assertArrayEquals(weights, Files.readAllBytes(fetch().resolve("model.safetensors")));
  }

  @Test
  void aWrongHashThrowsAwayWhatCame() {
    hub.large("model.safetensors", weights);
    byte[] other = weights.clone();
    other[12_345] ^= 1;
    hub.forged = other;
    assertEquals(
        "model org/tiny: model.safetensors: expected the hash %s, found %s; what came was thrown away, fetch it again"
            .formatted(FakeHub.sha256(weights), FakeHub.sha256(other)),
        error());
    assertEquals(List.of(), written());
  }

  @Test
  void aSmallFileIsCheckedAsGitNamesIt() {
    String wrong = "0".repeat(40);
    hub.small("config.json", "{}");
    hub.headers.put("ETag", "\"" + wrong + "\"");
    assertEquals(
        "model org/tiny: config.json: expected the hash %s, found 9e26dfeeb6e641a33dae4961196235bdb965b21b; what came was thrown away, fetch it again"
            .formatted(wrong),
        error());
    assertEquals(List.of(), written());
  }

  @Test
  void moreBytesThanAnnouncedAreRefused() {
    hub.large("model.safetensors", weights);
    hub.headers.put("X-Linked-Size", "1000");
    assertEquals(
        "model org/tiny: model.safetensors: expected 1000 bytes, but more came; fetch it again",
        error());
  }

  @ParameterizedTest(name = "name {0}")
  @ValueSource(
      strings = {
        "../evil.json",
        "/etc/evil.json",
        "a/../../evil.json",
        "a//evil.json",
        "./evil.json",
        "..",
        "C:evil.json",
        "a\\..\\evil.json",
        "\u2028\\..\\evil.json\u2028",
        ""
      })
  void namesThatLeadOutOfTheCacheAreRefused(String name) {
    hub.small("config.json", "{}").small(name, "{}");
    assertEquals(
        "model org/tiny: expected names of files inside of it, found '%s'; nothing was fetched"
            .formatted(name),
        error());
    assertEquals(List.of(), written());
  }

  @Test
  void hashesAndCommitsThatAreNoneAreRefused() {
    hub.small("config.json", "{}");
    hub.headers.put("ETag", "\"../../../evil\"");
    assertEquals(
        "model org/tiny: config.json: expected a hash to check it by (X-Linked-Etag or ETag), found"
            + " '\"../../../evil\"'; the hub must give one",
        error());
    hub.commit = "../../evil";
    assertEquals(
        "model org/tiny: expected a commit in the hub's answer, found '../../evil'; is HF_ENDPOINT a hub?",
        error());
    assertEquals(List.of(), written());
  }

  @Test
  void aLinkThatLiesWhereAFolderBelongsIsNotFollowed() throws IOException {
    hub.small("sub/x.json", "{}");
    Path snapshot = Files.createDirectories(repo().resolve("snapshots").resolve(FakeHub.COMMIT));
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    Files.createSymbolicLink(snapshot.resolve("sub"), elsewhere);
    UserError e =
        assertThrows(
            UserError.class,
            () -> fetch("").fetch(MODEL, "main", new FileSelection(List.of("*.json"), List.of())));
    assertEquals(
        snapshot.resolve("sub") + ": expected a folder, found a link; delete it and fetch again",
        e.getMessage());
    try (Stream<Path> files = Files.list(elsewhere)) {
      assertEquals(0, files.count());
    }
  }

  @Test
  void redirectsStayOnTheWebAndEnd() {
    hub.small("config.json", "{}");
    hub.refusals.put(API, 302);
    hub.headers.put("Location", "file:///etc/passwd");
    assertEquals(
        hub.endpoint()
            + API
            + ": redirects to 'file:///etc/passwd'; expected an address of the same or a safer kind",
        error());
    hub.headers.put("Location", API);
    assertEquals(hub.endpoint() + API + ": more than 8 redirects", error());
    hub.headers.put("Location", "/api/models/org/renamed/revision/main");
    fetch("secret").fetch(MODEL, "main", FileSelection.DEFAULT);
    assertTrue(hub.asked.contains("GET /api/models/org/renamed/revision/main"), hub.asked + "");
  }

  @Test
  void refusalsSayWhatToDo() {
    String where = "model org/tiny at " + hub.endpoint() + "/: ";
    hub.refusals.put(API, 401);
    assertEquals(
        where
            + "refused (401) with no token; check the name, or set HF_TOKEN to a token that may read it",
        error());
    hub.refusals.put(API, 403);
    assertEquals(
        where
            + "forbidden (403) with the token that is set; accept its conditions on its page, and set HF_TOKEN",
        assertThrows(
                UserError.class, () -> fetch("secret").fetch(MODEL, "main", FileSelection.DEFAULT))
            .getMessage());
    hub.refusals.put(API, 404);
    assertEquals(
        where + "not found (404); check the name, and --repo_type if it is a dataset", error());
    hub.errorCode = "RevisionNotFound";
    assertEquals(where + "has no revision 'main' (404)", error());
    hub.refusals.put(API, 500);
    assertEquals(where + "revision 'main': the hub answers 500; try again later", error());
    hub.refusals.clear();
    hub.listed.add("config.json");
    hub.errorCode = "EntryNotFound";
    hub.refusals.put(RESOLVE + "config.json", 404);
    assertEquals(where + "has no file config.json (404)", error());
    assertEquals(List.of(), written());
  }

  @Test
  void aBusyHubIsAskedAgain() {
    hub.small("config.json", "{}");
    hub.hiccups.addAll(List.of(503, 429));
    fetch();
    assertEquals(
        List.of(
            "GET " + API,
            "GET " + API,
            "GET " + API,
            "HEAD " + RESOLVE + "config.json",
            "GET " + RESOLVE + "config.json"),
        hub.asked);
  }

  @Test
  void aHubThatIsNoneOrNotThereIsOneSentence() {
    hub.commit = "\"";
    assertEquals("model org/tiny: the hub's answer is not JSON; is HF_ENDPOINT a hub?", error());
    hub.close();
    String message = error();
    assertTrue(
        message.startsWith(hub.endpoint() + "/: cannot be reached (")
            && message.endsWith("); check the line and HF_ENDPOINT"),
        message);
  }

  @Test
  void revisionsArePartOfTheAddressAndNeverOfAPathOutside() throws IOException {
    hub.small("config.json", "{}");
    fetch("").fetch(MODEL, "refs/pr/1", FileSelection.DEFAULT);
    assertEquals("GET /api/models/org/tiny/revision/refs%2Fpr%2F1", hub.asked.get(0));
    assertEquals(FakeHub.COMMIT, Files.readString(repo().resolve("refs/refs/pr/1")));
    fetch("").fetch(MODEL, FakeHub.COMMIT, FileSelection.DEFAULT);
    assertFalse(Files.exists(repo().resolve("refs").resolve(FakeHub.COMMIT)));
    assertEquals(
        "revision '../x': expected a branch, a tag or a commit",
        assertThrows(UserError.class, () -> fetch("").fetch(MODEL, "../x", FileSelection.DEFAULT))
            .getMessage());
  }

  @Test
  void aDatasetHasAddressesOfItsOwnAndComesWhole() {
    hub.small("data/train file.csv", "a").small(".gitattributes", "").small("README.md", "b");
    Path snapshot =
        fetch("")
            .fetch(Repo.parse("datasets/org/tiny", Repo.Type.MODEL), "main", FileSelection.DEFAULT);
    assertTrue(snapshot.startsWith(folder.resolve("cache/datasets--org--tiny/snapshots")));
    assertEquals("GET /api/datasets/org/tiny/revision/main", hub.asked.get(0));
    assertTrue(
        hub.asked.contains(
            "GET /datasets/org/tiny/resolve/" + FakeHub.COMMIT + "/data/train%20file.csv"),
        hub.asked + "");
    assertEquals(List.of("1/2 data/train file.csv", "2/2 README.md"), notes);
  }
}
