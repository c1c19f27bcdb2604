package dev.filtrate.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Proc;
import dev.filtrate.base.Randomness;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.recipe.FrozenCacheSettings;
import dev.filtrate.recipe.Kind;
import dev.filtrate.recipe.Method;
import dev.filtrate.recipe.Recipe;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.runtime.Device;
import dev.filtrate.runtime.DeviceTensor;
import dev.filtrate.weights.HalfPrecision;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Times the steps of a recipe on random weights and random ids: what a run will take, and what a
 * change was worth.
 */
public final class Bench {
  private static final int WARM_UP = 3;
  private static final int PRODUCT = 2048;
  private static final int LARGE_PRODUCT = 8192;

  private final Recipe recipe;
  private final Engine engine;
  private final StepTimer timer;

  /** What is timed. */
  public enum Part {
    /** Teacher forward, student forward and backward, update. */
    STAGE2_STEP,
    /** The same with the teacher's outputs from a cache. */
    STAGE2_CACHED_STEP,
    /** The student's filters: forward, backward, update. */
    STAGE1_STEP,
    /** The same without dropout of the backbone, whose states come from a cache. */
    STAGE1_CACHED_STEP,
    /** Fine-tuning of the student. */
    FINETUNE_STEP,
    /** The student's logits. */
    STUDENT_FORWARD;

    private boolean isCached() {
      return this == STAGE2_CACHED_STEP || this == STAGE1_CACHED_STEP;
    }

    /** As in the results. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A bench that has not begun.
   *
   * @param batch examples of a step
   * @param length tokens of an example, none of them padding
   * @param steps timed repetitions of each part
   */
  public Bench(Recipe recipe, int batch, int length, int steps) {
    this.recipe = recipe;
    this.engine = Run.engine(recipe);
    this.timer = new StepTimer(engine, batch, length, WARM_UP, steps);
  }

  /**
   * Times these parts in this order. The peak resident set is that after the first one: what a run
   * of it needs, loading included.
   *
   * @param profiled whether to say where the time goes, from as many steps more
   * @param note is told what is going on
   */
  public ObjectNode run(List<Part> parts, boolean profiled, Consumer<String> note) {
    ObjectNode results = new ObjectMapper().createObjectNode();
    Outline outline = new Outline(recipe);
    for (Part part : parts) {
      note.accept("timing " + part.id());
      StepTimer.Timing timing = time(part, outline, timer);
      ObjectNode figures = results.putObject(part.id());
      figures.put("median_s", timing.median());
      figures.put("min_s", timing.min());
      figures.put("max_s", timing.max());
      figures.put("gflop", timing.flops() / 1e9);
      figures.put("graph_build_s", timing.graphs());
      figures.put("session_create_s", timing.sessions());
      if (!results.has("peak_rss_bytes")) {
        results.put("peak_rss_bytes", peakResidentBytes());
      }
      if (profiled || recipe.device().isCuda()) {
        note.accept("profiling " + part.id());
        StepProfile profile = StepProfile.of(timer, part.isCached(), t -> time(part, outline, t));
        figures.set("placement", profile.placement());
        if (profiled) {
          figures.set("profile", profile.toJson());
        }
      }
    }
    double rate = matmulGflops(); // last: it is not to count among a step's memory
    for (Part part : parts) {
      ObjectNode figures = results.withObject(part.id());
      double floor = figures.get("gflop").asDouble() / rate;
      figures.put("times_floor", figures.get("median_s").asDouble() / floor);
    }
    results.put("matmul_gflops", rate);
    settings(results.putObject("settings"));
    return results;
  }

  private StepTimer.Timing time(Part part, Outline outline, StepTimer with) {
    return switch (part) {
      case STAGE2_STEP -> with.step(outline.distil(Method.TED));
      case STAGE2_CACHED_STEP -> cached(outline.distil(Method.TED), with);
      case STAGE1_STEP -> with.step(stage(outline, RunLayout.Seed.filters("student")));
      case STAGE1_CACHED_STEP ->
          cached(
              stage(outline, RunLayout.Seed.filters("student"))
                  .onFrozenBackbone(Map.of(), FrozenCacheSettings.NONE),
              with);
      case FINETUNE_STEP -> with.step(stage(outline, RunLayout.Seed.finetuned("student")));
      case STUDENT_FORWARD -> with.forward(outline.student());
    };
  }

