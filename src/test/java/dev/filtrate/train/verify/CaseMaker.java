package dev.filtrate.train.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Randomness;
import dev.filtrate.graph.DoubleTensor;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.ReferenceEvaluator;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.model.Filters;
import dev.filtrate.model.Head;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import dev.filtrate.model.Objective;
import dev.filtrate.train.StageGraphs;
import dev.filtrate.train.StageGraphs.TeacherStates;
import dev.filtrate.train.verify.DoubleTraining.Settings;
import dev.filtrate.weights.ModelFolder;
import dev.filtrate.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * Makes reference cases of a few kilobytes each in the format of the shared ones, all numbers in
 * double by the oracle. They guard a checkout that stands alone. {@link CommittedCasesTest} says
 * how to renew them.
 */
final class CaseMaker {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long SEED = 3;
  private static final int BATCH = 2;
  private static final int SEQUENCE = 6;
  private static final int VOCABULARY = 20;
  private static final int STEPS = 4;

  private static final String BERT =
      """
      {"model_type": "bert", "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 2,
       "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 8,
       "type_vocab_size": 2, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
       "classifier_dropout": 0.0, "pad_token_id": 0}
      """;

  private static final String DEBERTA =
      """
      {"model_type": "deberta-v2", "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 2,
       "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 8,
       "type_vocab_size": 0, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
       "cls_dropout": 0.0, "pooler_dropout": 0, "pooler_hidden_act": "gelu", "pad_token_id": 0,
       "relative_attention": true, "position_buckets": 3, "pos_att_type": ["p2c", "c2p"],
       "share_att_key": true, "norm_rel_ebd": "layer_norm", "position_biased_input": false}
      """;

  private static final String DISTILBERT =
      """
      {"model_type": "distilbert", "vocab_size": 20, "dim": 8, "n_layers": 2, "n_heads": 2,
       "hidden_dim": 12, "max_position_embeddings": 8, "dropout": 0.0, "attention_dropout": 0.0,
       "seq_classif_dropout": 0.0, "qa_dropout": 0.0, "pad_token_id": 0}
      """;

  private final Path folder;

  CaseMaker(Path folder) {
    this.folder = folder;
  }

  /** Makes all cases, each in a folder below. */
  void makeAll() {
    OptionalDouble none = OptionalDouble.empty();
    Settings plain = new Settings(1e-3, 0.5, 2, STEPS, 1, none);
    plain(
        "bert-classify",
        config(BERT, 3, "{}"),
        Head.SEQUENCE_CLASSIFICATION,
        new Settings(1e-3, 0.5, 1, STEPS / 2, 2, none));
    plain("bert-regress", config(BERT, 1, "{}"), Head.SEQUENCE_CLASSIFICATION, plain);
    plain("bert-qa", config(BERT, 2, "{}"), Head.QUESTION_ANSWERING, plain);
    String roberta =
        """
        {"model_type": "roberta", "type_vocab_size": 1, "pad_token_id": 1}
        """;
    plain("roberta-classify", config(BERT, 2, roberta), Head.SEQUENCE_CLASSIFICATION, plain);
    String electra =
        """
        {"model_type": "electra", "embedding_size": 4}
        """;
    plain("electra-qa", config(BERT, 2, electra), Head.QUESTION_ANSWERING, plain);
    plain("distilbert-regress", config(DISTILBERT, 1, "{}"), Head.SEQUENCE_CLASSIFICATION, plain);
    plain(
        "deberta-v3-classify",
        config(DEBERTA, 3, "{}"),
        Head.SEQUENCE_CLASSIFICATION,
        new Settings(1e-3, 0.5, 2, STEPS, 1, OptionalDouble.of(0.5)));
    String convolution =
        """
        {"conv_kernel_size": 3, "conv_act": "gelu", "share_att_key": false}
        """;
    plain("deberta-v2-conv", config(DEBERTA, 2, convolution), Head.SEQUENCE_CLASSIFICATION, plain);
    String teacher = "{\"num_hidden_layers\": 4}";
    String student = "{\"hidden_size\": 6, \"intermediate_size\": 10}";
    ted("ted-classify", config(DEBERTA, 3, teacher), config(DEBERTA, 3, student), plain);
  }

