package dev.filtrate.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.TextFile;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.hub.HubCache;
import dev.filtrate.hub.HubSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate tokenize}: texts with their ids, to be held against another implementation. */
final class TokenizeCommand implements Command {
  private static final String MODEL = "model";
  private static final String TOKENIZER = "tokenizer";
  private static final String INPUT = "input";
  private static final String SPECIAL = "special_tokens";

  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public String name() {
    return "tokenize";
  }

  @Override
  public String summary() {
    return "print the token ids of texts as lines of JSON";
  }

  @Override
  public Options options() {
    return new Options()
        .addOption(Flags.valued(MODEL, "FOLDER", "a model's folder, or its name if it was fetched"))
        .addOption(
            Flags.valued(
                TOKENIZER, "FILE", "or a tokenizer.json, spm.model, vocab.txt or vocab.json"))
        .addOption(Flags.valued(INPUT, "FILE", "lines of JSON with a text under \"text\""))
        .addOption(Flags.flag(SPECIAL, "add the special tokens that a model expects"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example(
            "--tokenizer spm.model --input texts.jsonl", "{\"text\": \"...\", \"ids\": [1, 2]}"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    Flags.requireNoArguments(line);
    String model = line.getOptionValue(MODEL);
    String file = line.getOptionValue(TOKENIZER);
    Check.user(
        (model == null) != (file == null),
        "--%s: expected a folder, or a file as --%s; give one of both",
        MODEL,
        TOKENIZER);
    String input = line.getOptionValue(INPUT);
    if (input == null) {
      throw UserError.of("--%s: missing: give a file with lines of JSON", INPUT);
    }
    List<String> texts = texts(Path.of(input));
    Path path =
        model == null
            ? Path.of(String.valueOf(file))
            : HubCache.find(model, Path.of(model), HubSettings.cacheOfEnvironment());
    try (Tokenizer tokenizer = Tokenizer.read(path, Tokenizer.UNLIMITED)) {
      List<long[]> ids = tokenizer.ids(texts, line.hasOption(SPECIAL));
      for (int i = 0; i < ids.size(); i++) {
        console.print(
            "{\"text\": %s, \"ids\": %s}"
                .formatted(quoted(texts.get(i)), Arrays.toString(ids.get(i))));
      }
    }
    return DONE;
  }

  private static List<String> texts(Path file) {
    List<String> texts = new ArrayList<>();
    TextFile.lines(
        TextFile.read(file, StandardCharsets.UTF_8),
        (number, line) -> {
          if (!line.isBlank()) {
            texts.add(text(file + ":" + number, line));
          }
        });
    return texts;
  }

  private static String text(String where, String line) {
    JsonNode text;
    try {
      text = JSON.readTree(line).path("text");
    } catch (JsonProcessingException e) {
      throw new UserError(where + ": is no JSON: " + e.getOriginalMessage(), e);
    }
    Check.user(text.isTextual(), "%s: expected a JSON object with a text under 'text'", where);
    return text.textValue();
  }

  /** A JSON string in ASCII, as Python writes it. */
  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        case '\b' -> quoted.append("\\b");
        case '\f' -> quoted.append("\\f");
        default ->
            quoted.append(c >= ' ' && c <= '~' ? String.valueOf(c) : "\\u%04x".formatted((int) c));
      }
    }
    return quoted.append('"').toString();
  }
}
