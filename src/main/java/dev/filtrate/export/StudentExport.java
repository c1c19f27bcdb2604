package dev.filtrate.export;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import dev.filtrate.data.batch.BatchOptions;
import dev.filtrate.data.batch.Batches;
import dev.filtrate.data.tokenize.Tokenizer;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.onnx.OnnxCodec;
import dev.filtrate.onnx.WeightedGraph;
import dev.filtrate.recipe.ExportSettings;
import dev.filtrate.recipe.Precision;
import dev.filtrate.recipe.StageSettings;
import dev.filtrate.runtime.ComputeSession;
import dev.filtrate.train.Engine;
import dev.filtrate.train.Results;
import dev.filtrate.train.Weights;
import dev.filtrate.weights.ModelFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Writes a trained model as a folder that any ONNX runtime serves, and proves it: the file as
 * written gives the same logits and the same metrics as the model that it was made from. A folder
 * that cannot be proven does not come to be.
 */
public final class StudentExport {
  private static final int BATCH = 8;

  /** Updates of the proof of training artifacts: the moments count from the second on. */
  private static final int TRAINING_UPDATES = 3;

  private final Engine engine;
  private final ExportSettings settings;
  private final List<Pass> passes;
  private final long dataInside;
  private final Optional<Results> results;
  private final Optional<StageSettings> training;

  /**
   * What came of an export.
   *
   * @param folder where it is
   * @param parameters how many numbers the model holds
   * @param bytes the size of the model in float32, its data included
   * @param agreement the proof
   * @param precisions what was measured of every file, and which ones were not kept
   * @param training of training artifacts, if there are any: the largest difference between the
   *     losses of ONNX Runtime's training API and those of this project's own training
   */
  public record Report(
      Path folder,
      long parameters,
      long bytes,
      Agreement agreement,
      Measurements precisions,
      OptionalDouble training) {}

  /** Exports in single precision that are proven and measured on this engine. */
  public StudentExport(Engine engine) {
    this(engine, ExportPasses.ALL, OnnxCodec.INSIDE);
  }

  /** The same with other passes, and other limits of what a file holds inside. */
  StudentExport(Engine engine, List<Pass> passes, long dataInside) {
    this(engine, ExportSettings.DEFAULT, passes, dataInside, Optional.empty(), Optional.empty());
  }

  private StudentExport(
      Engine engine,
      ExportSettings settings,
      List<Pass> passes,
      long dataInside,
      Optional<Results> results,
      Optional<StageSettings> training) {
    this.engine = engine.asExported();
    this.settings = settings;
    this.passes = passes;
    this.dataInside = dataInside;
    this.results = results;
    this.training = training;
  }

  /** The same in other precisions, too. */
  public StudentExport with(ExportSettings precisions) {
    return new StudentExport(engine, precisions, passes, dataInside, results, training);
  }

  /** The same, whose model card also tells what a run measured of all its models. */
  StudentExport with(Results measured) {
    return new StudentExport(engine, settings, passes, dataInside, Optional.of(measured), training);
  }

  /**
   * The same with what ONNX Runtime's training API needs to train the student on, in the folder
   * {@code training}.
   *
   * @param finetuning its optimizer, dropout and learning rate; an optimizer that the API does not
   *     have is a {@link UserError}
   */
  public StudentExport withTraining(StageSettings finetuning) {
    TrainingArtifacts.requireDevice(finetuning.optimizer());
    return new StudentExport(
        engine, settings, passes, dataInside, results, Optional.of(finetuning));
  }

  /** The graph that an export of a model holds, in ONNX's form: for reading. */
  public static Graph graph(Weights weights) {
    return Pass.run(ExportPasses.ALL, ExportPasses.draft(weights)).graph();
  }

  /**
   * Exports the model of a Hugging Face folder; what the folders around it tell of where it comes
   * from goes into {@code provenance.json}. The rest is as {@link #write} has it.
   */
  public Report writeFrom(
      Path modelFolder, Path folder, Tokenizer tokenizer, Optional<? extends ValidationSet> task) {
    ExportFolder.requireFree(folder);
    Weights weights = TrainedModel.read(modelFolder);
    return write(weights, folder, tokenizer, task, Origin.around(modelFolder));
  }

