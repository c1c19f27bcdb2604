package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.Objective;
import dev.filtrate.train.StageGraphs.TeacherStates;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StageGraphsTest {
  @ParameterizedTest(name = "kl_alpha {0}, mse_alpha {1}: {2}")
  @CsvSource({
    "1, 1, '[teacher_logits, teacher_states.0, teacher_states.1]'",
    "0, 1, '[teacher_states.0, teacher_states.1]'",
    "1, 0, '[teacher_logits]'",
    "0, 0, '[]'"
  })
  void theTeacherComputesWhatTheStudentsGraphTakes(double kl, double mse, String expected) {
    ModelConfig config =
        ModelConfig.read(Path.of("src/test/resources/cases/bert-classify/config.json"));
    Model model =
        new Model(config, Head.SEQUENCE_CLASSIFICATION, Optional.of(new Filters(1, 4, false)));
    StageGraphs.Teacher teacher = new StageGraphs.Teacher(model, TeacherStates.FILTERED, 1);
    Objective objective =
        Objective.distillation(
            new Objective.Distillation(
                kl, mse, 2, Objective.Divergence.CLASSES, Objective.Reduction.MEAN, false, false));
    Graph gradients = StageGraphs.distillation("gradients", model, teacher, objective);
    List<String> outputs =
        StageGraphs.frozen("teacher", teacher, gradients).outputs().stream()
            .map(Value::name)
            .toList();
    assertEquals(expected, outputs.toString());
    assertEquals(
        outputs,
        gradients.inputs().stream()
            .map(Value::name)
            .filter(name -> name.startsWith("teacher_"))
            .toList());
  }
}
