package dev.filtrate.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Head;
import dev.filtrate.model.ModelConfig;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class TeacherLayersTest {
  private final ModelConfig small = ModelFolder.readConfig(ModelFolderTest.SHARDED);
  private final ModelConfig deep = with("num_hidden_layers", 6);
  private final Map<String, Tensor> teacher =
      Initialization.of(deep, 7).initialize(Parameters.of(deep, Head.SEQUENCE_CLASSIFICATION));
  private final List<Value> student = Parameters.of(small, Head.SEQUENCE_CLASSIFICATION);

  @Test
  void lastOfBlocksPairsLayersAsTedDoes() {
    assertEquals(List.of(1, 3, 5, 7, 9, 11), TeacherLayers.lastOfBlocks(12, 6).layers());
    assertEquals(List.of(0, 1, 2), TeacherLayers.lastOfBlocks(3, 3).layers());
    assertEquals(List.of(1, 3, 6, 8, 11), TeacherLayers.lastOfBlocks(12, 5).layers());
    assertEquals(
        "student layers: expected 1 to the teacher's 2, found 3",
        error(() -> TeacherLayers.lastOfBlocks(2, 3)));
  }

  @Test
  void chosenLayersAreCopiedAndSoIsAllOutsideOfLayers() {
    LoadedWeights loaded = copy(List.of(4, 1), teacher, student, small);
    assertEquals(List.of(), loaded.announcements());
    for (Value p : student) {
      String original = p.name().replace("layer.0.", "layer.4.").replace("layer.1.", "layer.1.");
      assertEquals(teacher.get(original), loaded.parameters().get(p.name()), p.name());
    }
    assertNotEquals(
        loaded.parameters().get("bert.encoder.layer.0.output.dense.weight"),
        loaded.parameters().get("bert.encoder.layer.1.output.dense.weight"));
  }

  @Test
  void whatHasAnotherShapeOutsideOfLayersStartsAfreshAndSoDoFilters() {
    ModelConfig two = small.withLabels(List.of("a", "b"));
    List<Value> parameters = Parameters.withFilters(two, 2, 8, false);
    Map<String, Tensor> filtered =
        Initialization.of(deep, 7).initialize(Parameters.withFilters(deep, 1, 8, false));
    LoadedWeights loaded = copy(List.of(0, 1), filtered, parameters, two);
    assertEquals(
        List.of(
            "bert.encoder.layer.1.filter.weight",
            "bert.encoder.layer.1.filter.bias",
            "classifier.weight",
            "classifier.bias",
            "filter_pooler.0.dense.weight",
            "filter_pooler.0.dense.bias",
            "filter_head.0.weight",
            "filter_head.0.bias"),
        loaded.initialized());
    assertEquals(
        "float32[2, 8]",
        Objects.requireNonNull(loaded.parameters().get("classifier.weight")).toString());
  }

  @Test
  void anotherHiddenSizeIsRefusedNamingBoth() {
    ModelConfig wide = with("hidden_size", 10);
    assertEquals(
        "teacher: the teacher's hidden size is 8, the student's is 10, so its layers cannot be copied; give the student the same hidden_size, or another start",
        error(
            () ->
                copy(
                    List.of(0, 1),
                    teacher,
                    Parameters.of(wide, Head.SEQUENCE_CLASSIFICATION),
                    wide)));
  }

  @Test
  void anotherIntermediateSizeIsRefused() {
    ModelConfig wide = with("intermediate_size", 20);
    assertEquals(
        "teacher: the teacher's bert.encoder.layer.5.intermediate.dense.weight cannot become the student's bert.encoder.layer.0.intermediate.dense.weight: expected [20, 8], found [12, 8]; layers are copied between models of the same architecture and sizes",
        error(
            () ->
                copy(
                    List.of(5, 1),
                    teacher,
                    Parameters.of(wide, Head.SEQUENCE_CLASSIFICATION),
                    wide)));
  }

  @Test
  void layersThatTheTeacherDoesNotHaveOrTooFewAreRefused() {
    assertEquals(
        "layers of the teacher: expected numbers from 0 to 5, as teacher has 6 layers, found 6",
        error(() -> copy(List.of(0, 6), teacher, student, small)));
    assertEquals(
        "layers of the teacher: expected one for each of the student's 2 layers, found [0, 2, 4]",
        error(() -> copy(List.of(0, 2, 4), teacher, student, small)));
  }

  @Test
  void aTeacherOfAnotherArchitectureIsRefused() {
    Map<String, Tensor> other = new java.util.LinkedHashMap<>();
    teacher.forEach((name, t) -> other.put(name.replace("bert.", "deberta."), t));
    String message = error(() -> copy(List.of(0, 1), other, student, small));
    assertTrue(message.contains("found nothing; layers are copied between models"), message);
  }

  private static LoadedWeights copy(
      List<Integer> layers,
      Map<String, Tensor> teacher,
      List<Value> parameters,
      ModelConfig student) {
    return new TeacherLayers(layers)
        .initialize("teacher", teacher, parameters, WeightLoading.of(student, 42));
  }

  private ModelConfig with(String key, int value) {
    return small.with(Map.of(key, JsonNodeFactory.instance.numberNode(value)));
  }

  private static String error(org.junit.jupiter.api.function.Executable call) {
    return String.valueOf(assertThrows(UserError.class, call).getMessage());
  }
}