  private static StepTimer.Timing cached(Stage stage, StepTimer with) {
    Path folder;
    try {
      folder = Files.createTempDirectory("filtrate-bench");
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(Path.of(System.getProperty("java.io.tmpdir")), e);
    }
    try {
      return with.step(
          stage, new FrozenCacheSettings("bench", folder, FrozenCacheSettings.Dtype.FLOAT32));
    } finally {
      AtomicFiles.deleteRecursively(folder);
    }
  }

  private void settings(ObjectNode settings) {
    settings.put("recipe", recipe.name());
    settings.put("batch", timer.batch());
    settings.put("length", timer.length());
    settings.put("steps", timer.steps());
    settings.put("threads", recipe.threads());
    settings.put("arena", recipe.arena());
    settings.put("memory_pattern", recipe.memoryPattern());
    settings.put("device", recipe.device().toString());
    settings.put("mixed_precision", recipe.mixedPrecision().name().toLowerCase(Locale.ROOT));
    settings.put("teacher_dtype", Kind.spelling(recipe.settings(Method.TED).teacherDtype()));
    settings.put("tf32", recipe.tf32());
    settings.put("enable_cuda_graph", recipe.cudaGraphs());
    settings.put("target", recipe.target().name().toLowerCase(Locale.ROOT));
  }

  private Stage stage(Outline outline, String name) {
    return outline.stages().stream()
        .filter(stage -> stage.name().equals(name))
        .findFirst()
        .orElseThrow(
            () -> new UserError("recipe %s has no stage %s".formatted(recipe.name(), name)));
  }

  /**
   * The runtime's own rate for a square product of the engine's precision, the yardstick of all
   * other figures.
   */
  private double matmulGflops() {
    GraphBuilder g = new GraphBuilder();
    DType type = engine.pass().type();
    Device device = recipe.device();
    long n = device.isCuda() ? LARGE_PRODUCT : PRODUCT;
    Value a = g.input("a", type, Shape.of(n, n));
    Value b = g.input("b", type, Shape.of(n, n));
    // Bound once: fresh memory for every run would take as long as the product.
    try (ComputeSession session =
            engine.open(g.build("product", Map.of("y", g.ops().matMul(a, b))));
        DeviceTensor factor = DeviceTensor.upload("factor", noise(type, n), device);
        DeviceTensor y = DeviceTensor.allocate("y", type, new long[] {n, n}, device)) {
      session.bindInput("a", factor);
      session.bindInput("b", factor);
      session.bindOutput("y", y);
      double[] times = new double[7];
      for (int i = 0; i < times.length; i++) {
        long began = System.nanoTime();
        session.run(Map.of());
        session.await();
        times[i] = (System.nanoTime() - began) / 1e9;
      }
      Arrays.sort(times);
      return 2.0 * n * n * n / times[times.length / 2] / 1e9;
    }
  }

  /** A square of numbers around 0: a GPU that multiplies zeros runs faster. */
  private static Tensor noise(DType type, long n) {
    Tensor square = Tensor.zeros(type, n, n);
    Randomness random = Randomness.of(0, "bench/product");
    ByteBuffer bytes = square.bytes();
    while (bytes.hasRemaining()) {
      float number = (float) random.nextDouble() - 0.5f;
      switch (type) {
        case FLOAT16 -> bytes.putShort(HalfPrecision.float16(number));
        case BFLOAT16 -> bytes.putShort((short) (Float.floatToRawIntBits(number) >>> 16));
        default -> bytes.putFloat(number);
      }
    }
    return square;
  }

  /** The largest resident set of this process so far; 0 where the system does not tell. */
  static long peakResidentBytes() {
    return Proc.bytes("self/status", "VmHWM").orElse(0);
  }
}
