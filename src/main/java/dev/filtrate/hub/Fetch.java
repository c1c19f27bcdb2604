package dev.filtrate.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Brings a revision of a repository into the cache: what is there already stays. */
public final class Fetch {
  /** A listing is no longer than this, whoever sends it. */
  private static final int LONGEST_LISTING = 64 << 20;

  /** How often something is asked before the hub's refusal counts. */
  private static final int ATTEMPTS = 3;

  private final HubSettings settings;
  private final HubClient client;
  private final HubCache cache;
  private final FetchListener listener;
  private final Transfer.Waiting waiting;

  /** Fetches from a hub into its cache. */
  public Fetch(HubSettings settings, FetchListener listener) {
    this(settings, listener, Transfer.Waiting.USUAL);
  }

  Fetch(HubSettings settings, FetchListener listener, Transfer.Waiting waiting) {
    this.settings = settings;
    this.client = new HubClient(settings);
    this.cache = new HubCache(settings.cache());
    this.listener = listener;
    this.waiting = waiting;
  }

  /** A commit and its files. */
  private record Listing(String commit, List<String> files) {}

  /**
   * Brings the wanted files and returns the folder where they are. Whatever the hub, the line or
   * the disk refuse is a {@link UserError}; what came by then is taken up by the next try.
   *
   * @param revision a branch, a tag or a commit
   */
  public Path fetch(Repo repo, String revision, FileSelection selection) {
    Check.user(
        HubCache.isInside(revision),
        "revision '%s': expected a branch, a tag or a commit",
        revision);
    if (settings.offline()) {
      return kept(repo, revision, selection);
    }
    Listing listing = list(repo, revision);
    List<String> files = selection.of(repo.type(), listing.files());
    Check.user(
        !files.isEmpty(),
        "%s: none of its %d files is wanted (include %s, exclude %s); name some with --include",
        repo,
        listing.files().size(),
        selection.include(),
        selection.exclude());
    for (int i = 0; i < files.size(); i++) {
      String name = files.get(i);
      if (!Files.exists(cache.snapshot(repo, listing.commit()).resolve(name))) {
        listener.begin(name, i + 1, files.size());
        bring(repo, listing.commit(), name);
      } // a commit's files never change
    }
    cache.writeRef(repo, revision, listing.commit());
    return cache.snapshot(repo, listing.commit());
  }

  /** What an earlier fetch brought; whether the hub has more, nobody can say. */
  private Path kept(Repo repo, String revision, FileSelection selection) {
    String what = "revision '" + revision + "'";
    Path folder = cache.find(repo, revision).orElseThrow(() -> absent(repo, what));
    List<String> there = HubCache.files(folder);
    List<String> files = selection.of(repo.type(), there);
    List<String> unmet = selection.unmet(there);
    if (files.isEmpty() || !unmet.isEmpty()) {
      throw absent(repo, (unmet.isEmpty() ? "wanted file" : unmet.get(0)) + " of " + what);
    }
    listener.note(
        "HF_HUB_OFFLINE is set: the hub was not asked, the cache holds %d of its files"
            .formatted(files.size()));
    return folder;
  }

  private UserError absent(Repo repo, String what) {
    return UserError.of(
        "%s: expected in the cache %s, as HF_HUB_OFFLINE is set, found no %s; unset it to fetch",
        repo, settings.cache(), what);
  }

  private void bring(Repo repo, String commit, String name) {
    URI address = client.file(repo, commit, name);
    HttpResponse<InputStream> head = ask(() -> client.head(address));
    if (head.statusCode() >= 400) {
      throw client.refusal(repo, "file " + name, head);
    }
    Announced announced = Announced.of(head.headers(), repo + ": " + name);
    Path blob = cache.blob(repo, announced.hash());
    if (!Files.exists(blob)) {
      new Transfer(client, repo, listener, waiting).bring(name, address, announced, blob);
    }
    cache.place(repo, commit, name, announced.hash());
  }

  private Listing list(Repo repo, String revision) {
    HttpResponse<InputStream> answer = ask(() -> client.get(client.api(repo, revision), 0));
    byte[] json;
    try (InputStream body = new WatchedStream(answer.body(), waiting.silence())) {
      if (answer.statusCode() != 200) {
        throw client.refusal(repo, "revision '" + revision + "'", answer);
      }
      json = body.readNBytes(LONGEST_LISTING);
    } catch (IOException e) {
      throw unreachable(e);
    }
    JsonNode listing;
    try {
      listing = new ObjectMapper().readTree(json);
    } catch (JsonProcessingException e) {
      throw new UserError(repo + ": the hub's answer is not JSON; is HF_ENDPOINT a hub?", e);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(settings.cache(), e);
    }
    String commit = listing.path("sha").asText();
    Check.user(
        HubCache.isCommit(commit),
        "%s: expected a commit in the hub's answer, found '%s'; is HF_ENDPOINT a hub?",
        repo,
        commit);
    List<String> files = new ArrayList<>();
    for (JsonNode sibling : listing.path("siblings")) {
      String name = sibling.path("rfilename").asText();
      Check.user(
          HubCache.isInside(name),
          "%s: expected names of files inside of it, found '%s'; nothing was fetched",
          repo,
          name.replaceAll("\\p{Cntrl}", "?"));
      files.add(name);
    }
    return new Listing(commit, files);
  }

  /** A question to the hub. */
  @FunctionalInterface
  private interface Question {
    HttpResponse<InputStream> ask() throws IOException;
  }

  /** Asks again a few times where the line or a busy hub gave no answer. */
  private HttpResponse<InputStream> ask(Question question) {
    try {
      for (int attempt = 1; attempt < ATTEMPTS; attempt++) {
        try {
          HttpResponse<InputStream> answer = question.ask();
          if (!HubClient.isBusy(answer)) {
            return answer;
          }
          answer.body().close();
        } catch (InterruptedIOException e) {
          throw e;
        } catch (IOException e) {
          // asked again below
        }
        waiting.pause(attempt);
      }
      return question.ask();
    } catch (IOException e) {
      throw unreachable(e);
    }
  }

  private UserError unreachable(IOException e) {
    return new UserError(
        "%s: cannot be reached%s (%s); check the line and HF_ENDPOINT"
            .formatted(settings.endpoint(), client.way(), HubClient.reason(e)),
        e);
  }
}
