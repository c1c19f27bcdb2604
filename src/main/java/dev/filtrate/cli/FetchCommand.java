package dev.filtrate.cli;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.hub.Fetch;
import dev.filtrate.hub.FetchListener;
import dev.filtrate.hub.FileSelection;
import dev.filtrate.hub.HubSettings;
import dev.filtrate.hub.Repo;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate fetch}: a model or a dataset of a hub, into the cache. */
final class FetchCommand implements Command {
  private static final String REVISION = "revision";
  private static final String TYPE = "repo_type";
  private static final String INCLUDE = "include";
  private static final String EXCLUDE = "exclude";
  private static final String CACHE = "cache_dir";

  private final Supplier<HubSettings> settings;

  /** Fetches from where the process's environment says. */
  FetchCommand() {
    this(HubSettings::ofEnvironment);
  }

  FetchCommand(Supplier<HubSettings> settings) {
    this.settings = settings;
  }

  @Override
  public String name() {
    return "fetch";
  }

  @Override
  public String summary() {
    return "download a model or dataset from a hub of Hugging Face's layout into its usual cache";
  }

  @Override
  public String arguments() {
    return "MODEL_OR_DATASET";
  }

  @Override
  public Options options() {
    return new Options()
        .addOption(Flags.valued(REVISION, "NAME", "a branch, tag or commit (default: main)"))
        .addOption(Flags.valued(TYPE, "TYPE", "model or dataset (default: model)"))
        .addOption(
            Flags.valued(
                INCLUDE,
                "PATTERN",
                "files to fetch, '*.json' say; may be given again (default: of a model what is read"
                    + " here, of a dataset all)"))
        .addOption(Flags.valued(EXCLUDE, "PATTERN", "files to leave out; may be given again"))
        .addOption(
            Flags.valued(CACHE, "FOLDER", "the cache (default: HF_HUB_CACHE, or hub in HF_HOME)"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example(
            "microsoft/deberta-v3-xsmall", "then --model_name_or_path finds it by its name"),
        new Example(
            "nyu-mll/glue --repo_type dataset --include \"sst2/*\"", "some files of a dataset"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    List<String> names = line.getArgList();
    Check.user(
        names.size() == 1,
        "expected one name of a model or dataset, got %s",
        names.isEmpty() ? "none" : names);
    HubSettings hub = settings.get();
    String cache = line.getOptionValue(CACHE);
    Fetch fetch = new Fetch(cache == null ? hub : hub.withCache(Path.of(cache)), listener(console));
    Path folder =
        fetch.fetch(
            Repo.parse(names.get(0), type(line.getOptionValue(TYPE, "model"))),
            line.getOptionValue(REVISION, "main"),
            new FileSelection(values(line, INCLUDE), values(line, EXCLUDE)));
    console.print(folder.toString());
    return DONE;
  }

  private static List<String> values(CommandLine line, String flag) {
    String[] values = line.getOptionValues(flag);
    return values == null ? List.of() : List.of(values);
  }

  private static Repo.Type type(String text) {
    return switch (text) {
      case "model" -> Repo.Type.MODEL;
      case "dataset" -> Repo.Type.DATASET;
      default -> throw UserError.of("--%s: expected model or dataset, got '%s'", TYPE, text);
    };
  }

  private static FetchListener listener(Console console) {
    return new FetchListener() {
      private String which = "";

      @Override
      public void begin(String file, int number, int files) {
        which = "%d/%d  %s".formatted(number, files, file);
        console.progress(which);
      }

      @Override
      public void progress(String file, long done, long size) {
        console.progress("%s  %.1f of %.1f MB".formatted(which, done / 1e6, size / 1e6));
      }

      @Override
      public void note(String text) {
        console.note(text);
      }
    };
  }
}
