package dev.filtrate.runtime;

import dev.filtrate.base.Check;
import dev.filtrate.graph.Tensor;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.SizeTPointer;
import org.bytedeco.onnxruntime.BaseValue;
import org.bytedeco.onnxruntime.OrtCheckpointState;
import org.bytedeco.onnxruntime.OrtStatus;
import org.bytedeco.onnxruntime.OrtTrainingApi;
import org.bytedeco.onnxruntime.OrtTrainingSession;
import org.bytedeco.onnxruntime.OrtValue;
import org.bytedeco.onnxruntime.SessionOptions;
import org.bytedeco.onnxruntime.Value;

/**
 * ONNX Runtime's own training API at work on a folder of its artifacts, on the CPU: what a program
 * on another device will do with them. This project trains with {@link TrainingSession}; this is
 * the proof of what it hands over.
 */
public final class OnDeviceSession implements AutoCloseable {
  private final Path folder;
  private final OrtTrainingApi api;
  private final OrtCheckpointState state;
  private final OrtTrainingSession session;

  /** What {@link #close} frees, in reverse. */
  private final Deque<Runnable> owned;

  private final Names training;
  private final Names evaluation;

  /** A file of the artifacts, under the name that the API's documentation gives it. */
  public enum Artifact {
    /** Parameters, and perhaps moments. */
    CHECKPOINT("checkpoint"),
    /** Forward, backward and the sums of gradients. */
    TRAINING("training_model.onnx"),
    /** Forward without dropout. */
    EVALUATION("eval_model.onnx"),
    /** The update. */
    OPTIMIZER("optimizer_model.onnx");

    private final String file;

    Artifact(String file) {
      this.file = file;
    }

    /** Where it is in a folder of artifacts. */
    public Path in(Path folder) {
      return folder.resolve(file);
    }
  }

  /** Inputs and outputs of a model that the caller has to do with, in order. */
  private record Names(List<String> inputs, List<String> outputs) {}

  private OnDeviceSession(Path folder, Deque<Runnable> owned, Path checkpoint, SessionOptions o) {
    this.folder = folder;
    this.owned = owned;
    this.api = Native.training();
    this.state =
        new OrtCheckpointState(
            made(out -> api.LoadCheckpoint(Native.path(checkpoint.toString()), out)));
    owned.push(() -> api.ReleaseCheckpointState(state));
    this.session =
        new OrtTrainingSession(
            made(
                out ->
                    api.CreateTrainingSession(
                        Native.env().asOrtEnv(),
                        o.asOrtSessionOptions(),
                        state,
                        path(Artifact.TRAINING),
                        path(Artifact.EVALUATION),
                        path(Artifact.OPTIMIZER),
                        out)));
    owned.push(() -> api.ReleaseTrainingSession(session));
    this.training =
        new Names(
            names(
                n -> api.TrainingSessionGetTrainingModelInputCount(session, n),
                (i, out) ->
                    api.TrainingSessionGetTrainingModelInputName(
                        session, i, Native.allocator(), out)),
            names(
                n -> api.TrainingSessionGetTrainingModelOutputCount(session, n),
                (i, out) ->
                    api.TrainingSessionGetTrainingModelOutputName(
                        session, i, Native.allocator(), out)));
    this.evaluation =
        new Names(
            names(
                n -> api.TrainingSessionGetEvalModelInputCount(session, n),
                (i, out) ->
                    api.TrainingSessionGetEvalModelInputName(session, i, Native.allocator(), out)),
            names(
                n -> api.TrainingSessionGetEvalModelOutputCount(session, n),
                (i, out) ->
                    api.TrainingSessionGetEvalModelOutputName(
                        session, i, Native.allocator(), out)));
  }

  /** Loads a folder of artifacts with the checkpoint in it. */
  public static OnDeviceSession open(Path folder, RuntimeOptions options) {
    return open(folder, Artifact.CHECKPOINT.in(folder), options);
  }

  /** Loads a folder of artifacts with a checkpoint that {@link #save} wrote. */
  public static OnDeviceSession open(Path folder, Path checkpoint, RuntimeOptions options) {
    Native.env();
    Deque<Runnable> owned = new ArrayDeque<>();
    boolean complete = false;
    try (PointerScope scope = new PointerScope()) {
      // The API refuses prepacking: its weights change.
      RuntimeOptions here = options.withDevice(Device.CPU).withPrepacking(false);
      SessionOptions settings = SessionSettings.of("training", here);
      OnDeviceSession session = new OnDeviceSession(folder, owned, checkpoint, settings);
      complete = true;
      return session;
    } catch (RuntimeException e) {
      throw Native.failure("the training artifacts " + folder + " cannot be opened", e);
    } finally {
      if (!complete) {
        owned.forEach(Runnable::run);
      }
    }
  }

  private Pointer path(Artifact artifact) {
    return Native.path(artifact.in(folder).toString());
  }

  /** What a train step is fed, in order. */
  public List<String> trainingInputs() {
    return training.inputs();
  }

  /** What an eval step is fed, in order. */
  public List<String> evaluationInputs() {
    return evaluation.inputs();
  }

  /**
   * Forward and backward; gradients are added to those since the last {@link #resetGradients}.
   *
   * @param feeds the batch by input name
   * @param seed what dropout is a function of, the same one as in {@link
   *     TrainingSession#accumulate}
   * @return the outputs that are not gradients: the loss
   */
  public Map<String, Tensor> train(Map<String, Tensor> feeds, long seed) {
    TrainingSession.seedDropout(seed);
    return run(
        training,
        feeds,
        (inputs, outputs) ->
            api.TrainStep(
                session,
                null,
                training.inputs().size(),
                inputs,
                training.outputs().size(),
                outputs));
  }

