package dev.filtrate.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Model;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.recipe.Use;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.StageGraphs.TeacherStates;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What each stage's graphs hold, and what of it training may change. */
@Tag("ort")
class StagesTest {
  @TempDir private Path folder;
  private TinyTask task;

  @BeforeEach
  void write() {
    task = new TinyTask(folder);
  }

  private Outline outline(String... settings) {
    return new Outline(task.recipe(Use.PLAN, folder.resolve("out"), settings));
  }

  private static Set<String> names(List<Value> values) {
    return values.stream().map(Value::name).collect(Collectors.toSet());
  }

  private static Set<String> teachersInputs(Graph gradients) {
    return names(gradients.inputs()).stream()
        .filter(name -> name.startsWith("teacher_"))
        .collect(Collectors.toSet());
  }

  @Test
  void kdHasNoFiltersAndTakesOnlyLogits() {
    Graph kd = outline().distil(Method.KD).gradients();
    assertTrue(names(kd.parameters()).stream().noneMatch(name -> name.contains("filter")));
    assertEquals(Set.of("teacher_logits"), teachersInputs(kd));
    assertFalse(names(kd.outputs()).contains("mse_loss"));
  }

  @Test
  void tedComparesFilteredStatesAndHasNoHeadsOfStageOne() {
    Graph ted = outline().distil(Method.TED).gradients();
    assertEquals(
        Set.of("bert.encoder.layer.0.filter.weight", "bert.encoder.layer.0.filter.bias"),
        names(ted.parameters()).stream()
            .filter(name -> name.contains("filter"))
            .collect(Collectors.toSet()));
    assertEquals(Set.of("teacher_logits", "teacher_states.0"), teachersInputs(ted));
    assertTrue(names(ted.outputs()).contains("grad/bert.encoder.layer.0.filter.weight"));
  }

  @Test
  void tedWithoutALayerWiseTermIsRefused() {
    assertEquals(
        task.file("recipe.yaml") + ":22: distill.mse_alpha: ted needs mse_alpha above 0, got 0",
        assertThrows(
                UserError.class,
                () -> {
                  task.write(
                      "recipe.yaml",
                      TinyTask.yaml(TinyTask.BERT_TEACHER, TinyTask.BERT_STUDENT)
                          .replace("mse_alpha: 1", "mse_alpha: 0"));
                  outline("compare=ted");
                })
            .getMessage());
  }

  @Test
  void aTermOfWeightNothingTakesNothingFromTheTeacher() {
    Stage stage = outline("compare=ted", "distill.kl_alpha=0").distil(Method.TED);
    Graph gradients = stage.gradients();
    assertEquals(Set.of("teacher_states.0"), teachersInputs(gradients));
    Graph teacher = StageGraphs.frozen("t", stage.frozen().orElseThrow().source(), gradients);
    assertEquals(Set.of("teacher_states.0"), names(teacher.outputs()));
  }

  @Test
  void dropoutOfTheFrozenBackboneIsOnAsReleasedAndCanBeOff() {
    String[] ratios = {
      "training.cls_dropout=0.1", "training.hidn_dropout=0.1", "training.att_dropout=0.1"
    };
    assertTrue(dropouts(ratios).stream().anyMatch(name -> name.startsWith("bert.")));
    List<String> heads = dropouts(ratios[0], ratios[1], ratios[2], "filters.frozen_dropout=false");
    assertEquals(1, heads.size(), heads + "");
    assertTrue(heads.get(0).startsWith("filter_pooler.0"), heads + "");
  }

  /** Where the student's filter learning drops. */
  private List<String> dropouts(String... assignments) {
    Graph gradients =
        outline(assignments).stages().stream()
            .filter(s -> s.name().equals("student/filters"))
            .findFirst()
            .orElseThrow()
            .gradients();
    return gradients.nodes().stream()
        .filter(n -> n.op() == OpType.DROPOUT)
        .map(n -> n.output().name())
        .toList();
  }

  @Test
  void filterLearningHasGradientsForFiltersOnly() {
    Stage stage =
        outline().stages().stream()
            .filter(s -> s.name().equals("student/filters"))
            .findFirst()
            .orElseThrow();
    Graph gradients = stage.gradients();
    assertTrue(names(gradients.parameters()).contains("bert.embeddings.word_embeddings.weight"));
    List<Value> trained = StageGraphs.trained(gradients);
    assertEquals(6, trained.size());
    assertTrue(names(trained).stream().allMatch(name -> name.contains("filter")), trained + "");
    Graph update = stage.settings().optimizer().graph("update", trained);
    assertTrue(
        names(update.outputs()).stream()
            .allMatch(name -> name.contains("filter") || name.equals("gradient_norm")));
  }