  private static ModelConfig config(String base, int labels, String changes) {
    try {
      ObjectNode json = (ObjectNode) JSON.readTree(base);
      json.setAll((ObjectNode) JSON.readTree(changes));
      List<String> names = new ArrayList<>();
      for (int i = 0; i < labels; i++) {
        names.add("LABEL_" + i);
      }
      return ModelConfig.parse(json, "case").withLabels(names);
    } catch (IOException e) {
      throw new IllegalArgumentException(e);
    }
  }

  // A plain case

  private void plain(String name, ModelConfig config, Head head, Settings settings) {
    Path into = folder.resolve(name);
    Randomness random = Randomness.of(SEED, name);
    Model model = new Model(config, head, Optional.empty());
    Graph states = StageGraphs.states("states", model);
    Map<String, Tensor> weights = weights(states.parameters(), random);
    List<Map<String, Tensor>> batches = batches(config, head, random);
    ModelFolder.write(into, config.json(), weights, List.of());
    writeBatches(into, batches);

    Graph gradients = StageGraphs.gradients("gradients", model, Objective.task(), p -> true, true);
    Map<String, Tensor> reference = new LinkedHashMap<>(batches.get(0));
    Map<String, DoubleTensor> values = doubles(weights);
    values.putAll(doubles(batches.get(0)));
    put(reference, ReferenceEvaluator.run(states, values), "");
    DoubleTraining training = new DoubleTraining(gradients, weights, settings);
    Map<String, DoubleTensor> first = training.gradients(doubles(batches.get(0)), 1);
    reference.put("loss", DoubleTraining.floats(ReferenceEvaluator.get(first, "loss")));
    first.keySet().removeIf(output -> !output.startsWith("grad/"));
    put(reference, first, "grad/");
    write(into.resolve("reference.safetensors"), reference);

    List<Map<String, Double>> losses = training.train(doubles(batches), b -> b);
    ObjectNode json = settings(settings);
    json.put("gradient_accumulation_steps", settings.accumulation());
    putLosses(json, "loss", losses);
    writeJson(into, json);
    write(into.resolve("final.safetensors"), training.end());
  }

  private static void put(
      Map<String, Tensor> into, Map<String, DoubleTensor> outputs, String prefix) {
    outputs.forEach(
        (name, value) ->
            into.put(
                prefix.isEmpty() ? name : "grad." + name.substring(prefix.length()),
                DoubleTraining.floats(value)));
  }

  // A TED case

  private void ted(String name, ModelConfig teacherConfig, ModelConfig studentConfig, Settings s) {
    Path into = folder.resolve(name);
    Randomness random = Randomness.of(SEED, name);
    Head head = Head.SEQUENCE_CLASSIFICATION;
    Filters teacherFilters = new Filters(2, 5, false);
    Filters studentFilters = new Filters(1, 5, false);
    Model teacher = new Model(teacherConfig, head, Optional.of(teacherFilters));
    Model student = new Model(studentConfig, head, Optional.of(studentFilters));
    List<Map<String, Tensor>> batches = batches(studentConfig, head, random);
    ObjectNode json = JSON.createObjectNode();
    json.set("settings", settings(s));
    json.put("teacher_filter_interval", teacherFilters.interval());
    json.put("student_filter_interval", studentFilters.interval());
    json.put("filter_output_dim", studentFilters.outputDim());
    json.put("filter_nonlinear", false);
    json.put("task", "classification");
    json.put("temperature", 2.0);
    json.put("kl_alpha", 5.0);
    json.put("mse_alpha", 20.0);
    json.put("kl_over", "last_axis");
    Map<String, Tensor> teacherAll =
        stageOne(into.resolve("teacher"), "teacher", teacher, batches, s, json, random);
    Map<String, Tensor> studentAll =
        stageOne(into.resolve("student"), "student", student, batches, s, json, random);

    Model projected = student.with(new Filters(1, teacherConfig.hiddenSize(), false));
    Map<String, Tensor> projections =
        weights(filters(StageGraphs.states("lwd", projected)), random);
    write(into.resolve("student/filters_lwd_init.safetensors"), projections);
    Map<String, Tensor> projectedAll = new LinkedHashMap<>(studentAll);
    projectedAll.putAll(projections);
    Model plain = teacher.withoutFilters();
    StageTwo stageTwo = new StageTwo(into, batches, s, json, teacherAll);
    stageTwo.train(
        "ted",
        new StageGraphs.Teacher(teacher, TeacherStates.FILTERED, 1),
        student,
        studentAll,
        20);
    stageTwo.train(
        "lwd",
        new StageGraphs.Teacher(plain, TeacherStates.HIDDEN, 2),
        projected,
        projectedAll,
        20);
    stageTwo.train(
        "kd",
        new StageGraphs.Teacher(plain, TeacherStates.NONE, 1),
        student.withoutFilters(),
        studentAll,
        0);
    writeBatches(into, batches);
    writeJson(into, json);
  }

