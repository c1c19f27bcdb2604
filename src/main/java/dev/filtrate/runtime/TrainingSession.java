package dev.filtrate.runtime;

import dev.filtrate.base.Check;
import dev.filtrate.base.Randomness;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.Lowering;
import dev.filtrate.onnx.OnnxCodec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model in training: its parameters, their gradients and Adam's moments in device memory, changed
 * in place by two graphs with fixed names:
 *
 * <ul>
 *   <li>The gradients graph takes the parameters under their own names, the batch, perhaps {@code
 *       gradient_scale} and {@code dropout_seed}; it delivers scalars (losses) and {@code grad/<p>}
 *       for each trained parameter p.
 *   <li>The update graph takes {@code learning_rate}, {@code step} (perhaps once for each p, {@code
 *       step/<p>}), perhaps {@code inverse_loss_scale}, and for each p {@code <p>}, {@code
 *       grad/<p>}, {@code moment1/<p>}, {@code moment2/<p>}; it delivers {@code next/<p>}, {@code
 *       next/moment1/<p>}, {@code next/moment2/<p>} and perhaps {@code gradient_norm}.
 * </ul>
 *
 * A step is one or more calls of {@link #accumulate}, then one of {@link #step}. What it leaves
 * behind is a function of state, feeds and seeds alone.
 */
public final class TrainingSession implements AutoCloseable {
  private static final String GRADIENT = "grad/";
  private static final List<String> MOMENTS = List.of("moment1/", "moment2/");
  private static final String NEXT = "next/";
  private static final String SCALE = "gradient_scale";

  /** The gradients' norm among the scalars. */
  static final String NORM = "gradient_norm";

  private static final String RATE = "learning_rate";
  private static final String STEP = "step";
  private static final String INVERSE_SCALE = "inverse_loss_scale";

  private final ComputeSession backward;
  private final ComputeSession update;
  private final DeviceTensors parameters;
  private final DeviceTensors gradients;
  private final DeviceTensors moments;
  private final RuntimeOptions options;

  /** What {@link #close} frees, in reverse. */
  private final Deque<Runnable> owned;

  private @Nullable Further further;
  private @Nullable ComputeSession norm;
  private int accumulated;

  /** A second set of gradients for the second and later micro-batches of a step, and their sum. */
  private record Further(DeviceTensors gradients, ComputeSession sum) {}

  private TrainingSession(
      ComputeSession backward,
      ComputeSession update,
      DeviceTensors parameters,
      DeviceTensors gradients,
      DeviceTensors moments,
      RuntimeOptions options,
      Deque<Runnable> owned) {
    this.backward = backward;
    this.update = update;
    this.parameters = parameters;
    this.gradients = gradients;
    this.moments = moments;
    this.options = options;
    this.owned = owned;
  }

  /**
   * Opens both graphs and puts the parameters on the device; moments start at zero.
   *
   * @param gradientsModel the gradients graph as an ONNX model, parameters being inputs
   * @param updateModel the update graph as an ONNX model
   * @param initial all parameters, those that are not trained too
   */
  public static TrainingSession open(
      byte[] gradientsModel,
      byte[] updateModel,
      Map<String, Tensor> initial,
      RuntimeOptions options) {
    Deque<Runnable> owned = new ArrayDeque<>();
    boolean complete = false;
    try {
      ComputeSession backward = ComputeSession.open("gradients", gradientsModel, options);
      owned.push(backward::close);
      // A CPU's optimizer kernel keeps to one thread, and the updates do not wait for each other.
      RuntimeOptions sideBySide = inPlace(options).withParallel(!options.device().isCuda());
      ComputeSession update = ComputeSession.open("update", updateModel, sideBySide);
      owned.push(update::close);
      DeviceTensors parameters = DeviceTensors.upload(initial, options.device());
      owned.push(parameters::close);
      DeviceTensors gradients = gradientBuffers(backward, parameters);
      owned.push(gradients::close);
      DeviceTensors moments = momentBuffers(gradients);
      owned.push(moments::close);
      TrainingSession session =
          new TrainingSession(backward, update, parameters, gradients, moments, options, owned);
      session.bind();
      complete = true;
      return session;
    } finally {
      if (!complete) {
        owned.forEach(Runnable::run);
      }
    }
  }

  /** For graphs that change what they read: running one again to keep its kernels would count. */
  private static RuntimeOptions inPlace(RuntimeOptions options) {
    return options.withCudaGraphs(false);
  }

  private static DeviceTensors gradientBuffers(ComputeSession backward, DeviceTensors parameters) {
    Map<String, DeviceTensor> trained = new LinkedHashMap<>();
    for (String output : backward.outputs()) {
      if (output.startsWith(GRADIENT)) {
        String parameter = output.substring(GRADIENT.length());
        trained.put(parameter, parameters.get(parameter));
      }
    }
    Check.argument(!trained.isEmpty(), "the gradients graph has no output grad/<parameter>");
    return DeviceTensors.each(trained, (p, like) -> buffer(GRADIENT + p, like));
  }

  private static DeviceTensors momentBuffers(DeviceTensors gradients) {
    Map<String, DeviceTensor> likes = new LinkedHashMap<>();
    for (String moment : MOMENTS) {
      gradients.asMap().forEach((p, gradient) -> likes.put(moment + p, gradient));
    }
    DeviceTensors moments = DeviceTensors.each(likes, TrainingSession::buffer);
    moments.values().forEach(DeviceTensor::clear);
    return moments;
  }

  private static DeviceTensor buffer(String name, DeviceTensor like) {
    return DeviceTensor.allocate(name, like.type(), like.dims(), like.device());
  }

  private void bind() {
    backward.bindInputs(parameters);
    bindGradients(gradients);
    gradients
        .asMap()
        .forEach(
            (p, gradient) -> {
              update.bindInput(GRADIENT + p, gradient);
              bindInPlace(p, parameters.get(p));
              for (String moment : MOMENTS) {
                bindInPlace(moment + p, moments.get(moment + p));
              }
            });
  }

  private void bindInPlace(String name, DeviceTensor state) {
    update.bindInput(name, state);
    update.bindOutput(NEXT + name, state);
  }

  private void bindGradients(DeviceTensors buffers) {
    buffers.asMap().forEach((p, buffer) -> backward.bindOutput(GRADIENT + p, buffer));
  }

  /**
   * Runs forward and backward on one micro-batch and adds its gradients to those since the last
   * {@link #step}.
   *
   * @param feeds the batch by input name; {@code gradient_scale} is 1 unless fed
   * @param frozen further inputs that are on the device already: a frozen model's outputs
   * @param seed what dropout is a function of
   * @return the scalar outputs: the loss and its terms
   */
  public Scalars accumulate(
      Map<String, Tensor> feeds, Map<String, DeviceTensor> frozen, long seed) {
    Map<String, Tensor> all = new LinkedHashMap<>(feeds);
    if (backward.inputs().contains(SCALE)) {
      all.putIfAbsent(SCALE, Tensor.scalar(1f));
    }
    Further second = accumulated == 0 ? null : further();
    bindGradients(second == null ? gradients : second.gradients());
    if (backward.inputs().contains(Lowering.DROPOUT_SEED)) {
      all.put(Lowering.DROPOUT_SEED, Tensor.scalar(dropoutSeed(seed)));
    } else {
      seedDropout(seed);
    }
    Scalars losses = new Scalars(backward.queue(all, frozen));
    if (second != null) {
      second.sum().run(Map.of());
    }
    accumulated++;
    return losses;
  }

  static void seedDropout(long seed) {
    OnnxRuntime.setSeed(dropoutSeed(seed));
  }

  /** Far from its neighbours. */
  private static long dropoutSeed(long seed) {
    return Randomness.seedOf(seed, "dropout", 0);
  }

  private Further further() {
    Further made = further;
    if (made == null) {
      DeviceTensors more =
          DeviceTensors.each(
              gradients.asMap(), (p, like) -> buffer("further " + GRADIENT + p, like));
      owned.push(more::close);
      ComputeSession sum = ComputeSession.open("sum", sumModel(), inPlace(options));
      owned.push(sum::close);
      gradients
          .asMap()
          .forEach(
              (p, gradient) -> {
                sum.bindInput(GRADIENT + p, gradient);
                sum.bindInput("further/" + p, more.get(p));
                sum.bindOutput("sum/" + p, gradient);
              });
      made = new Further(more, sum);
      further = made;
    }
    return made;
  }

  /** One elementwise sum per parameter, so that input and output may be one buffer. */
  private byte[] sumModel() {
    GraphBuilder g = new GraphBuilder();
    Map<String, Value> sums = new LinkedHashMap<>();
    gradients
        .asMap()
        .forEach(
            (p, gradient) -> {
              Shape shape = Shape.of(gradient.dims());
              Value sum = g.input(GRADIENT + p, gradient.type(), shape);
              Value more = g.input("further/" + p, gradient.type(), shape);
              sums.put("sum/" + p, g.ops().add(sum, more));
            });
    return OnnxCodec.encode(g.build("sum", sums));
  }

  /**
   * Changes the trained parameters by what was accumulated.
   *
   * @param learningRate the rate of this step
   * @param step the number of this step, from 1
   * @return the gradients' global norm before clipping, if the update graph computes it
   */
  public Scalars step(double learningRate, long step) {
    return step(learningRate, step, 1);
  }

  /**
   * The same where the loss was scaled.
   *
   * @param lossScale what it was multiplied by, in {@code gradient_scale}
   */
  public Scalars step(double learningRate, long step, double lossScale) {
    Check.state(accumulated > 0, "step %d: no gradients were accumulated", step);
    Check.argument(step >= 1, "steps count from 1, got %d", step);
    accumulated = 0;
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (String input : update.inputs()) {
      if (input.equals(RATE)) {
        feeds.put(input, Tensor.scalar((float) learningRate));
      } else if (input.equals(STEP) || input.startsWith(STEP + "/")) {
        feeds.put(input, Tensor.scalar(step)); // each its own: kernels advance it in place
      } else if (input.equals(INVERSE_SCALE)) {
        feeds.put(input, Tensor.scalar((float) (1 / lossScale)));
      }
    }
    return new Scalars(update.queue(feeds, Map.of()));
  }

  /** The global norm of what was accumulated, as it is: not finite if any gradient is not. */
  public float gradientNorm() {
    ComputeSession session = norm;
    if (session == null) {
      session = ComputeSession.open("norm", normModel(), options);
      owned.push(session::close);
      for (Map.Entry<String, DeviceTensor> gradient : gradients.asMap().entrySet()) {
        session.bindInput(GRADIENT + gradient.getKey(), gradient.getValue());
      }
      norm = session;
    }
    return new Scalars(session.queue(Map.of(), Map.of())).read().getOrDefault(NORM, Float.NaN);
  }

  private byte[] normModel() {
    GraphBuilder g = new GraphBuilder();
    List<Value> inputs = new ArrayList<>();
    gradients
        .asMap()
        .forEach(
            (p, tensor) ->
                inputs.add(g.input(GRADIENT + p, tensor.type(), Shape.of(tensor.dims()))));
    return OnnxCodec.encode(g.build("norm", Map.of(NORM, g.ops().globalNorm(inputs))));
  }

  /** Forgets what was accumulated. */
  public void discard() {
    accumulated = 0;
  }

  /**
   * The parameters, trained or not, in the buffers that the steps change: to download, or to bind
   * to an evaluation session. They stay this session's.
   */
  public DeviceTensors parameters() {
    return parameters;
  }

  /** What the last {@link #accumulate} left, by parameter; they stay this session's. */
  public DeviceTensors gradients() {
    return gradients;
  }

  /** Adam's state, {@code moment1/<p>} and {@code moment2/<p>}; they stay this session's. */
  public DeviceTensors moments() {
    return moments;
  }

  /** Replaces parameters and moments, as {@link DeviceTensors#download} delivered them. */
  public void restore(Map<String, Tensor> savedParameters, Map<String, Tensor> savedMoments) {
    parameters.set(savedParameters);
    moments.set(savedMoments);
    accumulated = 0;
  }

  /** Frees sessions and state; closing again does nothing. */
  @Override
  public void close() {
    while (!owned.isEmpty()) {
      owned.pop().run();
    }
  }
}