  @Test
  void aBackboneWithoutDropoutIsAGraphOfItsOwnThatOnlyThatOfTheFiltersTakes() {
    Outline outline = outline("filters.frozen_dropout=false");
    Graph gradients = graph(outline, "student_filters_gradients");
    assertEquals(Set.of("filter_inputs.0", "labels", "gradient_scale"), names(gradients.inputs()));
    assertEquals(gradients.parameters(), StageGraphs.trained(gradients));
    Graph backbone = graph(outline, "student_filters_backbone");
    assertEquals(Set.of("filter_inputs.0"), names(backbone.outputs()));
    assertEquals("[batch, 8]", backbone.outputs().get(0).shape().toString());
    assertTrue(names(backbone.parameters()).stream().noneMatch(name -> name.contains("filter")));
    assertFalse(outline.graphs().containsKey("student_filters_joined"));
  }

  @Test
  void everyGraphOfARunHasTheTasksLabelsAndTheStagesDropout() {
    Outline scores = outline("task.problem_type=regression", "training.hidn_dropout=0.25");
    Graph gradients = graph(scores, "ted_gradients");
    assertEquals(DType.FLOAT, gradients.input("labels").orElseThrow().type());
    assertTrue(gradients.toString().contains("0.25"));
    assertEquals("1", classes(scores));
    task.write("train.tsv", TinyTask.examples(9, 1) + "film\t2\n");
    assertEquals("3", classes(outline()));
    assertFalse(graph(outline(), "ted_gradients").toString().contains("Dropout"));
  }

  private static Graph graph(Outline outline, String name) {
    Graph graph = outline.graphs().get(name);
    assertNotNull(graph, name);
    return graph;
  }

  private static String classes(Outline outline) {
    return graph(outline, "student_inference").output("logits").orElseThrow().dim(1).toString();
  }

  @Test
  void lwdTakesTheStatesAfterEveryBlockOfLayersAndNeverTheEmbeddings() {
    Outline outline =
        outline("teacher.config.num_hidden_layers=4", "filters.teacher_filter_interval=4");
    Model teacher = outline.teacher().orElseThrow();
    Graph all = StageGraphs.states("states", teacher);
    Map<String, Tensor> weights = Outline.random(teacher, all.parameters());
    Map<String, Tensor> states = run(task.recipe(folder), all, weights);
    for (int interval : List.of(1, 2, 4)) {
      StageGraphs.Teacher imitated =
          new StageGraphs.Teacher(teacher, TeacherStates.HIDDEN, interval);
      Map<String, Tensor> taken =
          run(task.recipe(folder), StageGraphs.frozen("teacher", imitated), weights);
      assertEquals(1 + 4 / interval, taken.size());
      for (int k = 0; k < 4 / interval; k++) {
        assertArrayEquals(
            floats(states, "hidden_states." + (k + 1) * interval),
            floats(taken, "teacher_states." + k),
            1e-6f);
      }
    }
  }

  private static float[] floats(Map<String, Tensor> tensors, String name) {
    Tensor tensor = tensors.get(name);
    assertNotNull(tensor, name);
    return tensor.toFloats();
  }

  private static Map<String, Tensor> run(Recipe recipe, Graph graph, Map<String, Tensor> weights) {
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (Value input : graph.inputs()) {
      Tensor tensor = Tensor.zeros(DType.INT64, 2, 5);
      LongBuffer numbers = tensor.bytes().asLongBuffer();
      for (int i = 0; i < 10; i++) {
        numbers.put(
            input.name().equals("attention_mask") ? 1 : input.name().equals("input_ids") ? i : 0);
      }
      feeds.put(input.name(), tensor);
    }
    try (ComputeSession session = Run.engine(recipe).frozen(graph, weights)) {
      return session.run(feeds);
    }
  }

  @Test
  void theTeachersWeightsAreNeverWrittenTo() {
    Recipe recipe = task.recipe(folder.resolve("out"));
    Stage stage =
        new Outline(recipe)
            .distil(Method.TED)
            .withFrozen(f -> new Stage.Frozen(f.source(), Outline.random(f.source())));
    Map<String, Tensor> teacher = stage.frozen().orElseThrow().weights();
    Map<String, float[]> before = new LinkedHashMap<>();
    teacher.forEach((name, tensor) -> before.put(name, tensor.toFloats()));
    Graph gradients = stage.gradients();
    Map<String, Tensor> start = Outline.random(stage.model(), gradients.parameters());
    RunData data = RunData.read(recipe, 5, folder.resolve("tokenizer"));
    Trainer trainer =
        new Trainer(
            Run.engine(recipe),
            5,
            new Trainer.Surroundings(
                new RunLayout.Seed(folder),
                recipe.checkpoint(),
                Progress.SILENT,
                () -> false,
                false));
    Trainer.Outcome outcome =
        trainer.train(stage, start, data.training(stage.settings(), 5), data.evaluator(8));
    assertEquals(27, outcome.step());
    assertEquals(start.keySet(), outcome.weights().keySet());
    teacher.forEach((name, tensor) -> assertArrayEquals(before.get(name), tensor.toFloats(), name));
    List<String> unchanged = new ArrayList<>();
    start.forEach(
        (name, tensor) -> {
          if (Arrays.equals(tensor.toFloats(), floats(outcome.weights(), name))) {
            unchanged.add(name);
          }
        });
    assertEquals(List.of(), unchanged);
  }
}