  /**
   * Exports a model. An earlier export in the same place is replaced; whatever else is there, and
   * an export that does not do what the model does, is a {@link dev.filtrate.base.UserError}.
   *
   * @param weights the trained model; filters are left out
   * @param folder where to; made whole or not at all
   * @param tokenizer what the model's ids were made with
   * @param task what to prove it on; without one, ids that are made up
   * @param facts what else is known of where it comes from, such as {@code recipe_sha256}
   */
  public Report write(
      Weights weights,
      Path folder,
      Tokenizer tokenizer,
      Optional<? extends ValidationSet> task,
      Map<String, String> facts) {
    ExportFolder.requireFree(folder);
    ModelConfig config = weights.model().config();
    ExportFolder.requireFits(config.common().where(), config, tokenizer);
    Proof proof = proof(weights, task);
    WeightedGraph slim = Pass.run(passes, ExportPasses.draft(weights));
    Provenance provenance = new Provenance(weights, tokenizer, task, proof.metrics(), facts);
    List<Report> reports = new ArrayList<>();
    AtomicFiles.writeFolder(
        folder,
        inside -> {
          try {
            fill(inside, weights.model(), slim, tokenizer, provenance);
            boolean pairs = task.map(StudentExport::hasPairs).orElse(false);
            List<String> inputs = inputs(slim);
            ServingProperties.write(inside, weights.model(), inputs, tokenizer.maxLength(), pairs);
            requireReadable(inside, config, tokenizer);
            Golden golden = new Golden(weights.model(), tokenizer, task);
            OtherPrecisions others =
                new OtherPrecisions(
                    inside, slim, provenance, proof, task, settings, engine, dataInside);
            List<Measurement> measured = new ArrayList<>();
            Agreement agreement = prove(inside, proof, golden, others, measured);
            for (Precision precision : settings.precisions()) {
              if (precision != Precision.FP32) {
                measured.add(others.add(precision, golden));
              }
            }
            golden.write(inside, inputs);
            ExportFolder.addDataTypes(inside, kept(measured));
            provenance.write(inside, slim, agreement);
            Report report =
                new Report(
                    folder,
                    slim.graph().parameterCount(),
                    measured.get(0).bytes(),
                    agreement,
                    measurements(proof, task, measured),
                    writeTraining(inside, weights, provenance));
            new ModelCard(weights.model(), provenance.facts(), report, results).write(inside);
            report.precisions().write(inside);
            reports.add(report);
          } catch (UserError e) { // what it names is not there any more when it is read
            String message = String.valueOf(e.getMessage());
            throw new UserError(message.replace(inside.toString(), folder.toString()), e);
          }
        });
    return reports.get(0);
  }

  private static Set<Precision> kept(List<Measurement> measured) {
    Set<Precision> kept = EnumSet.noneOf(Precision.class);
    measured.stream().filter(Measurement::kept).forEach(m -> kept.add(m.precision()));
    return kept;
  }

  private Measurements measurements(
      Proof proof, Optional<? extends ValidationSet> task, List<Measurement> measured) {
    return new Measurements(
        task.map(t -> t.metrics().get(0)),
        proof.examples().size(),
        settings.maxDrop(),
        engine.options().device().toString(),
        engine.options().threads(),
        measured);
  }

  /** What the trained model answers, as the engine runs it. */
  private Proof proof(Weights weights, Optional<? extends ValidationSet> task) {
    WeightedGraph trained = ExportPasses.draft(weights);
    Batches examples =
        task.<Batches>map(t -> t.batches(BATCH))
            .orElseGet(
                () ->
                    Batches.evaluation(
                        MadeUpTexts.of(weights.model().config()),
                        new BatchOptions(BATCH, 1, 0, false)));
    try (ComputeSession session = engine.frozen(trained.graph(), trained.values())) {
      return new Proof(session, examples, task);
    }
  }

  private void fill(
      Path folder, Model model, WeightedGraph slim, Tokenizer tokenizer, Provenance provenance)
      throws IOException {
    ExportFolder.writeConfig(folder, model);
    ExportFolder.writeTokenizer(folder, tokenizer, inputs(slim));
    ExportFolder.writeModel(folder, slim, provenance.metadata(Precision.FP32), dataInside);
  }

  private OptionalDouble writeTraining(Path folder, Weights weights, Provenance provenance)
      throws IOException {
    if (training.isEmpty()) {
      return OptionalDouble.empty();
    }
    TrainingArtifacts artifacts = new TrainingArtifacts(weights, training.get());
    Path inside = Files.createDirectory(folder.resolve(TrainingArtifacts.FOLDER));
    artifacts.write(inside, provenance.metadata(Precision.FP32));
    double rate = training.get().schedule().learningRate();
    TrainingProof proof = new TrainingProof(artifacts, engine, TRAINING_UPDATES, rate);
    return OptionalDouble.of(proof.check(inside));
  }

  private static List<String> inputs(WeightedGraph slim) {
    return slim.graph().inputs().stream().map(Value::name).toList();
  }

  private static boolean hasPairs(ValidationSet task) {
    return task.samples().stream().anyMatch(text -> text.sentence2() != null);
  }

  /** Reads config and tokenizer again, as a consumer would. */
  private static void requireReadable(Path folder, ModelConfig config, Tokenizer tokenizer) {
    ModelConfig written = ModelFolder.readConfig(folder);
    Check.state(
        written.common().labels().equals(config.common().labels()),
        "%s: labels %s became %s",
        folder,
        config.common().labels(),
        written.common().labels());
    try (Tokenizer again = Tokenizer.read(folder, tokenizer.maxLength())) {
      Check.state(
          again.sha256().equals(tokenizer.sha256()), "%s: another tokenizer was written", folder);
    }
  }

  /** Loads what was written in float32; what it answers to a few texts is kept. */
  private Agreement prove(
      Path folder,
      Proof proof,
      Golden golden,
      OtherPrecisions measuring,
      List<Measurement> measured)
      throws IOException {
    try (ComputeSession session = ExportFolder.open(folder, engine.options())) {
      List<Proof.Answer> answers = proof.answers(session);
      Agreement agreement = proof.check(folder.resolve(ExportFolder.MODEL).toString(), answers);
      measured.add(measuring.measure(Precision.FP32, modelBytes(folder), session, answers));
      golden.add(Precision.FP32, session, 0);
      return agreement;
    }
  }

  private static long modelBytes(Path folder) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(ExportFolder::isModel).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }
}
