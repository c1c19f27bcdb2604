package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The schema against a validator that knows nothing of us. */
class ConfigSchemaCommandTest {
  private static final Path RECIPES = Path.of("data/recipes");

  /** What YAML 1.2, which editors read, takes for a number, and YAML 1.1 does not: 5e-4. */
  private static final Pattern NUMBER = Pattern.compile("[-+]?\\d+(\\.\\d*)?[eE][-+]?\\d+");

  private static final Schema SCHEMA =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_7)
          .getSchema(ConfigSchemaCommand.schema());

  private static List<String> problems(String yaml) throws IOException {
    JsonNode recipe = new ObjectMapper(new YAMLFactory()).readTree(yaml);
    return SCHEMA.validate(numbers(recipe)).stream().map(Error::toString).toList();
  }

  private static JsonNode numbers(JsonNode node) {
    if (node instanceof ObjectNode object) {
      object.properties().forEach(entry -> entry.setValue(numbers(entry.getValue())));
    } else if (node instanceof ArrayNode array) {
      for (int i = 0; i < array.size(); i++) {
        array.set(i, numbers(array.get(i)));
      }
    } else if (node.isTextual() && NUMBER.matcher(node.asText()).matches()) {
      return JsonNodeFactory.instance.numberNode(Double.parseDouble(node.asText()));
    }
    return node;
  }

  static List<Path> recipes() throws IOException {
    try (Stream<Path> files = Files.walk(RECIPES)) {
      return files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void recipesThatComeAlongAreValidAsWrittenAndAsResolved(Path file) throws IOException {
    assertEquals(List.of(), problems(Files.readString(file)));
    assertEquals(List.of(), problems(Recipe.read(file, List.of(), Use.PLAN).resolved()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sed: 42",
        "seed: x",
        "threads: -1",
        "device: gpu",
        "task: {train_fil: a.csv}",
        "task: {problem_type: ranking}",
        "task: [a]",
        "teacher: {finetune: {learning_rate: 0}}",
        "distill: {kl_alpha: -1}",
        "methods: {ted: {temperature: hot}}",
        "methods: {tde: {}}",
        "compare: [kd, tde]",
        "start: fairly",
        "checkpoint: {checkpointing_steps: sometimes}",
        "student: {teacher_layers: [-1]}",
      })
  void whatTheReaderRefusesTheSchemaRefuses(String yaml) throws IOException {
    assertFalse(problems(yaml).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "seed: [42, 43]",
        "seed: 42",
        "compare: kd, ted",
        "compare: kd",
        "task: {label_key: 0, labels: [0, 1], delimiter: tab, task_name: squad_v2, doc_stride: 64}",
        "task: {labels: [yes, no], label_key: [a, b]}",
        "teacher: {config: config.json}",
        "teacher: {config: {model_type: bert}, finetune: {eval_steps: 100}}",
        "distill: null",
        "device: cuda:1",
      })
  void whatTheReaderTakesTheSchemaTakes(String yaml) throws IOException {
    assertEquals(List.of(), problems(yaml));
  }

  @Test
  void everyKeySaysWhatItIs() {
    describe("", ConfigSchemaCommand.schema());
  }

  private static void describe(String path, JsonNode block) {
    block
        .path("properties")
        .properties()
        .forEach(
            entry -> {
              String key = path + entry.getKey();
              assertTrue(entry.getValue().path("description").asText().length() > 5, key);
              describe(key + ".", entry.getValue());
            });
  }

  /** Editors find it where recipes say it is. */
  @Test
  void theFileThatComesAlongIsWhatTheCommandPrints() throws IOException {
    Captured.Outcome printed = Captured.filtrate("config-schema");
    assertEquals(0, printed.code());
    assertEquals(
        Files.readString(Path.of("data/recipe.schema.json")),
        printed.out(),
        "renew it: ./filtrate config-schema > data/recipe.schema.json");
    for (Path recipe : recipes()) {
      String first = Files.readAllLines(recipe).get(0);
      String hint = "# yaml-language-server: $schema=";
      assertTrue(first.startsWith(hint), recipe.toString());
      assertTrue(
          Files.isSameFile(
              Path.of("data/recipe.schema.json"),
              recipe.resolveSibling(first.substring(hint.length()))),
          recipe.toString());
    }
  }

  @Test
  void helpShowsKeysAndBlocks() {
    assertEquals(
        """
        distill.kl_alpha: weight of the divergence from the teacher's answers (default 0)

        holds     a number of at least 0
        default   0
        """,
        Captured.filtrate("help", "distill.kl_alpha").out());
    String block = Captured.filtrate("help", "checkpoint").out();
    assertTrue(block.contains("\n  keep  "), block);
    assertEquals(
        "filtrate: unknown key 'distill.kl_alfa'; did you mean 'distill.kl_alpha'? 'filtrate help"
            + " task' shows those of a block\n",
        Captured.filtrate("help", "distill.kl_alfa").err());
    assertTrue(Captured.filtrate("help", "distill").out().startsWith("usage: filtrate distill"));
  }
}
