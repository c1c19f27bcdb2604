package dev.filtrate.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The reference cases beside the project, where they are: every tensor finds its parameter. */
class ReferenceCasesTest {
  private static final Path CASES =
      Path.of(
              System.getProperty(
                  "filtrate.shared",
                  Objects.requireNonNullElse(System.getenv("FILTRATE_SHARED"), "../shared")))
          .resolve("fixtures");

  @BeforeEach
  void casesAreThere() {
    assumeTrue(Files.isDirectory(CASES), "no reference cases in " + CASES);
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "bert-classify",
        "bert-qa",
        "bert-regress",
        "deberta-v2-conv",
        "deberta-v2-noshare",
        "deberta-v3-classify",
        "deberta-v3-long",
        "deberta-v3-qa",
        "distilbert-classify",
        "electra-classify",
        "roberta-classify",
        "ted-qa/teacher",
        "ted-stsb/student"
      })
  void modelsLoadWithNothingMissingAndNothingLeft(String name) {
    ModelFolder folder = ModelFolder.open(CASES.resolve(name));
    Head head = name.contains("qa") ? Head.QUESTION_ANSWERING : Head.SEQUENCE_CLASSIFICATION;
    LoadedWeights loaded =
        WeightLoading.of(folder.config(), 1).load(folder, Parameters.of(folder.config(), head));
    assertEquals(folder.tensors(), loaded.parameters());
    assertEquals(List.of(), loaded.announcements());
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "ted-classify/student",
        "ted-classify/teacher",
        "ted-nonlinear/student",
        "ted-nonlinear/teacher"
      })
  void filtersOfTheReleaseLoadBesideTheModel(String name) {
    ModelFolder folder = ModelFolder.open(CASES.resolve(name));
    Map<String, Tensor> filters =
        Safetensors.open(CASES.resolve(name).resolve("filters_stage1.safetensors")).tensors();
    boolean nonlinear = name.contains("nonlinear");
    int count = (int) filters.keySet().stream().filter(n -> n.matches("filter_head.*bias")).count();
    int width = (int) Objects.requireNonNull(filters.get("filter_head.0.weight")).dims()[1];
    int interval = folder.config().numHiddenLayers() / count;
    List<Value> parameters = Parameters.withFilters(folder.config(), interval, width, nonlinear);
    assertEquals(filters.size(), parameters.stream().filter(p -> Filters.owns(p.name())).count());
    Map<String, Tensor> all = new LinkedHashMap<>(folder.tensors());
    all.putAll(filters);
    LoadedWeights loaded = WeightLoading.of(folder.config(), 1).load(name, all, parameters);
    assertEquals(all, loaded.parameters());
    assertEquals(List.of(), loaded.announcements());
  }
}