  /** Forward only, with the parameters as they are now. */
  public Map<String, Tensor> evaluate(Map<String, Tensor> feeds) {
    return run(
        evaluation,
        feeds,
        (inputs, outputs) ->
            api.EvalStep(
                session,
                null,
                evaluation.inputs().size(),
                inputs,
                evaluation.outputs().size(),
                outputs));
  }

  /** Lets the next {@link #train} put its gradients in the place of the old ones. */
  public void resetGradients() {
    call("reset", () -> api.LazyResetGrad(session));
  }

  /** Changes the parameters by the gradients. */
  public void step(double learningRate) {
    call("learning rate", () -> api.SetLearningRate(session, (float) learningRate));
    call("step", () -> api.OptimizerStep(session, null));
  }

  /** Writes the state as a checkpoint, to which {@link #open} comes back. */
  public void save(Path checkpoint, boolean withMoments) {
    call("save", () -> api.SaveCheckpoint(state, Native.path(checkpoint.toString()), withMoments));
  }

  /** Writes the model as it is now as one that is used, with these outputs of the eval step. */
  public void exportForInference(Path model, List<String> outputs) {
    call(
        "export",
        () -> {
          PointerPointer<BytePointer> names = new PointerPointer<>(outputs.size());
          for (int i = 0; i < outputs.size(); i++) {
            names.put(i, new BytePointer(outputs.get(i)));
          }
          return api.ExportModelForInferencing(
              session, Native.path(model.toString()), outputs.size(), names);
        });
  }

  /** A property of the checkpoint: a text, a {@link Long} or a {@link Float}. */
  public Object property(String name) {
    try (PointerScope scope = new PointerScope()) {
      IntPointer type = new IntPointer(1);
      Pointer value =
          made(out -> api.GetProperty(state, new BytePointer(name), Native.allocator(), type, out));
      Object property = switch (type.get()) { // OrtPropertyType
            case 0 -> new LongPointer(value).get();
            case 1 -> new FloatPointer(value).get();
            default -> new BytePointer(value).getString();
          };
      Native.free(value);
      return property;
    } catch (RuntimeException e) {
      throw failure("property '" + name + "'", e);
    }
  }

  private interface Step {
    OrtStatus run(PointerPointer<OrtValue> inputs, PointerPointer<OrtValue> outputs);
  }

  private Map<String, Tensor> run(Names names, Map<String, Tensor> feeds, Step step) {
    Check.argument(
        feeds.keySet().containsAll(names.inputs()),
        "%s: expected %s, got %s",
        folder,
        names.inputs(),
        feeds.keySet());
    try (PointerScope scope = new PointerScope()) {
      PointerPointer<OrtValue> inputs = new PointerPointer<>(names.inputs().size());
      List<Value> fed = new ArrayList<>();
      for (int i = 0; i < names.inputs().size(); i++) {
        Tensor tensor = feeds.get(names.inputs().get(i));
        if (tensor != null) {
          fed.add(DeviceMemory.view(tensor));
          inputs.put(i, fed.get(i).asOrtValue());
        }
      }
      int count = names.outputs().size();
      PointerPointer<OrtValue> outputs = new PointerPointer<>(count);
      for (int i = 0; i < count; i++) {
        outputs.put(i, null); // for the API to allocate
      }
      Native.check(step.run(inputs, outputs));
      Map<String, Tensor> results = new LinkedHashMap<>();
      for (int i = 0; i < count; i++) {
        // The binding's way from a C value to one of C++ that owns it: wrapped, seen as one, moved.
        Value value = new Value(new Value(new BaseValue(outputs.get(OrtValue.class, i))));
        try (DeviceTensor result = DeviceTensor.adopt(names.outputs().get(i), Device.CPU, value)) {
          results.put(result.name(), result.download());
        }
      }
      return results;
    } catch (RuntimeException e) {
      throw failure("step", e);
    }
  }

  private interface Call {
    OrtStatus run();
  }

  private void call(String what, Call call) {
    try (PointerScope scope = new PointerScope()) {
      Native.check(call.run());
    } catch (RuntimeException e) {
      throw failure(what, e);
    }
  }

  private RuntimeException failure(String what, RuntimeException e) {
    return Native.failure("the training artifacts " + folder + ": " + what, e);
  }

  private interface Maker {
    OrtStatus make(PointerPointer<Pointer> out);
  }

  /** What the API delivers through its last argument. */
  private static Pointer made(Maker maker) {
    PointerPointer<Pointer> out = new PointerPointer<>(1);
    Native.check(maker.make(out));
    return out.get();
  }

  private interface Counter {
    OrtStatus count(SizeTPointer out);
  }

  private interface Namer {
    OrtStatus name(long index, PointerPointer<Pointer> out);
  }

  private static List<String> names(Counter counter, Namer namer) {
    SizeTPointer count = new SizeTPointer(1);
    Native.check(counter.count(count));
    List<String> names = new ArrayList<>();
    for (long i = 0; i < count.get(); i++) {
      long index = i;
      Pointer name = made(out -> namer.name(index, out));
      names.add(new BytePointer(name).getString());
      Native.free(name);
    }
    return names;
  }

  /** Frees session and state; closing again does nothing. */
  @Override
  public void close() {
    while (!owned.isEmpty()) {
      owned.pop().run();
    }
  }
}
