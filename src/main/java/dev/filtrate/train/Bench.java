package dev.filtrate.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.Randomness;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.DeviceTensors;
import dev.filtrate.runtime.TrainingSession;
import dev.filtrate.train.StageGraphs.TeacherStates;
import java.io.IOException;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Times the steps of a recipe on random weights and random ids: what a run will take, and what a
 * change was worth.
 */
public final class Bench {
  private static final int WARM_UP = 3;
  private static final int PRODUCT = 2048;

  private final Recipe recipe;
  private final Engine engine;
  private final int batch;
  private final int length;
  private final int steps;
  private final ObjectNode results = new ObjectMapper().createObjectNode();

  /**
   * A bench that has not begun.
   *
   * @param batch examples of a step
   * @param length tokens of an example, none of them padding
   * @param steps timed repetitions of each
   */
  public Bench(Recipe recipe, int batch, int length, int steps) {
    this.recipe = recipe;
    this.engine = Run.engine(recipe);
    this.batch = batch;
    this.length = length;
    this.steps = steps;
  }

  /** What is timed. */
  public enum Part {
    /** Teacher forward, student forward and backward, update. */
    STAGE2_STEP,
    /** The student's filters: forward, backward, update. */
    STAGE1_STEP,
    /** Fine-tuning of the student. */
    FINETUNE_STEP,
    /** The student's logits. */
    STUDENT_FORWARD
  }

  /** Times these parts in this order; {@code note} is told what is going on. */
  public ObjectNode run(List<Part> parts, Consumer<String> note) {
    Weights student = student();
    for (Part part : parts) {
      note.accept("timing " + part.name().toLowerCase(java.util.Locale.ROOT));
      switch (part) {
        case STAGE2_STEP -> stageTwo(student);
        case STAGE1_STEP -> labelled(part, stageOne(student), student);
        case FINETUNE_STEP ->
            labelled(
                part,
                Stage.finetune("finetune", student.model(), recipe.student().finetune()),
                student);
        case STUDENT_FORWARD -> forward(student);
      }
      if (!results.has("peak_rss_bytes")) { // of the first part: what a run of it needs
        results.put("peak_rss_bytes", peakResidentBytes());
      }
    }
    results.put("matmul_gflops", matmulGflops());
    ObjectNode settings = results.putObject("settings");
    settings.put("recipe", recipe.name());
    settings.put("batch", batch);
    settings.put("length", length);
    settings.put("steps", steps);
    settings.put("threads", recipe.threads());
    settings.put("device", recipe.device().toString());
    settings.put("target", recipe.target().name().toLowerCase(java.util.Locale.ROOT));
    return results;
  }

  private Model model(String who, Optional<ModelConfig> config) {
    ModelConfig known =
        config.orElseThrow(
            () -> new UserError("recipe " + recipe.name() + ": the " + who + " has no config"));
    return new Model(known, Head.SEQUENCE_CLASSIFICATION, Optional.empty());
  }

  private Weights student() {
    Model teacher = model("teacher", recipe.teacherConfig());
    Model model =
        model("student", recipe.studentConfig())
            .with(recipe.filters().student(teacher.config().hiddenSize()));
    return new Weights(model, Weights.random(model, 0).parameters());
  }

  private Stage stageOne(Weights student) {
    return Stage.learnFilters("learn_filters", student.model(), recipe.student().learnFilters());
  }

  private Stage.FrozenTeacher teacher() {
    Model plain = model("teacher", recipe.teacherConfig());
    Model model = plain.with(recipe.filters().teacher(plain.config().hiddenSize()));
    return new Stage.FrozenTeacher(
        new StageGraphs.Teacher(model, TeacherStates.FILTERED, 1),
        Weights.random(model, 1).parameters());
  }

  private void stageTwo(Weights student) {
    DistillSettings settings = recipe.settings(Method.TED);
    Stage stage =
        Stage.distil("ted", student.model(), teacher(), settings.objective(), settings.stage());
    long built = System.nanoTime();
    Graph gradients = stage.gradients();
    results.put("graph_build_s", seconds(built));
    long opened = System.nanoTime();
    try (TrainingSession session =
            engine.training(gradients, settings.stage().optimizer(), student.parameters());
        ComputeSession teacher = open(stage.teacher().orElseThrow())) {
      results.put("session_create_s", seconds(opened));
      Map<String, Tensor> feeds = feeds(names(gradients), student.model());
      Map<String, Tensor> asked = feeds(teacher.inputs(), student.model());
      time(
          Part.STAGE2_STEP,
          step -> {
            try (DeviceTensors outputs = teacher.runOnDevice(asked)) {
              session.accumulate(feeds, outputs.asMap(), step);
            }
            session.step(1e-5, step);
          });
    }
  }