  /** Writes a model with its filters and trains those; returns model and filters after it. */
  private static Map<String, Tensor> stageOne(
      Path into,
      String who,
      Model model,
      List<Map<String, Tensor>> batches,
      Settings settings,
      ObjectNode json,
      Randomness random) {
    Map<String, Tensor> base =
        weights(StageGraphs.inference(who, model.withoutFilters()).parameters(), random);
    ModelFolder.write(into, model.config().json(), base, List.of());
    Graph gradients =
        StageGraphs.gradients(who, model, Objective.filterTask(), StageGraphs.filtersOnly(), true);
    Map<String, Tensor> all = new LinkedHashMap<>(base);
    Map<String, Tensor> start = weights(filters(gradients), random);
    all.putAll(start);
    write(into.resolve("filters_init.safetensors"), start);
    DoubleTraining training = new DoubleTraining(gradients, all, settings);
    putLosses(json, "stage1_" + who, training.train(doubles(batches), b -> b));
    write(into.resolve("final_stage1.safetensors"), training.end());
    write(into.resolve("filters_stage1.safetensors"), training.trained());
    all.putAll(training.trained());
    return all;
  }

  private static List<Value> filters(Graph graph) {
    Predicate<String> owned = Filters::owns;
    return graph.parameters().stream().filter(p -> owned.test(p.name())).toList();
  }

  /** What the three methods share. */
  private record StageTwo(
      Path folder,
      List<Map<String, Tensor>> batches,
      Settings settings,
      ObjectNode json,
      Map<String, Tensor> teacherWeights) {
    void train(
        String method,
        StageGraphs.Teacher teacher,
        Model student,
        Map<String, Tensor> weights,
        double mseAlpha) {
      Objective objective =
          Objective.distillation(
              new Objective.Distillation(
                  5,
                  mseAlpha,
                  2,
                  Objective.Divergence.CLASSES,
                  Objective.Reduction.MEAN,
                  false,
                  false));
      Graph teacherGraph = StageGraphs.frozen("teacher", teacher);
      Graph gradients = StageGraphs.distillation(method, student, teacher, objective);
      UnaryOperator<Map<String, DoubleTensor>> imitated =
          batch -> {
            Map<String, DoubleTensor> values = doubles(teacherWeights);
            values.putAll(batch);
            Map<String, DoubleTensor> with = new LinkedHashMap<>(batch);
            with.putAll(ReferenceEvaluator.run(teacherGraph, values));
            return with;
          };
      DoubleTraining training = new DoubleTraining(gradients, weights, settings);
      ArrayNode rows = json.putArray(method);
      for (Map<String, Double> losses : training.train(doubles(batches), imitated)) {
        ObjectNode row = rows.addObject();
        losses.keySet().removeIf(term -> term.contains(".")); // of single layers: not the format's
        losses.forEach(row::put);
      }
      write(folder.resolve("student/final_" + method + ".safetensors"), training.end());
    }
  }

  // Inputs

