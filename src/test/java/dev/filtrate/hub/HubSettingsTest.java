package dev.filtrate.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubSettingsTest {
  @TempDir private Path home;

  @Test
  void anEmptyEnvironmentMeansTheHubItselfAndTheUsualCache() {
    HubSettings settings = HubSettings.of(Map.of("HF_TOKEN", " "), home);
    assertEquals("https://huggingface.co/", settings.endpoint().toString());
    assertEquals(Optional.empty(), settings.token());
    assertEquals(home.resolve(".cache/huggingface/hub"), settings.cache());
  }

  @Test
  void theUsualVariablesAreRead() throws IOException {
    assertEquals(Path.of("/x/hub"), HubSettings.of(Map.of("HF_HOME", "/x"), home).cache());
    assertEquals(
        Path.of("/y"), HubSettings.of(Map.of("HF_HOME", "/x", "HF_HUB_CACHE", "/y"), home).cache());
    assertEquals(
        Path.of("/z/huggingface/hub"),
        HubSettings.of(Map.of("XDG_CACHE_HOME", "/z"), home).cache());
    Files.writeString(home.resolve("token"), "stored\n");
    Map<String, String> own = Map.of("HF_HOME", home.toString());
    assertEquals(Optional.of("stored"), HubSettings.of(own, home).token());
    HubSettings mirror =
        HubSettings.of(Map.of("HF_ENDPOINT", "http://mirror/hf", "HF_TOKEN", "secret"), home);
    assertEquals("http://mirror/hf/", mirror.endpoint().toString());
    assertEquals(Optional.of("secret"), mirror.token());
    assertFalse(mirror.toString().contains("secret"));
  }

  @Test
  void anEndpointThatIsNoneIsOneSentence() {
    for (String text : new String[] {"mirror", "ftp://mirror", "http://", "a b"}) {
      assertEquals(
          "HF_ENDPOINT: expected an address such as https://huggingface.co, found '" + text + "'",
          assertThrows(UserError.class, () -> HubSettings.of(Map.of("HF_ENDPOINT", text), home))
              .getMessage());
    }
  }

  @Test
  void namesAreThoseOfRepositories() {
    for (String name : new String[] {"a/b/c", "../x", "a/..", "/a", "a/", "", "a b", "a--b/c"}) {
      assertEquals(
          "'"
              + name
              + "': expected the name of a model or dataset, such as microsoft/deberta-v3-base",
          assertThrows(UserError.class, () -> Repo.parse(name, Repo.Type.MODEL)).getMessage());
      assertEquals(Optional.empty(), HubCache.find(name, home));
    }
  }
}