  private static List<String> names(Graph graph) {
    return graph.inputs().stream().map(Value::name).toList();
  }

  private ComputeSession open(Stage.FrozenTeacher teacher) {
    return engine.frozen(StageGraphs.teacher("teacher", teacher.teacher()), teacher.weights());
  }

  private void labelled(Part part, Stage stage, Weights student) {
    Graph gradients = stage.gradients();
    try (TrainingSession session =
        engine.training(gradients, stage.settings().optimizer(), student.parameters())) {
      Map<String, Tensor> feeds = feeds(names(gradients), student.model());
      time(
          part,
          step -> {
            session.accumulate(feeds, Map.of(), step);
            session.step(1e-5, step);
          });
    }
  }

  private void forward(Weights student) {
    Weights plain = student.withoutFilters();
    try (ComputeSession session =
        engine.frozen(StageGraphs.inference("forward", plain.model()), plain.parameters())) {
      Map<String, Tensor> feeds = feeds(session.inputs(), plain.model());
      time(Part.STUDENT_FORWARD, step -> session.run(feeds));
    }
  }

  private interface Step {
    void run(long number);
  }

  private void time(Part part, Step step) {
    for (int i = 0; i < WARM_UP; i++) {
      step.run(i + 1L);
    }
    double[] times = new double[steps];
    for (int i = 0; i < steps; i++) {
      long began = System.nanoTime();
      step.run(WARM_UP + i + 1L);
      times[i] = seconds(began);
    }
    Arrays.sort(times);
    ObjectNode figures = results.putObject(part.name().toLowerCase(java.util.Locale.ROOT));
    figures.put("median_s", times[steps / 2]);
    figures.put("min_s", times[0]);
    figures.put("max_s", times[steps - 1]);
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  private Map<String, Tensor> feeds(List<String> wanted, Model model) {
    Randomness random = Randomness.of(0, "bench/ids");
    int vocabulary = model.config().common().vocabSize();
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (String input : wanted) {
      switch (input) {
        case "input_ids" -> feeds.put(input, grid(() -> random.nextInt(vocabulary)));
        case "attention_mask" -> feeds.put(input, grid(() -> 1));
        case "token_type_ids" -> feeds.put(input, grid(() -> 0));
        case "labels" ->
            feeds.put(
                input,
                model.config().numLabels() == 1
                    ? Tensor.zeros(DType.FLOAT, batch)
                    : Tensor.zeros(DType.INT64, batch));
        case StageGraphs.GRADIENT_SCALE -> feeds.put(input, Tensor.scalar(1f));
        default -> {
          // bound, or the teacher's
        }
      }
    }
    return feeds;
  }

  private Tensor grid(java.util.function.LongSupplier value) {
    Tensor t = Tensor.zeros(DType.INT64, batch, length);
    LongBuffer content = t.bytes().asLongBuffer();
    while (content.hasRemaining()) {
      content.put(value.getAsLong());
    }
    return t;
  }

  /** The runtime's own rate for a square product in float32, the yardstick of all other figures. */
  private double matmulGflops() {
    GraphBuilder g = new GraphBuilder();
    Shape square = Shape.of(PRODUCT, PRODUCT);
    Value a = g.input("a", DType.FLOAT, square);
    Value b = g.input("b", DType.FLOAT, square);
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    feeds.put("a", Tensor.zeros(DType.FLOAT, PRODUCT, PRODUCT));
    feeds.put("b", Tensor.zeros(DType.FLOAT, PRODUCT, PRODUCT));
    try (ComputeSession session =
        engine.open(g.build("product", Map.of("y", g.ops().matMul(a, b))))) {
      double[] times = new double[7];
      for (int i = 0; i < times.length; i++) {
        long began = System.nanoTime();
        session.runOnDevice(feeds).close();
        times[i] = seconds(began);
      }
      Arrays.sort(times);
      return 2.0 * PRODUCT * PRODUCT * PRODUCT / times[times.length / 2] / 1e9;
    }
  }

  /** The largest resident set of this process so far; 0 where the system does not tell. */
  private static long peakResidentBytes() {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return 0;
    }
    try {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith("VmHWM:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
      return 0;
    } catch (IOException e) {
      return 0;
    }
  }
}