  private static Map<String, Tensor> weights(List<Value> parameters, Randomness random) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    for (Value p : parameters) {
      boolean scale = p.name().matches(".*(LayerNorm|layer_norm)\\.weight");
      float[] values = new float[Math.toIntExact(p.shape().elements().fixed())];
      random.fillNormal(values, p.rank() > 1 ? 0.3 : 0.1);
      for (int i = 0; scale && i < values.length; i++) {
        values[i] += 1;
      }
      weights.put(p.name(), Tensor.ofFloats(p.shape().fixed(), values));
    }
    return weights;
  }

  /** Batches with padding; every other one with a label that is to be ignored. */
  private static List<Map<String, Tensor>> batches(
      ModelConfig config, Head head, Randomness random) {
    List<Map<String, Tensor>> batches = new ArrayList<>();
    for (int step = 0; step < STEPS; step++) {
      long padding = config.common().padTokenId();
      long[] ids = new long[BATCH * SEQUENCE];
      Arrays.fill(ids, padding);
      long[] mask = new long[ids.length];
      long[] segments = new long[ids.length];
      for (int row = 0; row < BATCH; row++) {
        int length = row == 0 ? SEQUENCE : SEQUENCE / 2 + random.nextInt(SEQUENCE / 2);
        for (int i = 0; i < length; i++) {
          int place = row * SEQUENCE + i;
          int token = 1 + random.nextInt(VOCABULARY - 1);
          ids[place] = token == padding ? 0 : token;
          mask[place] = 1;
          segments[place] = i < length / 2 ? 0 : 1;
        }
      }
      long[] grid = {BATCH, SEQUENCE};
      Map<String, Tensor> batch = new LinkedHashMap<>();
      batch.put("input_ids", Tensor.ofLongs(grid, ids));
      batch.put("attention_mask", Tensor.ofLongs(grid, mask));
      if (config.hasTokenTypes()) {
        batch.put("token_type_ids", Tensor.ofLongs(grid, segments));
      }
      if (head == Head.QUESTION_ANSWERING) {
        int outside = step % 2 == 0 ? SEQUENCE + 3 : 1;
        batch.put("start_positions", column(random.nextInt(SEQUENCE), outside));
        batch.put("end_positions", column(random.nextInt(SEQUENCE), random.nextInt(SEQUENCE)));
      } else if (config.numLabels() == 1) {
        batch.put(
            "labels",
            Tensor.ofFloats(
                new long[] {BATCH}, (float) random.nextGaussian(), (float) random.nextGaussian()));
      } else {
        int unlabelled = step % 2 == 0 ? -1 : 1;
        batch.put("labels", column(random.nextInt(config.numLabels()), unlabelled));
      }
      batches.add(batch);
    }
    return batches;
  }

  private static Tensor column(int first, int second) {
    return Tensor.ofLongs(new long[] {BATCH}, first, second);
  }

  private static Map<String, DoubleTensor> doubles(Map<String, Tensor> tensors) {
    Map<String, DoubleTensor> doubles = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> doubles.put(name, DoubleTensor.of(tensor)));
    return doubles;
  }

  private static List<Map<String, DoubleTensor>> doubles(List<Map<String, Tensor>> batches) {
    return batches.stream().map(CaseMaker::doubles).toList();
  }

  // Files

  private static ObjectNode settings(Settings s) {
    ObjectNode json = JSON.createObjectNode();
    json.put("optimizer", "adamw");
    json.put("lr", s.rate());
    json.putArray("betas").add(0.9).add(0.999);
    json.put("eps", 1e-8);
    json.put("weight_decay", s.weightDecay());
    json.put("schedule", "linear");
    json.put("warmup_steps", s.warmupSteps());
    json.put("total_steps", s.updates());
    JsonNode clip =
        s.clip().isPresent()
            ? JSON.getNodeFactory().numberNode(s.clip().getAsDouble())
            : JSON.nullNode();
    json.set("clip_grad_norm", clip);
    return json;
  }

  private static void putLosses(ObjectNode json, String key, List<Map<String, Double>> losses) {
    ArrayNode array = json.putArray(key);
    losses.forEach(row -> array.add(row.get("loss")));
  }

  private static void writeBatches(Path into, List<Map<String, Tensor>> batches) {
    Map<String, Tensor> all = new LinkedHashMap<>();
    for (int i = 0; i < batches.size(); i++) {
      int step = i;
      batches.get(i).forEach((name, tensor) -> all.put(step + "." + name, tensor));
    }
    write(into.resolve("batches.safetensors"), all);
  }

  private static void write(Path file, Map<String, Tensor> tensors) {
    Safetensors.write(file, tensors, Map.of());
  }

  private static void writeJson(Path into, ObjectNode json) {
    AtomicFiles.writeText(into.resolve("trajectory.json"), json.toPrettyString() + "\n");
  }
}
